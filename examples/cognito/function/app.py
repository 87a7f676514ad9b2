import json


def handler(event, context):
    """Tells who calls: claims are in one place of an HTTP API's event and in another of a REST API's."""
    authorizer = event["requestContext"]["authorizer"]
    claims = authorizer["jwt"]["claims"] if "jwt" in authorizer else authorizer["claims"]
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps(
            {"who": claims.get("cognito:username") or claims.get("username") or claims["sub"], "use": claims["token_use"]}
        ),
    }
