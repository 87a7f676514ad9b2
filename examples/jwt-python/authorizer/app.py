"""A TOKEN authorizer for JSON Web Tokens signed with RS256."""

import os

import jwt

PUBLIC_KEY, ISSUER, AUDIENCE = os.environ["PUBLIC_KEY"], os.environ["ISSUER"], os.environ["AUDIENCE"]


def lambda_handler(event, context):
    try:
        # The algorithm is fixed here and never taken from the token.
        claims = jwt.decode(
            event["authorizationToken"].removeprefix("Bearer "),
            PUBLIC_KEY,
            algorithms=["RS256"],
            issuer=ISSUER,
            audience=AUDIENCE,
            options={"require": ["exp", "sub"]},
        )
    except jwt.PyJWTError as error:
        print(f"token refused: {error}")
        # Exactly this message is answered with 401; any other would be a 500.
        raise Exception("Unauthorized") from None
    # The answer is cached and then serves every method of this stage, so the policy names them all.
    stage = "/".join(event["methodArn"].split("/")[:2])
    return {
        "principalId": claims["sub"],
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": f"{stage}/*"}],
        },
        # Strings, numbers and booleans only; they reach the function as strings.
        "context": {"scope": claims.get("scope", ""), "expires": claims["exp"]},
    }
