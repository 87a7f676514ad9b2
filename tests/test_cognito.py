"""User pools as boto3 manages them: pools, clients, users, groups; what people do without a signature; AWS's refusals; and a restart."""

import re
import uuid

import pytest

from aws import ACCOUNT, Cloud
from conftest import Server

PASSWORD = "Right-1-horse"


@pytest.fixture(scope="module")
def cloud(module_server):
    return Cloud(module_server)


@pytest.fixture(scope="module")
def idp(cloud):
    return cloud.client("cognito-idp")


@pytest.fixture
def pool(idp):
    return idp.create_user_pool(PoolName="p", AutoVerifiedAttributes=["email"])["UserPool"]["Id"]


@pytest.fixture
def client(idp, pool):
    return make_client(idp, pool)


def make_client(idp, pool, **more):
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    made = idp.create_user_pool_client(UserPoolId=pool, ClientName="c", ExplicitAuthFlows=flows, **more)
    return made["UserPoolClient"]["ClientId"]


def refused(idp, operation, **members):
    """Code and message of the refusal."""
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as caught:
        getattr(idp, operation)(**members)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def attributes_of(user):
    listed = user.get("UserAttributes") or user.get("Attributes")
    return {each["Name"]: each["Value"] for each in listed}


def sign_in(idp, client, name, password):
    answer = idp.initiate_auth(ClientId=client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters={"USERNAME": name, "PASSWORD": password})
    return answer["AuthenticationResult"]["AccessToken"]


def sign_up(idp, client, name, email):
    return idp.sign_up(ClientId=client, Username=name, Password=PASSWORD, UserAttributes=[{"Name": "email", "Value": email}])


def code_of(server, name):
    """The code of a user who has got one, as the log tells it."""
    text = server.wait_for_text(f"code of email for {name} is ")["text"]
    return re.search(r" is (\S+)", text)[1]


def test_a_pool_and_what_it_says_of_itself(idp):
    made = idp.create_user_pool(PoolName="one", UserPoolTags={"team": "red"})["UserPool"]
    pool = made["Id"]
    assert re.fullmatch(r"us-east-1_[0-9A-Za-z]{9}", pool)
    shown = idp.describe_user_pool(UserPoolId=pool)["UserPool"]
    assert shown["Arn"] == f"arn:aws:cognito-idp:us-east-1:{ACCOUNT}:userpool/{pool}"
    assert shown["Policies"]["PasswordPolicy"]["MinimumLength"] == 8
    assert shown["UserPoolTier"] == "ESSENTIALS" and shown["MfaConfiguration"] == "OFF"
    names = [each["Name"] for each in shown["SchemaAttributes"]]
    assert {"sub", "email", "email_verified", "updated_at", "phone_number"} <= set(names)
    assert shown["UserPoolTags"] == {"team": "red"}
    assert pool in [each["Id"] for each in idp.list_user_pools(MaxResults=60)["UserPools"]]
    idp.update_user_pool(UserPoolId=pool, Policies={"PasswordPolicy": {"MinimumLength": 10}})
    assert idp.describe_user_pool(UserPoolId=pool)["UserPool"]["Policies"]["PasswordPolicy"]["RequireSymbols"] is False
    idp.delete_user_pool(UserPoolId=pool)
    assert refused(idp, "describe_user_pool", UserPoolId=pool) == ("ResourceNotFoundException", f"User pool {pool} does not exist.")


def test_custom_attributes_have_types_and_limits(idp):
    schema = [
        {"Name": "plan", "AttributeDataType": "String", "Mutable": False, "StringAttributeConstraints": {"MinLength": "1", "MaxLength": "8"}},
        {"Name": "seats", "AttributeDataType": "Number", "NumberAttributeConstraints": {"MinValue": "1", "MaxValue": "9"}},
    ]
    pool = idp.create_user_pool(PoolName="p", Schema=schema)["UserPool"]["Id"]
    make = lambda **values: idp.admin_create_user(
        UserPoolId=pool,
        Username="u" + uuid.uuid4().hex[:8],
        UserAttributes=[{"Name": "custom:" + name, "Value": value} for name, value in values.items()],
    )["User"]
    user = make(plan="free", seats="3")
    assert attributes_of(user)["custom:seats"] == "3"
    for values in ({"seats": "10"}, {"seats": "many"}, {"plan": "much too long"}, {"unknown": "x"}):
        with pytest.raises(idp.exceptions.InvalidParameterException):
            make(**values)
    change = {"UserPoolId": pool, "Username": user["Username"], "UserAttributes": [{"Name": "custom:plan", "Value": "paid"}]}
    assert refused(idp, "admin_update_user_attributes", **change)[0] == "InvalidParameterException"


def test_clients_domains_and_resource_servers(idp, pool):
    idp.create_resource_server(
        UserPoolId=pool, Identifier="https://api", Name="api", Scopes=[{"ScopeName": "read", "ScopeDescription": "may read"}]
    )
    made = idp.create_user_pool_client(
        UserPoolId=pool,
        ClientName="machine",
        GenerateSecret=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=["https://api/read"],
        AllowedOAuthFlowsUserPoolClient=True,
    )["UserPoolClient"]
    assert re.fullmatch(r"[0-9a-z]{26}", made["ClientId"]) and len(made["ClientSecret"]) > 40
    shown = idp.describe_user_pool_client(UserPoolId=pool, ClientId=made["ClientId"])["UserPoolClient"]
    assert shown["AllowedOAuthScopes"] == ["https://api/read"] and shown["RefreshTokenValidity"] == 30
    nowhere = {"UserPoolId": pool, "ClientName": "x", "AllowedOAuthScopes": ["https://api/write"]}
    assert refused(idp, "create_user_pool_client", **nowhere)[0] == "ScopeDoesNotExistException"
    prefix = "d" + uuid.uuid4().hex[:10]
    idp.create_user_pool_domain(UserPoolId=pool, Domain=prefix)
    assert idp.describe_user_pool_domain(Domain=prefix)["DomainDescription"]["Status"] == "ACTIVE"
    assert refused(idp, "delete_user_pool", UserPoolId=pool)[0] == "InvalidParameterException"
    custom = f"auth.{uuid.uuid4().hex[:8]}.example.com"
    certificate = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/{uuid.uuid4()}"
    answer = idp.create_user_pool_domain(UserPoolId=pool, Domain=custom, CustomDomainConfig={"CertificateArn": certificate})
    assert answer["CloudFrontDomain"].endswith(".cloudfront.net")
    for domain in (prefix, custom):
        idp.delete_user_pool_domain(UserPoolId=pool, Domain=domain)
        assert idp.describe_user_pool_domain(Domain=domain)["DomainDescription"] == {}


def test_users_and_groups(idp, pool):
    user = idp.admin_create_user(UserPoolId=pool, Username="bob", MessageAction="SUPPRESS")["User"]
    assert (user["UserStatus"], user["Enabled"]) == ("FORCE_CHANGE_PASSWORD", True)
    assert refused(idp, "admin_create_user", UserPoolId=pool, Username="bob")[0] == "UsernameExistsException"
    assert refused(idp, "admin_get_user", UserPoolId=pool, Username="none") == ("UserNotFoundException", "User does not exist.")
    idp.admin_set_user_password(UserPoolId=pool, Username="bob", Password=PASSWORD, Permanent=True)
    assert idp.admin_get_user(UserPoolId=pool, Username="bob")["UserStatus"] == "CONFIRMED"
    weak = {"UserPoolId": pool, "Username": "bob", "Password": "nothing-of-it"}
    assert refused(idp, "admin_set_user_password", **weak) == (
        "InvalidPasswordException",
        "Password did not conform with policy: Password must have uppercase characters",
    )
    idp.create_group(UserPoolId=pool, GroupName="admins", Precedence=1)
    idp.admin_add_user_to_group(UserPoolId=pool, Username="bob", GroupName="admins")
    assert [each["GroupName"] for each in idp.admin_list_groups_for_user(UserPoolId=pool, Username="bob")["Groups"]] == ["admins"]
    assert [each["Username"] for each in idp.list_users_in_group(UserPoolId=pool, GroupName="admins")["Users"]] == ["bob"]
    idp.admin_remove_user_from_group(UserPoolId=pool, Username="bob", GroupName="admins")
    assert idp.list_users_in_group(UserPoolId=pool, GroupName="admins")["Users"] == []
    idp.admin_update_user_attributes(UserPoolId=pool, Username="bob", UserAttributes=[{"Name": "email", "Value": "bob@example.com"}])
    found = idp.list_users(UserPoolId=pool, Filter='email ^= "bob@"', AttributesToGet=["email"])["Users"]
    assert [attributes_of(each) for each in found] == [{"email": "bob@example.com"}]
    assert refused(idp, "list_users", UserPoolId=pool, Filter="email is bob")[0] == "InvalidParameterException"
    for number in range(5):
        idp.admin_create_user(UserPoolId=pool, Username=f"user{number}", MessageAction="SUPPRESS")
    pages = idp.get_paginator("list_users").paginate(UserPoolId=pool, PaginationConfig={"PageSize": 2})
    assert len({each["Username"] for page in pages for each in page["Users"]}) == 6
    idp.admin_delete_user(UserPoolId=pool, Username="bob")


def test_from_sign_up_to_deleting_oneself(idp, cloud, pool, client):
    name = "ann" + uuid.uuid4().hex[:8]
    answer = sign_up(idp, client, name, "ann@example.com")
    assert answer["CodeDeliveryDetails"] == {"Destination": "a***@e***", "DeliveryMedium": "EMAIL", "AttributeName": "email"}
    credentials = {"ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": {"USERNAME": name, "PASSWORD": PASSWORD}}
    assert refused(idp, "initiate_auth", **credentials) == ("UserNotConfirmedException", "User is not confirmed.")
    assert refused(idp, "confirm_sign_up", ClientId=client, Username=name, ConfirmationCode="wrong") == (
        "CodeMismatchException",
        "Invalid verification code provided, please try again.",
    )
    idp.confirm_sign_up(ClientId=client, Username=name, ConfirmationCode=code_of(cloud.server, name))
    token = sign_in(idp, client, name, PASSWORD)
    assert attributes_of(idp.get_user(AccessToken=token))["email_verified"] == "true"
    idp.change_password(AccessToken=token, PreviousPassword=PASSWORD, ProposedPassword="Another-1-horse")
    sign_in(idp, client, name, "Another-1-horse")
    assert refused(idp, "get_user", AccessToken="not.a.token")[0] == "NotAuthorizedException"
    idp.delete_user(AccessToken=token)
    assert refused(idp, "admin_get_user", UserPoolId=pool, Username=name)[0] == "UserNotFoundException"


def test_wrong_codes_are_limited(idp, pool, client):
    sign_up(idp, client, "eve", "eve@example.com")
    answers = [refused(idp, "confirm_sign_up", ClientId=client, Username="eve", ConfirmationCode="wrong") for _ in range(7)]
    assert [code for code, _ in answers] == ["CodeMismatchException"] * 5 + ["LimitExceededException"] * 2
    assert answers[-1][1] == "Attempt limit exceeded, please try after some time."


def test_a_forgotten_password(idp, cloud, pool, client):
    name = "fay" + uuid.uuid4().hex[:8]
    idp.admin_create_user(
        UserPoolId=pool,
        Username=name,
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": "email", "Value": "fay@example.com"}, {"Name": "email_verified", "Value": "true"}],
    )
    assert refused(idp, "forgot_password", ClientId=client, Username=name)[0] == "NotAuthorizedException"
    idp.admin_set_user_password(UserPoolId=pool, Username=name, Password=PASSWORD, Permanent=True)
    idp.forgot_password(ClientId=client, Username=name)
    idp.confirm_forgot_password(ClientId=client, Username=name, ConfirmationCode=code_of(cloud.server, name), Password="Another-1-horse")
    sign_in(idp, client, name, "Another-1-horse")


def test_a_client_that_hides_who_exists(idp, pool):
    hides = make_client(idp, pool, PreventUserExistenceErrors="ENABLED")
    idp.forgot_password(ClientId=hides, Username="nobody")
    idp.resend_confirmation_code(ClientId=hides, Username="nobody")
    credentials = {"ClientId": hides, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": {"USERNAME": "nobody", "PASSWORD": PASSWORD}}
    assert refused(idp, "initiate_auth", **credentials) == ("NotAuthorizedException", "Incorrect username or password.")


def test_who_may_manage_pools(cloud, pool):
    from aws import allow

    arn = f"arn:aws:cognito-idp:us-east-1:{ACCOUNT}:userpool/{pool}"
    _, key = cloud.make_user(allow("cognito-idp:DescribeUserPool", resource=arn))
    other = Cloud(cloud.server, key).client("cognito-idp")
    assert other.describe_user_pool(UserPoolId=pool)["UserPool"]["Id"] == pool
    assert refused(other, "list_users", UserPoolId=pool)[0] == "AccessDeniedException"
    assert refused(other, "create_user_pool", PoolName="x")[0] == "AccessDeniedException"


def test_what_is_not_supported_is_refused_by_name(idp, pool):
    code, message = refused(idp, "create_user_pool", PoolName="p", DeviceConfiguration={"ChallengeRequiredOnNewDevice": True})
    assert code == "UnsupportedOperationException" and "DeviceConfiguration" in message
    provider = {"UserPoolId": pool, "ProviderName": "Google", "ProviderType": "Google", "ProviderDetails": {"client_id": "x"}}
    assert refused(idp, "create_identity_provider", **provider)[0] == "UnsupportedOperationException"
    assert idp.list_identity_providers(UserPoolId=pool)["Providers"] == []


def test_everything_outlives_a_restart(tmp_path):
    with Server("--data", tmp_path, command="serve") as server:
        idp = Cloud(server).client("cognito-idp")
        pool = idp.create_user_pool(PoolName="kept", UsernameAttributes=["email"])["UserPool"]["Id"]
        client = make_client(idp, pool)
        idp.create_group(UserPoolId=pool, GroupName="g")
        idp.admin_create_user(UserPoolId=pool, Username="ann@example.com", MessageAction="SUPPRESS")
        idp.admin_set_user_password(UserPoolId=pool, Username="ann@example.com", Password=PASSWORD, Permanent=True)
        idp.admin_add_user_to_group(UserPoolId=pool, Username="ann@example.com", GroupName="g")
        token = sign_in(idp, client, "ann@example.com", PASSWORD)
        shown = idp.describe_user_pool(UserPoolId=pool)["UserPool"]
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert b"BEGIN PRIVATE" not in file.read_bytes() and b"argon2id" not in file.read_bytes()
    with Server("--data", tmp_path, command="serve") as server:
        idp = Cloud(server).client("cognito-idp")
        assert idp.describe_user_pool(UserPoolId=pool)["UserPool"] == shown
        assert attributes_of(idp.get_user(AccessToken=token))["email"] == "ann@example.com"
        sign_in(idp, client, "ann@example.com", PASSWORD)
        assert [each["GroupName"] for each in idp.admin_list_groups_for_user(UserPoolId=pool, Username="ann@example.com")["Groups"]] == ["g"]
