"""A template with one function, for tests of the program around it."""

GOOD = """\
Transform: AWS::Serverless-2016-10-31
Parameters:
  Word: {Type: String, Default: fallback}
  Stage: {Type: String, Default: dev, AllowedValues: [dev, prod]}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: hello
      Runtime: python3.11
      Handler: app.handler
      CodeUri: hello
      Timeout: 10
      Environment: {Variables: {WORD: !Sub '${Word}!', PROD: !If [IsProd, 'yes', 'no']}}
      Events:
        Get: {Type: Api, Properties: {Path: /hello, Method: get, RestApiId: !Ref Api}}
  Api:
    Type: AWS::Serverless::Api
    Properties: {StageName: !Ref Stage, OpenApiVersion: '3.0.1'}
Outputs:
  Where: {Value: !Sub 'https://${Api}.execute-api.${AWS::Region}.amazonaws.com/${Stage}'}
"""
CODE = """\
import os, time
PROCESS = f"{os.readlink('/proc/self/ns/pid')}/{os.getpid()}/{os.urandom(4).hex()}"
def handler(event, context):
    query = event["queryStringParameters"] or {}
    if "sleep" in query:
        print("asleep", flush=True)
        time.sleep(float(query["sleep"]))
    return {"statusCode": 200, "body": f"one {os.environ['WORD']} {os.environ['PROD']} {PROCESS}"}
"""
GOOD_FILES = {"template.yaml": GOOD, "hello/app.py": CODE}


def word(server, path="/hello"):
    answer = server.api().call(path)
    assert answer.status == 200, answer
    return answer.text.rsplit(" ", 1)[0]
