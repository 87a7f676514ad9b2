"""Custom domain names as clients make and use them: REST and HTTP APIs behind one, base paths, mutual TLS."""

import json
import ssl

import pytest

from aws import Cloud, invocation_uri
from certificates import Authority, https, tls_port
from clients import expect_error
from conftest import Server

ARN = "arn:aws:acm:us-east-1:123456789012:certificate/abc"
TRUSTSTORE = "s3://trust/clients.pem"
FORBIDDEN = {"message": "Forbidden"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def clients(tmp_path_factory):
    """The authority of clients."""
    return Authority(tmp_path_factory.mktemp("clients"), "clients")


@pytest.fixture(scope="module")
def cloud(authority, clients, tmp_path_factory):
    certificate, key = authority.sign("domains", "api.example.test", "h.example.test", "mutual.example.test", "mutual2.example.test")
    folder = tmp_path_factory.mktemp("domains")
    arguments = ["--tls-port", "0", f"--certificate={ARN}={certificate}:{key}", f"--truststore={TRUSTSTORE}={clients.certificate}"]
    with Server("--ephemeral", *arguments, command="serve") as server:
        server.tls = tls_port(server)
        cloud = Cloud(server)
        cloud.function = cloud.make_function("echo", folder / "calls")
        getattr(cloud, "lambda").add_permission(
            FunctionName="echo",
            StatementId="gateway",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn="arn:aws:execute-api:us-east-1:123456789012:*",
        )
        yield cloud


def rest_api(cloud, **more):
    """A REST API that echoes below any path, at the stage prod."""
    client = cloud.apigateway
    api = client.create_rest_api(name="rest", **more)["id"]
    root = client.get_resources(restApiId=api)["items"][0]["id"]
    for parent, part in ((root, None), (root, "{proxy+}")):
        resource = client.create_resource(restApiId=api, parentId=parent, pathPart=part)["id"] if part else parent
        place = {"restApiId": api, "resourceId": resource, "httpMethod": "GET"}
        client.put_method(**place, authorizationType="NONE")
        client.put_integration(
            **place, type="AWS_PROXY", integrationHttpMethod="POST", uri=invocation_uri("us-east-1", cloud.function)
        )
    client.create_deployment(restApiId=api, stageName="prod")
    return api


def http_api(cloud, **more):
    return cloud.apigatewayv2.create_api(Name="http", ProtocolType="HTTP", Target=cloud.function, **more)["ApiId"]


@pytest.fixture
def domain(cloud):
    """A domain name that is gone after the test."""
    made = []

    def make(name, mutual=False):
        more = {"mutualTlsAuthentication": {"truststoreUri": TRUSTSTORE}} if mutual else {}
        answer = cloud.apigateway.create_domain_name(
            domainName=name, regionalCertificateArn=ARN, endpointConfiguration={"types": ["REGIONAL"]}, **more
        )
        made.append(name)
        return answer

    yield make
    for name in made:
        cloud.apigateway.delete_domain_name(domainName=name)


def get(cloud, host, target, **more):
    return cloud.server.request("GET", target, host=f"{host}:{cloud.server.port}", **more)


def test_a_rest_api_behind_base_paths(cloud, domain):
    api = rest_api(cloud)
    told = domain("api.example.test")
    assert told["domainNameStatus"] == "AVAILABLE" and told["regionalCertificateArn"] == ARN
    client = cloud.apigateway
    expect_error(get(cloud, "api.example.test", "/v1/x"), 403, FORBIDDEN, "ForbiddenException")
    made = client.create_base_path_mapping(domainName="api.example.test", basePath="v1", restApiId=api, stage="prod")
    assert made["basePath"] == "v1"
    answer = get(cloud, "api.example.test", "/v1/x/y?q=1")
    assert answer.status == 200, answer
    event = answer.json
    assert event["path"] == "/v1/x/y" and event["pathParameters"] == {"proxy": "x/y"}
    context = event["requestContext"]
    assert context["path"] == "/v1/x/y" and context["stage"] == "prod" and context["apiId"] == api
    assert context["domainName"] == "api.example.test" and context["domainPrefix"] == "api"
    assert event["headers"]["X-Forwarded-Proto"] == "http" and "clientCert" not in context["identity"]
    assert get(cloud, "api.example.test", "/v1").status == 200
    expect_error(get(cloud, "api.example.test", "/v12/x"), 403, FORBIDDEN, "ForbiddenException")
    expect_error(get(cloud, "api.example.test", "/prod/x"), 403, FORBIDDEN, "ForbiddenException")
    client.update_base_path_mapping(
        domainName="api.example.test", basePath="v1", patchOperations=[{"op": "replace", "path": "/basePath", "value": "v2"}]
    )
    expect_error(get(cloud, "api.example.test", "/v1/x"), 403, FORBIDDEN, "ForbiddenException")
    assert get(cloud, "api.example.test", "/v2/x").status == 200
    client.delete_base_path_mapping(domainName="api.example.test", basePath="v2")
    expect_error(get(cloud, "api.example.test", "/v2/x"), 403, FORBIDDEN, "ForbiddenException")


def test_an_http_api_and_a_rest_api_share_a_name(cloud, domain):
    rest, http = rest_api(cloud), http_api(cloud)
    domain("h.example.test")
    client = cloud.apigatewayv2
    shown = client.get_domain_name(DomainName="h.example.test")
    assert shown["DomainNameConfigurations"][0]["DomainNameStatus"] == "AVAILABLE"
    deep = client.create_api_mapping(DomainName="h.example.test", ApiId=http, Stage="$default", ApiMappingKey="orders/v2")
    client.create_api_mapping(DomainName="h.example.test", ApiId=rest, Stage="prod", ApiMappingKey="orders")
    first = get(cloud, "h.example.test", "/orders/v2/7").json
    assert first["version"] == "2.0" and first["rawPath"] == "/orders/v2/7" and first["requestContext"]["domainName"] == "h.example.test"
    second = get(cloud, "h.example.test", "/orders/7").json
    assert second["requestContext"]["apiId"] == rest and second["path"] == "/orders/7"
    with pytest.raises(client.exceptions.BadRequestException):
        client.delete_api(ApiId=http)
    client.update_api_mapping(
        DomainName="h.example.test", ApiMappingId=deep["ApiMappingId"], ApiId=http, Stage="$default", ApiMappingKey=""
    )
    assert get(cloud, "h.example.test", "/anything").json["version"] == "2.0"


def test_an_api_without_its_own_endpoint(cloud, domain):
    api, http = rest_api(cloud, disableExecuteApiEndpoint=True), http_api(cloud, DisableExecuteApiEndpoint=True)
    domain("api.example.test")
    cloud.apigateway.create_base_path_mapping(domainName="api.example.test", basePath="r", restApiId=api, stage="prod")
    cloud.apigatewayv2.create_api_mapping(DomainName="api.example.test", ApiId=http, Stage="$default", ApiMappingKey="h")
    assert get(cloud, "api.example.test", "/r/x").status == 200
    assert get(cloud, "api.example.test", "/h/x").status == 200
    expect_error(get(cloud, f"{api}.execute-api.localhost", "/prod/x"), 403, FORBIDDEN, "ForbiddenException")
    direct = get(cloud, f"{http}.execute-api.localhost", "/x")
    assert (direct.status, direct.json) == (404, {"message": "Not Found"})


def test_over_tls_the_name_is_the_host(cloud, domain, authority):
    api = rest_api(cloud)
    domain("api.example.test")
    cloud.apigateway.create_base_path_mapping(domainName="api.example.test", restApiId=api, stage="prod")
    context = authority.trusting()
    answer = https(cloud.server.tls, context, "api.example.test", "/x")
    assert answer.status == 200, answer
    assert answer.json["headers"]["X-Forwarded-Proto"] == "https"
    other = https(cloud.server.tls, context, "api.example.test", "/x", host="h.example.test")
    assert other.status == 403, "no such domain here"
    domain("h.example.test")
    assert https(cloud.server.tls, context, "api.example.test", "/x", host="h.example.test").status == 421


def test_mutual_tls(cloud, domain, authority, clients, tmp_path):
    rest, http = rest_api(cloud), http_api(cloud)
    domain("mutual.example.test", mutual=True)
    cloud.apigateway.create_base_path_mapping(domainName="mutual.example.test", restApiId=rest, stage="prod")
    cloud.apigatewayv2.create_api_mapping(DomainName="mutual.example.test", ApiId=http, Stage="$default", ApiMappingKey="h")
    known = clients.sign("alice")
    answer = https(cloud.server.tls, authority.trusting(known), "mutual.example.test", "/x")
    assert answer.status == 200, answer
    certificate = answer.json["requestContext"]["identity"]["clientCert"]
    assert certificate["subjectDN"] == "C=US,O=Example,CN=alice" and certificate["issuerDN"] == "C=US,O=Example,CN=clients"
    assert certificate["serialNumber"] == "4711" and certificate["validity"]["notAfter"].endswith(" GMT")
    assert certificate["clientCertPem"].split() == known[0].read_text().split()
    second = https(cloud.server.tls, authority.trusting(known), "mutual.example.test", "/h/x").json
    assert second["requestContext"]["authentication"]["clientCert"]["subjectDN"] == "C=US,O=Example,CN=alice"

    stranger = Authority(tmp_path / "strangers", "clients").sign("mallory")
    for context in (authority.trusting(), authority.trusting(stranger)):
        expect_error(https(cloud.server.tls, context, "mutual.example.test", "/x"), 403, FORBIDDEN, "ForbiddenException")
    expect_error(get(cloud, "mutual.example.test", "/x"), 403, FORBIDDEN, "ForbiddenException")

    # A connection made for a name without mutual TLS is none for this one, whatever certificate comes with it.
    domain("api.example.test")
    around = https(cloud.server.tls, authority.trusting(known), "api.example.test", "/x", host="mutual.example.test")
    expect_error(around, 403, FORBIDDEN, "ForbiddenException")
    domain("mutual2.example.test", mutual=True)
    around = https(cloud.server.tls, authority.trusting(known), "mutual2.example.test", "/x", host="mutual.example.test")
    expect_error(around, 403, FORBIDDEN, "ForbiddenException")


def test_mutual_tls_wants_a_truststore_that_is_there(cloud):
    client = cloud.apigateway
    with pytest.raises(client.exceptions.BadRequestException, match="Failed to retrieve the truststore"):
        client.create_domain_name(
            domainName="none.example.test",
            regionalCertificateArn=ARN,
            endpointConfiguration={"types": ["REGIONAL"]},
            mutualTlsAuthentication={"truststoreUri": "s3://nobody/knows.pem"},
        )


def test_names_of_the_server_are_not_given_away(cloud):
    client = cloud.apigateway
    for name in ("localhost", "127.0.0.1", "abc.execute-api.localhost", "x.amazonaws.com"):
        with pytest.raises(client.exceptions.BadRequestException):
            client.create_domain_name(
                domainName=name, regionalCertificateArn=ARN, endpointConfiguration={"types": ["REGIONAL"]}
            )


def test_a_domain_name_outlives_the_server(authority, tmp_path):
    certificate, key = authority.sign("kept", "kept.example.test")
    arguments = ["--data", tmp_path / "data", "--tls-port", "0", f"--certificate={ARN}={certificate}:{key}"]
    with Server(*arguments, command="serve") as server:
        cloud = Cloud(server)
        cloud.apigatewayv2.create_domain_name(
            DomainName="kept.example.test", DomainNameConfigurations=[{"CertificateArn": ARN, "EndpointType": "REGIONAL"}]
        )
    with Server(*arguments, command="serve") as server:
        assert Cloud(server).apigateway.get_domain_name(domainName="kept.example.test")["domainName"] == "kept.example.test"
        answer = https(tls_port(server), authority.trusting(), "kept.example.test", "/")
        assert (answer.status, json.loads(answer.body)) == (403, FORBIDDEN)
        with pytest.raises(ssl.SSLError):
            https(tls_port(server), authority.trusting(), "other.example.test", "/")
