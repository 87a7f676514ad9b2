// Domain names and API mappings of `apigatewayv2`, over both ledgers.
#include "http_api/api_service_domains.hpp"

#include <gtest/gtest.h>

#include "http_api/api_testing.hpp"

namespace sallyport::http_api {
namespace {

using testing::ApiWorld;
using testing::Reply;

class DomainsV2 : public ::testing::Test {
 public:
  DomainsV2() {
    add_domain_operations(world.service, domains, world.ledger, truststores, world.world.random);
    api = world.made("CreateApi", R"({"Name":"a","ProtocolType":"HTTP"})", "ApiId");
    EXPECT_TRUE(world.call("CreateStage", cat(R"({"ApiId":")", api, R"(","StageName":"prod"})")));
  }
  Reply create(std::string_view more = "") {
    return world.call(
        "CreateDomainName",
        cat(R"({"DomainName":"h.example.com","DomainNameConfigurations":[{"CertificateArn":"arn:aws:acm:us-east-1:1:certificate/c",)",
            R"("EndpointType":"REGIONAL","SecurityPolicy":"TLS_1_2"}])", more.empty() ? "" : ",", more, "}"));
  }
  Reply on(std::string operation, std::string_view more = "") {
    return world.call(std::move(operation), cat(R"({"DomainName":"h.example.com")", more.empty() ? "" : ",", more, "}"));
  }
  Reply map(std::string_view key, std::string_view stage = "prod") {
    return on("CreateApiMapping", cat(R"("ApiMappingKey":")", key, R"(","ApiId":")", api, R"(","Stage":")", stage, "\""));
  }
  ApiWorld world;
  const std::set<std::string, std::less<>> truststores = {"s3://b/t.pem"};
  gateway::Ledger domains{gateway::service_name, world.store};
  std::string api;
};

TEST_F(DomainsV2, ADomainNameIsMadeShownChangedAndDeleted) {
  const auto made = create(R"("Tags":{"k":"v"})");
  ASSERT_TRUE(made) << made.refusal();
  EXPECT_EQ(made.at("DomainNameConfigurations.0.DomainNameStatus"), "AVAILABLE");
  EXPECT_EQ(made.at("ApiMappingSelectionExpression"), "$request.basepath");
  EXPECT_EQ(on("GetDomainName").text(), made.text());
  EXPECT_EQ(create().refusal(), "ConflictException 409 The domain name you provided already exists.");
  EXPECT_EQ(world.call("GetDomainNames").at("Items.0.DomainName"), "h.example.com");
  EXPECT_EQ(on("UpdateDomainName", R"("DomainNameConfigurations":[{"CertificateArn":"arn:aws:acm:us-east-1:1:certificate/d"}])")
                .at("DomainNameConfigurations.0.CertificateArn"),
            "arn:aws:acm:us-east-1:1:certificate/d");
  EXPECT_EQ(
      on("UpdateDomainName", R"("MutualTlsAuthentication":{"TruststoreUri":"s3://b/t.pem"})").at("MutualTlsAuthentication.TruststoreUri"),
      "s3://b/t.pem");
  EXPECT_EQ(on("UpdateDomainName", R"("MutualTlsAuthentication":{"TruststoreUri":""})").at("MutualTlsAuthentication"), "");
  EXPECT_TRUE(
      on("UpdateDomainName", R"("MutualTlsAuthentication":{"TruststoreUri":"s3://no"})").refusal().starts_with("BadRequestException"));
  const std::string_view arn = R"({"ResourceArn":"arn:aws:apigateway:us-east-1::/domainnames/h.example.com")";
  EXPECT_TRUE(world.call("TagResource", cat(arn, R"(,"Tags":{"x":"y"}})")));
  EXPECT_TRUE(world.call("UntagResource", cat(arn, R"(,"TagKeys":["k"]})")));
  EXPECT_EQ(world.call("GetTags", cat(arn, "}")).text(), R"({"Tags":{"x":"y"}})");
  EXPECT_TRUE(on("DeleteDomainName"));
  EXPECT_EQ(on("GetDomainName").refusal(), "NotFoundException 404 Invalid domain name identifier specified");
}

TEST_F(DomainsV2, TagsOfApisStayWhereTheyWere) {
  const auto arn = cat(R"({"ResourceArn":"arn:aws:apigateway:us-east-1::/apis/)", api, "\"");
  EXPECT_TRUE(world.call("TagResource", cat(arn, R"(,"Tags":{"x":"y"}})")));
  EXPECT_EQ(world.call("GetTags", cat(arn, "}")).text(), R"({"Tags":{"x":"y"}})");
}

TEST_F(DomainsV2, MappingsHaveManySegmentsAndKeepTheirApis) {
  ASSERT_TRUE(create());
  const auto made = map("v1/pets");
  ASSERT_TRUE(made) << made.refusal();
  EXPECT_EQ(map("v1/pets").refusal().substr(0, 21), "ConflictException 409");
  EXPECT_EQ(map("/x").refusal(), "BadRequestException 400 API mapping key should not start with a '/' or have consecutive '/'s.");
  EXPECT_EQ(map("", "nope").refusal(), "BadRequestException 400 Invalid stage identifier specified");
  EXPECT_EQ(on("CreateApiMapping", R"("ApiId":"nope","Stage":"prod")").refusal(),
            "BadRequestException 400 Invalid API identifier specified 123456789012:nope");
  const auto id = cat(R"("ApiMappingId":")", made.at("ApiMappingId"), "\"");
  EXPECT_EQ(on("GetApiMapping", id).text(), made.text());
  EXPECT_EQ(on("UpdateApiMapping", cat(id, R"(,"ApiMappingKey":"v2","ApiId":")", api, "\"")).at("ApiMappingKey"), "v2");
  EXPECT_EQ(on("GetApiMappings").at("Items.0.ApiMappingKey"), "v2");
  const auto of_api = cat(R"({"ApiId":")", api, "\"");
  EXPECT_TRUE(
      world.call("DeleteApi", cat(of_api, "}")).refusal().starts_with("BadRequestException 400 Please remove all base path mappings"));
  EXPECT_TRUE(world.call("DeleteStage", cat(of_api, R"(,"StageName":"prod"})")).refusal().starts_with("BadRequestException"));
  EXPECT_TRUE(on("DeleteApiMapping", id));
  EXPECT_EQ(on("GetApiMapping", id).refusal(), "NotFoundException 404 Invalid API mapping identifier specified");
  EXPECT_TRUE(world.call("DeleteApi", cat(of_api, "}")));
}

}  // namespace
}  // namespace sallyport::http_api
