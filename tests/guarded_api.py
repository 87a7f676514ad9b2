"""An API whose function stands behind two token authorizers, one of which keeps its answers: what the tests under load share."""

_TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: python3.11, Handler: app.handler, Timeout: TIMEOUT, MemorySize: MEMORY}}
Resources:
  Authorizer: {Type: AWS::Serverless::Function, Properties: {CodeUri: authorizer}}
  Work:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: work
      CodeUri: work
      Events:
        Plain: {Type: Api, Properties: {Path: '/plain/{id}', Method: post, RestApiId: !Ref Api, Auth: {Authorizer: Plain}}}
        Cached: {Type: Api, Properties: {Path: '/cached/{id}', Method: post, RestApiId: !Ref Api, Auth: {Authorizer: Cached}}}
MORE
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: dev
      OpenApiVersion: '3.0.1'
      Auth:
        Authorizers:
          Plain: {FunctionArn: !GetAtt Authorizer.Arn, Identity: {ReauthorizeEvery: 0}}
          Cached: {FunctionArn: !GetAtt Authorizer.Arn, Identity: {ReauthorizeEvery: KEPT}}
"""

# Lets in whoever has a token that begins with `valid`, and names the caller after the token.
AUTHORIZER = """
def handler(event, context):
    token = event["authorizationToken"]
    effect = "Allow" if token.startswith("valid") else "Deny"
    return {"principalId": token, "policyDocument": {"Version": "2012-10-17", "Statement": [
        {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"].split("/")[0] + "/*"}]}}
"""


def template(more, kept_for=300, timeout=20, memory=128):
    """`more`: other resources, indented. The code of the two functions lies in `authorizer/app.py` and `work/app.py`."""
    text = _TEMPLATE.replace("TIMEOUT", str(timeout)).replace("MEMORY", str(memory)).replace("KEPT", str(kept_for))
    return text.replace("MORE\n", more.lstrip("\n"))
