#include "cloudformation/load.hpp"

#include <algorithm>
#include <filesystem>

#include "base/text.hpp"
#include "cloudformation/files.hpp"
#include "cloudformation/handlers.hpp"
#include "cloudformation/order.hpp"
#include "gateway/operations.hpp"
#include "openapi/local.hpp"
#include "yaml/parse.hpp"

namespace sallyport::cloudformation {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view serverless_types[] = {"AWS::Serverless::Function", "AWS::Serverless::Api", "AWS::Serverless::HttpApi",
                                                 "AWS::Serverless::LayerVersion"};
constexpr std::string_view template_names[] = {"template.yaml", "template.yml", "template.json"};

/// The template's file: absolute, and as the user would write it.
struct TemplateFile {
  std::string path;
  std::string shown;
  std::string text;
};

std::unexpected<Problem> no_file(const std::string& path, std::string message, std::string hint = {}) {
  return std::unexpected(Problem{path, {}, "", std::move(message), std::move(hint)});
}

std::expected<TemplateFile, Problem> find_template(const std::string& given) {
  std::error_code error;
  fs::path path = given;
  if (fs::is_directory(path, error)) {
    const auto found = std::ranges::find_if(template_names, [&](std::string_view name) { return fs::exists(path / name, error); });
    if (found == std::end(template_names)) return no_file(given, "this folder holds no template.yaml, template.yml or template.json");
    path /= *found;
  }
  TemplateFile file{{}, path.string(), {}};
  file.path = fs::canonical(path, error).string();
  if (error) return no_file(file.shown, "there is no such file", "name a template, or a folder that holds template.yaml");
  if (!fs::is_regular_file(file.path, error)) return no_file(file.shown, "is no regular file");
  auto text = read_file(file.path, yaml::limits::document_bytes_max + 1);
  if (!text) return no_file(file.shown, "cannot be read");
  file.text = std::move(*text);
  return file;
}

Location type_location(const Node& sections, const ResourceDeclaration& resource) {
  const auto* resources = sections.find("Resources");
  const auto* declared = resources == nullptr ? nullptr : resources->find(resource.logical_id);
  const auto* type = declared == nullptr ? nullptr : declared->find("Type");
  return type == nullptr ? resource.at : type->at;
}

class Loader {
 public:
  Loader(const TemplateFile& file, const LoadOptions& options, lambda::CodeStore& code)
      : options_(options),
        report_(file.shown, options.unsupported),
        folder_(fs::path(file.path).parent_path().string()),
        functions_(stack_.lambda, code, options.now, options.lambda_limits, present_functions(options)),
        apis_(stack_.gateway, options.now),
        http_apis_(
            stack_.http_api, [this](std::size_t length) { return next_id(length); }, options.now),
        user_pools_(stack_.cognito, options.random == nullptr ? random_ : *options.random, options.now),
        identities_(stack_.iam, options.now, options.surroundings) {
    stack_.name = options.stack_name;
    stack_.template_path = file.path;
    stack_.lambda.scope = options.scope;
    stack_.gateway.scope = options.scope;
    stack_.http_api.scope = options.scope;
    stack_.cognito.scope = options.scope;
    stack_.iam.scope = options.scope;
    stack_.iam.scope.region.clear();
    stack_.watched.push_back(file.path);
  }

  std::expected<Stack, Problems> load(const Node& sections) {
    if (make_everything(sections)) {
      http_apis_.auto_deploy();
      list_routes();
      list_urls();
      look_for_roles();
    }
    if (!report_.ok()) return std::unexpected(report_.take_problems());
    stack_.ignored = report_.take_ignored();
    sort(stack_.warnings);
    std::ranges::sort(stack_.watched);
    const auto [first, last] = std::ranges::unique(stack_.watched);
    stack_.watched.erase(first, last);
    return std::move(stack_);
  }

 private:
  /// Makes what can be made, so that the problems of all resources are found at once.
  bool make_everything(const Node& sections) {
    const auto transform = check_sections(sections, report_);
    if (sections.map() == nullptr) return false;
    const auto parameters = read_parameters(sections.find("Parameters"), options_.parameters, report_);
    Evaluator evaluator(sections, parameters, options_.scope, options_.stack_name, report_);
    evaluator.check_conditions();
    if (const auto* resources = sections.find("Resources"); resources != nullptr && resources->map() != nullptr)
      for (const auto& entry : *resources->map())
        if (parameters.contains(entry.key))
          report_.problem(entry.key_at, cat("Resources.", entry.key), "a parameter has this name as well", "rename one of them");
    auto declared = read_resources(sections, transform, evaluator, report_);
    const auto expanded = transform == Transform::serverless
                              ? expand_serverless(sections, std::move(declared.resources), evaluator, report_)
                              : Expanded{std::move(declared.resources), {}};
    const Names names(expanded, declared.left_out, report_);
    const auto order = order_resources(expanded, names, report_, stack_.warnings);
    note_output_mentions(sections, evaluator, names);
    for (const auto& resource : expanded.resources)
      for (auto& mention : Evaluator::mentions(resource.properties, resource.where)) mentions_.push_back(std::move(mention));

    // What a cycle leaves out is broken for those who mention it, and reported already.
    AttributesByName made;
    for (const auto& resource : expanded.resources) made.emplace(resource.logical_id, broken(resource.at));
    for (const auto& [name, id] : expanded.aliases) made.emplace(name, broken({}));
    std::map<std::string_view, std::vector<std::string_view>> aliases;
    for (const auto& [name, id] : expanded.aliases) aliases[id].push_back(name);

    for (const auto index : order) {
      const auto& resource = expanded.resources[index];
      auto attributes = make(sections, resource, evaluator, made).value_or(broken(resource.at));
      for (const auto alias : aliases[resource.logical_id]) {
        made.insert_or_assign(std::string(alias), attributes);
        // The same name written as an attribute: `${Api.Stage}`.
        const auto dot = alias.find('.');
        made.find(alias.substr(0, dot))->second.attributes.insert_or_assign(std::string(alias.substr(dot + 1)), attributes.ref);
      }
      auto& own = made.find(resource.logical_id)->second;
      own.ref = std::move(attributes.ref);
      own.attributes.merge(std::move(attributes.attributes));
      note_extra_stage(sections, resource, evaluator, made);
    }
    stack_.outputs = read_outputs(sections, evaluator, made, report_);
    return report_.ok();
  }

  Workshop make_workshop() {
    return {functions_,     apis_,
            http_apis_,     user_pools_,
            identities_,    stack_,
            options_,       options_.random ? *options_.random : random_,
            options_.scope, options_.endpoint,
            folder_,        surveyed_,
            report_};
  }

  /// Of what nobody in the template names: deployments of stages that deploy by themselves.
  std::string next_id(std::size_t length) { return make_workshop().physical_id(cat("/", ++made_ids_), length); }

  static lambda::AccountLookup present_functions(const LoadOptions& options) {
    return [&options](const std::string& account_id) -> std::shared_ptr<const lambda::State> {
      if (options.present_functions == nullptr || account_id != options.scope.account_id) return nullptr;
      return {std::shared_ptr<const void>(), options.present_functions};
    };
  }

  static Attributes broken(Location at) { return {Node(at, Broken{}), {}}; }

  std::optional<Attributes> make(const Node& sections, const ResourceDeclaration& resource, Evaluator& evaluator,
                                 const AttributesByName& made) {
    const auto handler = find_handler(resource.type);
    if (handler == nullptr) return unsupported(sections, resource);
    const auto values = evaluator.values(resource.properties, resource.where, made);
    Properties properties(values.is_null() ? nullptr : &values, resource.at, resource.where, resource.type, report_);
    if (!properties.ok()) return std::nullopt;
    // What is missing from its API is reported already; that it has no methods is no news then.
    if (resource.type.ends_with("::Deployment") && !report_.ok()) properties.give_up();
    auto workshop = make_workshop();
    return handler(workshop, resource, properties);
  }

  std::optional<Attributes> unsupported(const Node& sections, const ResourceDeclaration& resource) {
    auto known = handled_types();
    known.insert(known.end(), std::begin(serverless_types), std::end(serverless_types));
    const auto like = nearest(resource.type, known);
    const bool serverless = std::ranges::find(serverless_types, std::string_view(resource.type)) != std::end(serverless_types);
    const auto where = cat("Resources.", resource.logical_id, ".Type");
    const auto at = type_location(sections, resource);
    if (serverless) {
      report_.problem(at, where, cat("`", resource.type, "` needs the SAM transform"),
                      "add `Transform: AWS::Serverless-2016-10-31` at the top of the template");
      return std::nullopt;
    }
    report_.unsupported(at, where, cat("resources of type `", resource.type, "` are not supported"),
                        report_.ignores_unsupported() ? "it is not made; what mentions it gets a made-up name"
                        : like.empty()                ? "take it out, or pass --ignore-unsupported to serve the rest"
                                                      : cat("did you mean ", like, "?"));
    if (!report_.ignores_unsupported()) return std::nullopt;
    const auto workshop = make_workshop();
    const Node name(resource.at, workshop.physical_name(resource.logical_id));
    Attributes out{name, {}};
    for (const auto& mention : mentions_)
      if (mention.logical_id == resource.logical_id && mention.attribute) out.attributes.emplace(*mention.attribute, name);
    return out;
  }

  /// Outputs may only mention what exists.
  void note_output_mentions(const Node& sections, Evaluator& evaluator, const Names& names) {
    const auto* outputs = sections.find("Outputs");
    for (const auto& entry : outputs == nullptr || outputs->map() == nullptr ? Map{} : *outputs->map()) {
      const auto* condition = entry.value.find("Condition");
      if (condition != nullptr &&
          evaluator.condition(condition->scalar().value_or(""), condition->at, cat("Outputs.", entry.key, ".Condition")) != true)
        continue;
      const auto* value = entry.value.find("Value");
      const auto where = cat("Outputs.", entry.key, ".Value");
      const auto constant = value == nullptr ? std::nullopt : evaluator.constants(*value, where);
      if (!constant) continue;
      for (auto& mention : Evaluator::mentions(*constant, where)) {
        names.find(mention);
        mentions_.push_back(std::move(mention));
      }
    }
  }

  /// A deployment the template does not hold is SAM's, and with a StageName it makes the stage nobody asked for.
  void note_extra_stage(const Node& sections, const ResourceDeclaration& resource, Evaluator& evaluator, const AttributesByName& made) {
    if (resource.type != "AWS::ApiGateway::Deployment" || sections.find("Resources")->find(resource.logical_id) != nullptr) return;
    const auto* stage = resource.properties.find("StageName");
    const auto* api = resource.properties.find("RestApiId");
    if (stage == nullptr || stage->string() == nullptr || api == nullptr) return;
    const auto id = evaluator.values(*api, resource.where, made);
    if (id.string() != nullptr) extra_stages_.emplace(*id.string(), *stage->string());
  }

  void list_routes() {
    for (const auto& [api_id, api] : stack_.gateway.apis)
      for (const auto& [stage_name, stage] : api->stages) {
        const auto deployment = api->deployments.find(stage.deployment_id);
        if (deployment == api->deployments.end()) continue;
        for (const auto& [resource_id, resource] : deployment->second->definition->resources)
          for (const auto& [verb, method] : resource.methods)
            add_route(*api, stage_name, resource, verb, method, *deployment->second->definition);
      }
    for (const auto& [api_id, api] : stack_.http_api.apis)
      for (const auto& [stage_name, stage] : api->stages) {
        const auto deployment = api->deployments.find(stage.deployment_id);
        if (deployment == api->deployments.end()) continue;
        for (const auto& [id, route] : deployment->second->definition->routes)
          add_route(*api, stage_name, route, *deployment->second->definition);
      }
    std::ranges::sort(stack_.routes, {}, [](const Route& r) { return std::tie(r.api_name, r.api_id, r.stage, r.path, r.method); });
  }

  void add_route(const gateway::RestApi& api, const std::string& stage, const gateway::Resource& resource, const std::string& verb,
                 const gateway::MethodSettings& method, const gateway::Definition& definition) {
    Route route;
    route.api_id = api.id;
    route.api_name = api.name;
    route.stage = stage;
    route.method = verb;
    route.path = resource.path;
    const auto authorizer = method.authorizer_id ? definition.authorizers.find(*method.authorizer_id) : definition.authorizers.end();
    if (authorizer != definition.authorizers.end()) {
      constexpr std::string_view lead = "method.request.header.";
      route.authorizer = authorizer->second.name;
      for (const auto& source : authorizer->second.identity_sources)
        if (route.token_header.empty() && source.starts_with(lead)) route.token_header = source.substr(lead.size());
    }
    if (method.authorization == gateway::AuthorizationType::aws_iam) route.authorizer = gateway::name_of(method.authorization);
    if (const auto at = stack_.sources.methods.find(std::tuple(api.id, resource.id, verb)); at != stack_.sources.methods.end())
      route.at = at->second;
    route.preflight = verb == "OPTIONS" && method.integration && method.integration->type == gateway::IntegrationType::mock;
    route.extra_stage = extra_stages_.contains(std::pair(api.id, stage));
    stack_.routes.push_back(std::move(route));
  }

  void add_route(const http_api::Api& api, const std::string& stage, const http_api::Route& route, const http_api::Definition& definition) {
    Route out;
    out.is_http_api = true;
    out.api_id = api.id;
    out.api_name = api.name;
    out.stage = stage;
    const auto space = route.key.find(' ');
    out.method = space == std::string::npos ? "ANY" : route.key.substr(0, space);
    out.path = space == std::string::npos ? route.key : route.key.substr(space + 1);
    const auto authorizer = route.authorizer_id ? definition.authorizers.find(*route.authorizer_id) : definition.authorizers.end();
    if (authorizer != definition.authorizers.end()) {
      constexpr std::string_view lead = "$request.header.";
      out.authorizer = authorizer->second.name;
      for (const auto& source : authorizer->second.identity_sources)
        if (out.token_header.empty() && source.starts_with(lead)) out.token_header = source.substr(lead.size());
    }
    if (route.authorization == http_api::AuthorizationType::aws_iam) out.authorizer = http_api::name_of(route.authorization);
    if (const auto at = stack_.sources.http_routes.find(std::pair(api.id, route.id)); at != stack_.sources.http_routes.end())
      out.at = at->second;
    stack_.routes.push_back(std::move(out));
  }

  void list_urls() {
    for (const auto& [name, function] : stack_.lambda.functions)
      for (const auto& [alias, url] : function->urls) {
        const auto at = stack_.sources.urls.find(url.url_id);
        stack_.urls.push_back({name, alias, std::string(lambda::to_text(url.auth_type)), url.url_id,
                               at == stack_.sources.urls.end() ? Location{} : at->second});
      }
  }

  void look_for_roles() {
    const auto& unique_id = options_.surroundings.unique_id;
    for (const auto& [name, function] : stack_.lambda.functions)
      if (unique_id && unique_id(function->latest.role)) stack_.roles_elsewhere.insert(function->latest.role);
  }

  const LoadOptions& options_;
  Stack stack_;
  Report report_;
  std::string folder_;
  std::map<std::string, lambda::FolderFacts> surveyed_;
  lambda::Operations functions_;
  SystemRandom random_;
  std::size_t made_ids_ = 0;
  gateway::Operations apis_;
  http_api::Operations http_apis_;
  cognito::Operations user_pools_;
  iam::Operations identities_;
  std::vector<Mention> mentions_;
  std::set<std::pair<std::string, std::string>> extra_stages_;
};

}  // namespace

std::expected<Stack, Problems> load(const std::string& path, const LoadOptions& options, lambda::CodeStore& code) {
  const auto file = find_template(path);
  if (!file) return std::unexpected(Problems{file.error()});
  auto sections = yaml::parse(file->text, yaml::Dialect::cloudformation);
  if (!sections) {
    sections.error().file = file->shown;
    return std::unexpected(Problems{std::move(sections.error())});
  }
  if (openapi::is_definition(*sections)) {
    auto made = openapi::to_template(*sections);
    if (!made) {
      for (auto& problem : made.error()) problem.file = file->shown;
      return std::unexpected(std::move(made.error()));
    }
    sections = std::move(*made);
  }
  return Loader(*file, options, code).load(*sections);
}

}  // namespace sallyport::cloudformation
