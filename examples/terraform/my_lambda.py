def handler(event, context):
    identity = event["requestContext"].get("authorizer", {})
    caller = identity.get("iam", {}).get("userArn") or identity.get("principalId")
    return {"statusCode": 200, "body": f"hello {caller}\n"}
