"""The protected function: only requests the authorizer lets through arrive here."""

import json


def answer(status, value):
    return {"statusCode": status, "headers": {"Content-Type": "application/json"}, "body": json.dumps(value)}


def lambda_handler(event, context):
    try:
        received = json.loads(event["body"]) if event["body"] else None
    except ValueError:
        return answer(400, {"message": "the body is not JSON"})
    return answer(200, {"received": received, "principalId": event["requestContext"]["authorizer"]["principalId"]})
