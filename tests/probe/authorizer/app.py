"""An authorizer that does what the token says. Each event it gets is told to the recorder CALLS names before it is answered."""

import base64
import json
import os
import socket
import time


def remember(event):
    host, port, path = os.environ["CALLS"].split(":", 2)
    with socket.create_connection((host, int(port))) as recorder:
        recorder.sendall(path.encode() + b"\n" + json.dumps(event).encode() + b"\n")
        recorder.shutdown(socket.SHUT_WR)
        recorder.recv(1)


def token_of(event):
    if event["type"] == "TOKEN":
        return event["authorizationToken"]
    headers = {name.lower(): value for name, value in (event["headers"] or {}).items()}
    return headers.get("x-auth") or headers.get("authorization") or "allow"


def grant(effect, resource):
    return {
        "principalId": "user|a1",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}],
        },
        "context": {"text": "some text", "number": 42, "fraction": 1.5, "yes": True, "no": False},
    }


def filled_in(value, arn):
    """The value with $arn, $api and $stage replaced in all its texts."""
    if isinstance(value, str):
        parts = arn.split("/")
        return value.replace("$arn", arn).replace("$api", parts[0]).replace("$stage", "/".join(parts[:2]))
    if isinstance(value, list):
        return [filled_in(each, arn) for each in value]
    if isinstance(value, dict):
        return {name: filled_in(each, arn) for name, each in value.items()}
    return value


def handler(event, context):
    remember(event)
    arn = event["methodArn"]
    token = token_of(event)
    if token.startswith("Bearer "):
        token = token[7:]
    command, _, argument = token.partition(" ")
    if command in ("allow", "permit"):
        return grant("Allow", arn)
    if command == "allow-all":
        return grant("Allow", arn.split("/")[0] + "/*")
    if command == "answer":
        return filled_in(json.loads(base64.b64decode(argument)), arn)
    if command == "raise":
        raise Exception(base64.b64decode(argument).decode())
    if command == "key-error":
        return grant("Allow" if event["headers"]["Authorization"] else "Deny", arn)
    if command == "exit":
        os._exit(3)
    if command == "sleep":
        time.sleep(float(argument))
        return grant("Allow", arn)
    if command == "wait":
        # Until somebody accepts the connection and ends it.
        print("waiting", flush=True)
        with socket.create_connection(("127.0.0.1", int(argument))) as gate:
            gate.recv(1)
        return grant("Allow", arn)
    if command in ("huge", "huge-deny"):
        return {**grant("Allow" if command == "huge" else "Deny", arn), "context": {"text": "x" * int(argument)}}
    return grant("Deny", arn)
