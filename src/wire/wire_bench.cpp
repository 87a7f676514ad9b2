// What a call costs between the parsed head and the handler: finding the operation, decoding and validating its input; and the way back.
#include <benchmark/benchmark.h>

#include "json/parse.hpp"
#include "wire/codec.hpp"
#include "wire/testing.hpp"
#include "wire/validator.hpp"

namespace sallyport::wire {
namespace {

constexpr std::string_view create_function_body =
    R"({"Architectures":["x86_64"],"Code":{"S3Bucket":"artifacts","S3Key":"functions/auth.zip"},"Description":"Authorizes what comes in",)"
    R"("Environment":{"Variables":{"STAGE":"dev","TABLE_NAME":"sessions","ISSUER":"https://issuer.example.com","LOG_LEVEL":"INFO"}},)"
    R"("EphemeralStorage":{"Size":512},"FunctionName":"authorizer-function","Handler":"app.handler","Layers":)"
    R"(["arn:aws:lambda:us-east-1:123456789012:layer:common:3"],"MemorySize":512,"PackageType":"Zip","Publish":true,)"
    R"("Role":"arn:aws:iam::123456789012:role/service-role/authorizer-role","Runtime":"python3.12","Tags":{"proj":"x","owner":"team"},)"
    R"("Timeout":10,"TracingConfig":{"Mode":"PassThrough"},"LoggingConfig":{"LogFormat":"Text","LogGroup":"/aws/lambda/authorizer"}})";

void create_function(benchmark::State& state) {
  const auto& model = *find_model("lambda");
  const testing::Draft draft{.target = "/2015-03-31/functions",
                             .headers = {{"Authorization", testing::scope_header(model)}},
                             .body = std::string(create_function_body)};
  const auto request = draft.request();
  const Validator validator;
  for (auto _ : state) {
    const auto routed = route(request, draft.body);
    const auto input = decode(*routed, request, draft.body);
    if (!input || !validator.check(model, *routed->operation, *input)) return state.SkipWithError("wrong answer");
    benchmark::DoNotOptimize(input);
  }
}
BENCHMARK(create_function);

void create_role(benchmark::State& state) {
  const auto& model = *find_model("iam");
  const testing::Draft draft{.headers = {{"Authorization", testing::scope_header(model)}},
                             .body =
                                 "Action=CreateRole&AssumeRolePolicyDocument=%7B%22Statement%22%3A%5B%7B%22Action%22%3A%22sts%3AAssumeRole%"
                                 "22%2C%22Effect%22%3A%22Allow%22%2C"
                                 "%22Principal%22%3A%7B%22Service%22%3A%22lambda.amazonaws.com%22%7D%7D%5D%2C%22Version%22%3A%222012-10-17%"
                                 "22%7D&MaxSessionDuration=3600&Path=%2F"
                                 "&RoleName=fnrole&Tags.member.1.Key=proj&Tags.member.1.Value=x&Version=2010-05-08"};
  const auto request = draft.request();
  const Validator validator;
  for (auto _ : state) {
    const auto routed = route(request, draft.body);
    const auto input = decode(*routed, request, draft.body);
    if (!input || !validator.check(model, *routed->operation, *input)) return state.SkipWithError("wrong answer");
    benchmark::DoNotOptimize(input);
  }
}
BENCHMARK(create_role);

void route_last_of_apigateway(benchmark::State& state) {
  const auto request =
      http::assemble_request("PATCH", "/usageplans/abcdef1234", {{"Authorization", testing::scope_header(*find_model("apigateway"))}});
  for (auto _ : state) benchmark::DoNotOptimize(route(request, ""));
}
BENCHMARK(route_last_of_apigateway);

void encode_function(benchmark::State& state) {
  const auto& model = *find_model("lambda");
  const auto& operation = *model.find_operation("CreateFunction");
  auto output = *json::parse(create_function_body);
  output.set("FunctionArn", "arn:aws:lambda:us-east-1:123456789012:function:authorizer-function");
  output.set("CodeSha256", std::string(44, 'c'));
  for (auto _ : state) benchmark::DoNotOptimize(encode(model, operation, output, "9c7f1d34-6b0e-4b5a-9a55-0d4f8c1b2a3e"));
}
BENCHMARK(encode_function);

}  // namespace
}  // namespace sallyport::wire
