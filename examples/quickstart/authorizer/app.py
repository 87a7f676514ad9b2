"""A Lambda authorizer that knows two tokens. It serves both kinds of REST API authorizer."""

VALID_TOKENS = {"valid-token-1", "valid-token-2"}


def token_of(event):
    """The token of a TOKEN event lies in authorizationToken and nowhere else; a REQUEST event has the request's headers."""
    if event["type"] == "TOKEN":
        return event["authorizationToken"]
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    return headers.get("authorization")


def lambda_handler(event, context):
    effect = "Allow" if token_of(event) in VALID_TOKENS else "Deny"
    return {
        "principalId": "user",
        "policyDocument": {
            "Version": "2012-10-17",
            # Exactly the method that was called. That is right because the template sets ReauthorizeEvery to 0: a policy that is
            # cached answers for every method of the API and then has to name them all, e.g. event["methodArn"].split("/")[0] + "/*".
            "Statement": [{"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}],
        },
    }
