"""A function that answers with the event it got, or does what the header X-Do says."""

import base64
import json
import os
import time


def handler(event, context):
    headers = {name.lower(): value for name, value in (event["headers"] or {}).items()}
    command, _, argument = headers.get("x-do", "echo").partition(" ")
    if command == "echo":
        body = {"event": event, "request_id": context.aws_request_id, "process": os.getpid()}
        return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps(body)}
    if command == "answer":
        # The request's body is the answer.
        body = event["body"]
        return json.loads(base64.b64decode(body) if event["isBase64Encoded"] else body)
    if command == "raise":
        raise ValueError(argument)
    if command == "exit":
        os._exit(int(argument))
    if command == "sleep":
        time.sleep(float(argument))
        return {"statusCode": 200, "body": "slept"}
    if command == "big":
        return {"statusCode": 200, "body": "z" * int(argument)}
    if command == "print":
        print(argument)
        return {"statusCode": 200, "body": "printed"}
    return {"statusCode": 400, "body": "unknown command " + command}
