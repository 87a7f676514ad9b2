// Custom domain names: what paths lead to, who is let in, and REST's operations on them.
#include <gtest/gtest.h>

#include "gateway/api_testing.hpp"
#include "gateway/domain_operations.hpp"
#include "gateway/domain_table.hpp"

namespace sallyport::gateway {
namespace {

using testing::ApiWorld;
using Kind = DomainDecision::Kind;

std::shared_ptr<const State> state_with(std::vector<DomainName> domains, std::string account = "123456789012") {
  auto state = std::make_shared<State>();
  state->scope.account_id = std::move(account);
  for (auto& each : domains) {
    const auto name = each.name;
    state->domains[name] = std::move(each);
  }
  return state;
}

DomainName domain(std::string name, std::vector<ApiMapping> mappings, bool mutual = false) {
  DomainName made;
  made.name = std::move(name);
  if (mutual) made.mutual_tls = MutualTls{"s3://b/k", ""};
  for (auto& each : mappings) {
    const auto key = each.key;
    made.mappings.emplace(key, std::move(each));
  }
  return made;
}

/// "api stage path", as `decide` sends a request on; its kind as a number otherwise.
std::string sent_to(const Domains& domains, std::string_view host, std::string_view target, const serve::Peer& peer = {}) {
  const auto request = http::assemble_request("GET", target, {{"Host", std::string(host)}});
  const auto decision = domains.decide(request, peer);
  if (decision.kind != Kind::routed) return cat(static_cast<int>(decision.kind));
  EXPECT_TRUE(decision.address.by_custom_domain);
  EXPECT_EQ(decision.address.path_with_stage, request.path);
  return cat(decision.address.api_id, " ", decision.address.stage, " ", decision.address.path);
}

serve::Peer over_tls(std::string server_name, std::string served_as, bool certificate) {
  auto facts = std::make_shared<io::TlsFacts>();
  facts->server_name = std::move(server_name);
  facts->served_as = std::move(served_as);
  if (certificate) facts->client_certificate = std::make_shared<const io::PeerCertificate>();
  return {"127.0.0.1", 1, facts};
}

const std::string forbidden = "2", misdirected = "3", not_ours = "0";

TEST(DomainTable, TheLongestBasePathTakesTheRequest) {
  Domains domains;
  domains.publish(
      state_with({domain("api.example.com", {{"1", "", "root", "prod"}, {"2", "v1", "one", "prod"}, {"3", "v1/pets", "pets", "dev"}})}));
  EXPECT_EQ(sent_to(domains, "api.example.com", "/"), "root prod /");
  EXPECT_EQ(sent_to(domains, "API.Example.Com:4566", "/x/y?z=1"), "root prod /x/y");
  EXPECT_EQ(sent_to(domains, "api.example.com", "/v1"), "one prod /");
  EXPECT_EQ(sent_to(domains, "api.example.com", "/v1/"), "one prod /");
  EXPECT_EQ(sent_to(domains, "api.example.com", "/v1/x"), "one prod /x");
  EXPECT_EQ(sent_to(domains, "api.example.com", "/v1//x"), "one prod /x");
  EXPECT_EQ(sent_to(domains, "api.example.com", "/v12/x"), "root prod /v12/x") << "segments, not characters";
  EXPECT_EQ(sent_to(domains, "api.example.com", "/V1/x"), "root prod /V1/x");
  EXPECT_EQ(sent_to(domains, "api.example.com", "/v1/pets/7"), "pets dev /7");
  EXPECT_EQ(sent_to(domains, "api.example.com", "/v1/petsx"), "one prod /petsx");
  EXPECT_EQ(sent_to(domains, "other.example.com", "/"), not_ours);
}

TEST(DomainTable, WithoutAStageThePathNamesIt) {
  Domains domains;
  domains.publish(state_with({domain("api.example.com", {{"1", "v1", "one", ""}})}));
  EXPECT_EQ(sent_to(domains, "api.example.com", "/v1/prod/x"), "one prod /x");
  EXPECT_EQ(sent_to(domains, "api.example.com", "/v1"), "one  /");
  EXPECT_EQ(sent_to(domains, "api.example.com", "/v2/prod/x"), forbidden);
}

TEST(DomainTable, AWildcardStandsForOneLabel) {
  Domains domains;
  domains.publish(state_with({domain("*.example.com", {{"1", "", "wild", "s"}}), domain("api.example.com", {{"1", "", "exact", "s"}})}));
  EXPECT_EQ(sent_to(domains, "api.example.com", "/"), "exact s /");
  EXPECT_EQ(sent_to(domains, "b.example.com", "/"), "wild s /");
  EXPECT_EQ(sent_to(domains, "a.b.example.com", "/"), not_ours);
  EXPECT_EQ(sent_to(domains, "example.com", "/"), not_ours);
}

TEST(DomainTable, TheConnectionMustBeForTheHost) {
  Domains domains;
  domains.publish(state_with({domain("api.example.com", {{"1", "", "a", "s"}})}));
  EXPECT_EQ(sent_to(domains, "api.example.com", "/", over_tls("api.example.com", "", false)), "a s /");
  EXPECT_EQ(sent_to(domains, "api.example.com", "/", over_tls("other.example.com", "", false)), misdirected);
  EXPECT_EQ(sent_to(domains, "api.example.com", "/", over_tls("", "", false)), misdirected);
}

TEST(DomainTable, MutualTlsLetsInTheCertificateOfThatDomainAlone) {
  Domains domains;
  domains.publish(state_with({domain("api.example.com", {{"1", "", "a", "s"}}, true)}));
  EXPECT_EQ(sent_to(domains, "api.example.com", "/"), forbidden) << "plain text";
  EXPECT_EQ(sent_to(domains, "api.example.com", "/", over_tls("api.example.com", "api.example.com", false)), forbidden);
  EXPECT_EQ(sent_to(domains, "api.example.com", "/", over_tls("other.example.com", "other.example.com", true)), forbidden);
  EXPECT_EQ(sent_to(domains, "api.example.com", "/", over_tls("api.example.com", "*.example.com", true)), forbidden);
  EXPECT_EQ(sent_to(domains, "api.example.com", "/", over_tls("api.example.com", "", true)), forbidden);
  EXPECT_EQ(sent_to(domains, "api.example.com", "/", over_tls("api.example.com", "api.example.com", true)), "a s /");
}

TEST(DomainTable, ANameOfTwoAccountsBelongsToTheFirst) {
  auto early = domain("api.example.com", {{"1", "", "early", "s"}}), late = domain("api.example.com", {{"1", "", "late", "s"}});
  late.created += std::chrono::seconds(1);
  Domains domains;
  domains.publish(state_with({late}, "111111111111"));
  domains.publish(state_with({early}, "222222222222"));
  EXPECT_EQ(sent_to(domains, "api.example.com", "/"), "early s /");
  domains.publish(state_with({}, "222222222222"));
  EXPECT_EQ(sent_to(domains, "api.example.com", "/"), "late s /");
  domains.publish(state_with({}, "111111111111"));
  EXPECT_EQ(sent_to(domains, "api.example.com", "/"), not_ours);
}

TEST(DomainTable, AnApiWithoutItsOwnEndpointIsNotFoundThere) {
  testing::World world;
  world.proxy("/", "GET", "f");
  world.state.apis.at(world.api_id).edit().draft.edit().disable_execute_api_endpoint = true;
  world.deploy();
  const auto answer = world.send("GET", "/");
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.body, R"({"message":"Forbidden"})");
  EXPECT_TRUE(world.invoker.calls.empty());
}

class DomainService : public ::testing::Test {
 public:
  DomainService() {
    world.services.settings.truststores = {"s3://bucket/trust.pem"};
    world.service = make_service(world.ledger, world.services);
    api = world.id_of("CreateRestApi", R"({"name":"a"})");
    const auto root = world.call("GetResources", cat(R"({"restApiId":")", api, "\"}")).at("items.0.id");
    const auto method = cat(R"({"restApiId":")", api, R"(","resourceId":")", root, R"(","httpMethod":"GET")");
    EXPECT_TRUE(world.call("PutMethod", cat(method, R"(,"authorizationType":"NONE"})")));
    EXPECT_TRUE(world.call("PutIntegration", cat(method, R"(,"type":"MOCK"})")));
    EXPECT_TRUE(world.call("CreateDeployment", cat(R"({"restApiId":")", api, R"(","stageName":"prod"})")));
  }
  testing::Reply create(std::string_view name = "api.example.com", std::string_view more = "") {
    return world.call("CreateDomainName",
                      cat(R"({"domainName":")", name, R"(","regionalCertificateArn":"arn:aws:acm:us-east-1:1:certificate/c",)",
                          R"("endpointConfiguration":{"types":["REGIONAL"]})", more.empty() ? "" : ",", more, "}"));
  }
  testing::Reply on(std::string operation, std::string_view more = "") {
    return world.call(std::move(operation), cat(R"({"domainName":"api.example.com")", more.empty() ? "" : ",", more, "}"));
  }
  std::string map(std::string_view base, std::string_view stage = "prod") {
    return on("CreateBasePathMapping", cat(R"("basePath":")", base, R"(","restApiId":")", api, R"(","stage":")", stage, "\"")).refusal();
  }
  std::string patch(std::string operation, std::string_view path, std::string_view value, std::string_view more = "") {
    return on(std::move(operation), cat(R"("patchOperations":[{"op":"replace","path":")", path, R"(","value":")", value, "\"}]", more))
        .refusal();
  }
  ApiWorld world;
  std::string api;
};

TEST_F(DomainService, ADomainNameIsMadeShownChangedAndDeleted) {
  const auto made = create("API.example.com", R"("tags":{"k":"v"},"securityPolicy":"TLS_1_2")");
  ASSERT_TRUE(made) << made.refusal();
  EXPECT_EQ(world.last_access.action, "apigateway:POST");
  EXPECT_EQ(world.last_access.resource, "arn:aws:apigateway:us-east-1::/domainnames");
  EXPECT_EQ(made.at("domainName"), "api.example.com");
  EXPECT_EQ(made.at("domainNameStatus"), "AVAILABLE");
  EXPECT_TRUE(made.at("regionalDomainName").ends_with(".execute-api.us-east-1.amazonaws.com"));
  EXPECT_EQ(on("GetDomainName").text(), made.text());
  EXPECT_EQ(world.call("GetDomainNames").at("items.0.domainName"), "api.example.com");
  EXPECT_EQ(create().refusal(), "ConflictException 409 The domain name you provided already exists.");
  EXPECT_EQ(patch("UpdateDomainName", "/regionalCertificateArn", "arn:aws:acm:us-east-1:1:certificate/d"), "good");
  EXPECT_EQ(on("GetDomainName").at("regionalCertificateArn"), "arn:aws:acm:us-east-1:1:certificate/d");
  EXPECT_EQ(patch("UpdateDomainName", "/endpointConfiguration/types/0", "EDGE"), "good");
  EXPECT_TRUE(on("GetDomainName").at("distributionDomainName").ends_with(".cloudfront.net"));
  const std::string_view tagged = R"({"resourceArn":"arn:aws:apigateway:us-east-1::/domainnames/api.example.com")";
  EXPECT_EQ(world.call("GetTags", cat(tagged, "}")).at("tags.k"), "v");
  EXPECT_TRUE(world.call("TagResource", cat(tagged, R"(,"tags":{"x":"y"}})")));
  EXPECT_EQ(on("GetDomainName").at("tags.x"), "y");
  EXPECT_TRUE(on("DeleteDomainName"));
  EXPECT_EQ(on("GetDomainName").refusal(), "NotFoundException 404 Invalid domain name identifier specified");
  EXPECT_EQ(on("DeleteDomainName").refusal(), "NotFoundException 404 Invalid domain name identifier specified");
}

TEST_F(DomainService, NamesThatAnswerAlreadyAreNotGivenAway) {
  for (const auto* name :
       {"localhost", "127.0.0.1", "x.execute-api.localhost", "x.lambda-url.us-east-1.localhost", "a.amazonaws.com", "a..b", "-a.b", "a_b.c",
        "a b.c", "*.*.example.com", "a.*.com", "execute-api.example.com", "p.amazoncognito.com"})
    EXPECT_TRUE(create(name).refusal().starts_with("BadRequestException")) << name;
  EXPECT_TRUE(create("*.example.com"));
}

TEST_F(DomainService, WhatIsNotHonouredIsRefused) {
  const auto refused = [&](std::string_view more) { return create("api.example.com", more).refusal().substr(0, 33); };
  EXPECT_EQ(refused(R"("securityPolicy":"TLS_1_0")"), "UnsupportedOperationException 501");
  EXPECT_EQ(refused(R"("endpointAccessMode":"STRICT")"), "UnsupportedOperationException 501");
  EXPECT_EQ(refused(R"("routingMode":"ROUTING_RULE_ONLY")"), "UnsupportedOperationException 501");
  EXPECT_EQ(refused(R"("certificateBody":"x")"), "UnsupportedOperationException 501");
  EXPECT_EQ(world.call("CreateDomainName", R"({"domainName":"a.b","endpointConfiguration":{"types":["REGIONAL"]}})").refusal(),
            "BadRequestException 400 A certificate ARN or name must be provided for the domain name's endpoint type");
  EXPECT_EQ(world.call("CreateDomainName", R"({"domainName":"a.b","endpointConfiguration":{"types":["PRIVATE"]}})").refusal().substr(0, 33),
            "UnsupportedOperationException 501");
}

TEST_F(DomainService, MutualTlsWantsATruststoreThatIsThere) {
  EXPECT_TRUE(create("api.example.com", R"("mutualTlsAuthentication":{"truststoreUri":"s3://other/x.pem"})")
                  .refusal()
                  .starts_with("BadRequestException 400 Failed to retrieve the truststore s3://other/x.pem"));
  const auto made =
      create("api.example.com", R"("mutualTlsAuthentication":{"truststoreUri":"s3://bucket/trust.pem","truststoreVersion":"1"})");
  ASSERT_TRUE(made) << made.refusal();
  EXPECT_EQ(made.at("mutualTlsAuthentication.truststoreVersion"), "1");
  EXPECT_EQ(patch("UpdateDomainName", "/mutualTlsAuthentication/truststoreUri", ""), "good");
  EXPECT_EQ(on("GetDomainName").at("mutualTlsAuthentication"), "");
  EXPECT_EQ(patch("UpdateDomainName", "/mutualTlsAuthentication/truststoreUri", "s3://bucket/trust.pem"), "good");
  EXPECT_EQ(on("GetDomainName").at("mutualTlsAuthentication.truststoreUri"), "s3://bucket/trust.pem");
  EXPECT_TRUE(patch("UpdateDomainName", "/mutualTlsAuthentication/truststoreUri", "s3://no").starts_with("BadRequestException"));
}

TEST_F(DomainService, BasePathsAreMadeShownMovedAndDeleted) {
  ASSERT_TRUE(create());
  EXPECT_EQ(map("v1"), "good");
  EXPECT_EQ(map("(none)"), "good");
  EXPECT_EQ(map("v1"), "ConflictException 409 Base path already exists for this domain name");
  EXPECT_EQ(map("a/b").substr(0, 77), "BadRequestException 400 API Gateway V1 doesn't support the slash character (/");
  EXPECT_EQ(map("a b"), "BadRequestException 400 Base paths can contain only letters, numbers and one of the characters: $-_.+!*'()");
  EXPECT_EQ(map("v2", "nope"), "BadRequestException 400 Invalid stage identifier specified");
  EXPECT_EQ(on("CreateBasePathMapping", R"("basePath":"x","restApiId":"nope")").refusal(),
            "BadRequestException 400 Invalid REST API identifier specified");
  EXPECT_EQ(on("GetBasePathMapping", R"x("basePath":"(none)")x").at("basePath"), "(none)");
  EXPECT_EQ(on("GetBasePathMappings").at("items.1.basePath"), "v1");
  EXPECT_EQ(patch("UpdateBasePathMapping", "/basePath", "v3", R"(,"basePath":"v1")"), "good");
  EXPECT_EQ(on("GetBasePathMapping", R"("basePath":"v1")").refusal(),
            "NotFoundException 404 Invalid base path mapping identifier specified");
  EXPECT_EQ(patch("UpdateBasePathMapping", "/basePath", "(none)", R"(,"basePath":"v3")").substr(0, 21), "ConflictException 409");
  EXPECT_EQ(world.call("DeleteRestApi", cat(R"({"restApiId":")", api, "\"}")).refusal(),
            "BadRequestException 400 Please remove all base path mappings related to the API in your domains: api.example.com");
  EXPECT_TRUE(on("DeleteBasePathMapping", R"("basePath":"v3")"));
  EXPECT_TRUE(on("DeleteBasePathMapping", R"x("basePath":"(none)")x"));
  EXPECT_TRUE(world.call("DeleteRestApi", cat(R"({"restApiId":")", api, "\"}")));
}

}  // namespace
}  // namespace sallyport::gateway
