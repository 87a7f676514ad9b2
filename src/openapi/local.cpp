#include "openapi/local.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "base/text.hpp"
#include "json/write.hpp"
#include "openapi/document.hpp"
#include "openapi/findings.hpp"

namespace sallyport::openapi {
namespace {

using yaml::List;
using yaml::Location;
using yaml::make_map;
using yaml::Map;
using yaml::Node;

constexpr std::string_view function_key = "x-sallyport-function", settings_key = "x-sallyport";
constexpr std::string_view integration_key = "x-amazon-apigateway-integration", authorizer_key = "x-amazon-apigateway-authorizer";

/// Anything of HTTP APIs alone?
bool is_for_http(const Node& node) {
  if (const auto* items = node.list()) return std::any_of(items->begin(), items->end(), is_for_http);
  if (node.map() == nullptr) return false;
  return std::any_of(node.map()->begin(), node.map()->end(), [](const yaml::Entry& entry) {
    if (entry.key == "x-amazon-apigateway-cors" || entry.key == "/$default") return true;
    if (entry.key == integration_key && entry.value.find("payloadFormatVersion") != nullptr) return true;
    if (entry.key == authorizer_key && entry.value.find("jwtConfiguration") != nullptr) return true;
    return is_for_http(entry.value);
  });
}

Node sub(Location at, std::string text) { return make_map(at, {{"Fn::Sub", Node(at, std::move(text))}}); }

class TemplateMaker {
 public:
  explicit TemplateMaker(const Node& document) : document_(document) {}

  std::expected<Node, yaml::Problems> run() {
    read_settings();
    auto body = document_;
    std::erase_if(*body.map(), [](const yaml::Entry& entry) { return entry.key == settings_key; });
    bring_functions(body, {});
    if (!findings_.ok()) {
      yaml::Problems problems;
      for (const auto& finding : findings_.all()) problems.push_back(finding.problem);
      return std::unexpected(std::move(problems));
    }
    add_api(std::move(body));
    const auto at = document_.at;
    return make_map(at, {{"AWSTemplateFormatVersion", Node(at, "2010-09-09")},
                         {"Transform", Node(at, "AWS::Serverless-2016-10-31")},
                         {"Resources", Node(at, std::move(resources_))}});
  }

 private:
  void read_settings() {
    is_http_ = is_for_http(document_);
    stage_ = is_http_ ? "$default" : "dev";
    const auto* settings = document_.find(settings_key);
    if (settings == nullptr) return;
    Members members(*settings, std::string(settings_key), findings_);
    if (const auto kind = members.text("kind")) {
      if (*kind != "HTTP" && *kind != "REST") findings_.error(members.at("kind"), members.where("kind"), "an API is of kind REST or HTTP");
      is_http_ = *kind == "HTTP";
      stage_ = is_http_ ? "$default" : "dev";
    }
    stage_ = members.text_or("stage", stage_);
    members.finish();
  }

  void add(std::string_view logical_id, Location at, std::string_view type, Node properties) {
    resources_.push_back({std::string(logical_id), at, make_map(at, {{"Type", Node(at, type)}, {"Properties", std::move(properties)}})});
  }
  static Node ref(Location at, std::string_view name) { return make_map(at, {{"Ref", Node(at, name)}}); }

  void add_api(Node body) {
    const auto at = document_.at;
    const auto* info = document_.find("info");
    const auto* title = info ? info->find("title") : nullptr;
    if (is_http_) {
      add("Api", at, "AWS::ApiGatewayV2::Api", make_map(at, {{"Body", std::move(body)}}));
      return add("Stage", at, "AWS::ApiGatewayV2::Stage",
                 make_map(at, {{"ApiId", ref(at, "Api")}, {"StageName", Node(at, stage_)}, {"AutoDeploy", Node(at, Node::Data(true))}}));
    }
    auto properties = make_map(at, {{"Body", std::move(body)}});
    if (title != nullptr && title->scalar()) properties.set("Name", Node(title->at, *title->scalar()));
    add("Api", at, "AWS::ApiGateway::RestApi", std::move(properties));
    add("Deployment", at, "AWS::ApiGateway::Deployment", make_map(at, {{"RestApiId", ref(at, "Api")}}));
    add("Stage", at, "AWS::ApiGateway::Stage",
        make_map(at, {{"RestApiId", ref(at, "Api")}, {"DeploymentId", ref(at, "Deployment")}, {"StageName", Node(at, stage_)}}));
  }

  /// Takes every description of a function out of the tree, and puts the function's address where it was meant for.
  void bring_functions(Node& node, const std::string& where) {
    if (auto* items = node.list())
      for (auto& item : *items) bring_functions(item, where);
    if (node.map() == nullptr) return;
    for (auto& entry : *node.map())
      if (entry.key != function_key) bring_functions(entry.value, below(where, entry.key));
    const auto* function = node.find(function_key);
    if (function == nullptr) return;
    const auto at = function->at;
    const auto id = function_of(*function, below(where, function_key));
    std::erase_if(*node.map(), [](const yaml::Entry& entry) { return entry.key == function_key; });
    if (id.empty()) return;
    auto uri = sub(at, cat("arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${", id, ".Arn}/invocations"));
    if (const auto* authorizer = node.find(authorizer_key); authorizer != nullptr && authorizer->map() != nullptr) {
      auto with_uri = *authorizer;
      with_uri.set("authorizerUri", std::move(uri));
      return node.set(authorizer_key, std::move(with_uri));
    }
    const auto* integration = node.find(integration_key);
    auto with_uri = integration != nullptr && integration->map() != nullptr ? *integration : Node(at, Map{});
    if (with_uri.find("type") == nullptr) with_uri.set("type", Node(at, "aws_proxy"));
    if (with_uri.find("httpMethod") == nullptr) with_uri.set("httpMethod", Node(at, "POST"));
    if (is_http_ && with_uri.find("payloadFormatVersion") == nullptr) with_uri.set("payloadFormatVersion", Node(at, "2.0"));
    with_uri.set("uri", std::move(uri));
    node.set(integration_key, std::move(with_uri));
  }

  /// Its logical id: the same for the same description. Empty, with a finding, for one that is not understood.
  std::string function_of(const Node& description, const std::string& where) {
    Members members(description, where, findings_);
    const auto at = description.at;
    Node properties(at, Map{});
    const auto copy = [&](std::string_view from, std::string_view to, bool required) {
      if (const auto text = members.text(from))
        properties.set(to, Node(members.find(from)->at, *text));
      else if (required)
        findings_.error(at, members.where(from), cat("a function needs `", from, "`"));
    };
    copy("handler", "Handler", true);
    copy("runtime", "Runtime", true);
    copy("timeout", "Timeout", false);
    copy("memorySize", "MemorySize", false);
    copy("name", "FunctionName", false);
    properties.set("CodeUri", Node(at, members.text_or("codeUri", ".")));
    const auto variables = members.text_map("environment");
    if (!variables.empty()) {
      Map entries;
      for (const auto& [name, value] : variables) entries.push_back({name, at, Node(at, value)});
      properties.set("Environment", make_map(at, {{"Variables", Node(at, std::move(entries))}}));
    }
    members.finish();
    if (!findings_.ok()) return {};
    const auto [known, is_new] = functions_.emplace(json::to_text(properties.to_json()), cat("Function", functions_.size() + 1));
    if (!is_new) return known->second;
    const auto& id = known->second;
    add(id, at, "AWS::Serverless::Function", std::move(properties));
    add(cat(id, "Permission"), at, "AWS::Lambda::Permission",
        make_map(at, {{"FunctionName", ref(at, id)},
                      {"Action", Node(at, "lambda:InvokeFunction")},
                      {"Principal", Node(at, "apigateway.amazonaws.com")},
                      {"SourceArn", sub(at, "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*")}}));
    return id;
  }

  const Node& document_;
  Findings findings_;
  bool is_http_ = false;
  std::string stage_;
  std::map<std::string, std::string> functions_;  // logical ids by what they are
  Map resources_;
};

}  // namespace

bool is_definition(const yaml::Node& document) { return document.find("openapi") != nullptr || document.find("swagger") != nullptr; }

std::expected<yaml::Node, yaml::Problems> to_template(const yaml::Node& document) { return TemplateMaker(document).run(); }

}  // namespace sallyport::openapi
