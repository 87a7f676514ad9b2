def handler(event, context):
    effect = "Allow" if event["authorizationToken"] == "valid-token-1" else "Deny"
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
    return {"principalId": "user", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
