import json


def lambda_handler(event, context):
    caller = event["requestContext"]["authorizer"]
    body = {"hello": caller["principalId"], "scope": caller["scope"], "expires": caller["expires"]}
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps(body)}
