def lambda_handler(event, context):
    token = event.get("headers", {}).get("Authorization")
    valid_tokens = ["valid-token-1", "valid-token-2"]
    effect = "Allow" if token in valid_tokens else "Deny"
    return {"principalId": "user", "policyDocument": {"Version": "2012-10-17", "Statement": [{"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}]}}
