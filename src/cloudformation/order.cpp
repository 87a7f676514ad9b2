#include "cloudformation/order.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace sallyport::cloudformation {
namespace {

constexpr std::size_t listed_max = 5;

class Graph {
 public:
  Graph(const std::vector<ResourceDeclaration>& resources, const Names& names)
      : resources_(resources), needs_(resources.size()), needed_by_(resources.size()) {
    for (std::size_t i = 0; i < resources.size(); ++i) {
      for (const auto& mention : Evaluator::mentions(resources[i].properties, resources[i].where))
        if (const auto target = names.find(mention)) connect(i, *target, mention.at);
      for (const auto& dependency : resources[i].depends_on) {
        const Mention mention{dependency.logical_id, std::nullopt, dependency.at, cat("Resources.", resources[i].logical_id, ".DependsOn")};
        if (const auto target = names.find(mention)) connect(i, *target, dependency.at);
      }
    }
  }

  void put_deployments_last(const std::string& file, Problems& warnings) {
    std::map<std::string, std::vector<std::size_t>, std::less<>> parts;  // by logical id of the API
    for (std::size_t i = 0; i < resources_.size(); ++i)
      if (is_part(resources_[i].type)) parts[api_of(i)].push_back(i);
    for (std::size_t i = 0; i < resources_.size(); ++i) {
      const auto api = api_of(i);
      if (!is_deployment(resources_[i].type) || api.empty()) continue;
      const auto before = reachable(i, needs_);
      const auto after = reachable(i, needed_by_);
      std::vector<std::string> missing;
      for (const auto part : parts[api]) {
        if (before[part] || after[part]) continue;
        missing.push_back(resources_[part].logical_id);
        connect(i, part, resources_[i].at);
      }
      if (missing.empty()) continue;
      const auto count = missing.size();
      missing.resize(std::min(count, listed_max));
      const auto names = cat(join(missing, ", "), count > listed_max ? ", ..." : "");
      warnings.push_back(
          {file, resources_[i].at, cat("Resources.", resources_[i].logical_id),
           cat("does not depend on ", names, ": AWS may make it before them, and it serves only what exists when it is made"),
           cat("add DependsOn: [", names, "]")});
    }
  }

  /// What names things of an API by their text alone comes after all of them: clients name scopes of resource servers, stages name routes,
  /// mappings and usage plans name stages, functions name layers, aliases versions. AWS asks for a DependsOn where it makes them in the
  /// wrong order; nobody is harmed by the right one.
  void put_users_of_names_last() {
    constexpr std::pair<std::string_view, std::string_view> pairs[] = {
        {"AWS::Cognito::UserPoolClient", "AWS::Cognito::UserPoolResourceServer"},
        {"AWS::ApiGatewayV2::Stage", "AWS::ApiGatewayV2::Route"},
        {"AWS::ApiGatewayV2::ApiMapping", "AWS::ApiGatewayV2::Stage"},
        {"AWS::ApiGatewayV2::ApiMapping", "AWS::ApiGatewayV2::DomainName"},
        {"AWS::ApiGateway::BasePathMapping", "AWS::ApiGateway::Stage"},
        {"AWS::ApiGateway::BasePathMapping", "AWS::ApiGateway::Deployment"},
        {"AWS::ApiGateway::BasePathMapping", "AWS::ApiGateway::DomainName"},
        {"AWS::ApiGateway::UsagePlan", "AWS::ApiGateway::Stage"},
        {"AWS::ApiGateway::UsagePlan", "AWS::ApiGateway::Deployment"},
        {"AWS::Cognito::UserPoolUserToGroupAttachment", "AWS::Cognito::UserPoolUser"},
        {"AWS::Cognito::UserPoolUserToGroupAttachment", "AWS::Cognito::UserPoolGroup"},
        {"AWS::ApiGateway::Method", "AWS::ApiGateway::Model"},
        {"AWS::Lambda::Function", "AWS::Lambda::LayerVersion"},
        {"AWS::Lambda::Alias", "AWS::Lambda::Version"},
    };
    for (const auto& [user, used] : pairs)
      for (std::size_t i = 0; i < resources_.size(); ++i) {
        if (resources_[i].type != user) continue;
        const auto after = reachable(i, needed_by_);
        for (std::size_t k = 0; k < resources_.size(); ++k)
          if (resources_[k].type == used && k != i && !after[k]) connect(i, k, resources_[i].at);
      }
  }

  std::vector<std::size_t> sort(Report& report) {
    std::vector<std::size_t> out;
    std::vector<std::size_t> open(resources_.size());
    std::set<std::size_t> ready;
    std::set<std::size_t> left;
    for (std::size_t i = 0; i < resources_.size(); ++i) {
      open[i] = needs_[i].size();
      left.insert(i);
      if (open[i] == 0) ready.insert(i);
    }
    const auto done = [&](std::size_t i) {
      left.erase(i);
      ready.erase(i);
      for (const auto& [user, at] : needed_by_[i])
        if (--open[user] == 0 && left.contains(user)) ready.insert(user);
    };
    while (!left.empty()) {
      if (ready.empty()) {
        for (const auto i : report_cycle(left, report)) done(i);
        continue;
      }
      const auto next = *ready.begin();
      out.push_back(next);
      done(next);
    }
    return out;
  }

 private:
  using Edges = std::map<std::size_t, Location>;

  void connect(std::size_t user, std::size_t target, Location at) {
    needs_[user].try_emplace(target, at);
    needed_by_[target].try_emplace(user, at);
  }

  static bool is_deployment(std::string_view type) {
    return type == "AWS::ApiGateway::Deployment" || type == "AWS::ApiGatewayV2::Deployment";
  }
  /// Does a deployment freeze it?
  static bool is_part(std::string_view type) {
    return type == "AWS::ApiGateway::Method" || type == "AWS::ApiGateway::GatewayResponse" || type == "AWS::ApiGatewayV2::Route";
  }

  /// The API its RestApiId or ApiId refers to; empty for none.
  std::string api_of(std::size_t i) const {
    const auto* id = resources_[i].properties.find("RestApiId");
    if (id == nullptr) id = resources_[i].properties.find("ApiId");
    const auto reference = id == nullptr ? std::nullopt : as_intrinsic(*id);
    if (!reference || reference->name != "Ref" || reference->argument.string() == nullptr) return {};
    return *reference->argument.string();
  }

  static std::vector<bool> reachable(std::size_t from, const std::vector<Edges>& edges) {
    std::vector<bool> seen(edges.size());
    std::vector<std::size_t> waiting{from};
    while (!waiting.empty()) {
      const auto i = waiting.back();
      waiting.pop_back();
      for (const auto& [target, at] : edges[i]) {
        if (seen[target]) continue;
        seen[target] = true;
        waiting.push_back(target);
      }
    }
    return seen;
  }

  /// REQUIRES: every one of `left` needs another of them, or itself.
  std::vector<std::size_t> report_cycle(const std::set<std::size_t>& left, Report& report) const {
    const auto next = [&](std::size_t i) {
      return std::ranges::find_if(needs_[i], [&](const auto& edge) { return left.contains(edge.first); });
    };
    std::vector<std::size_t> path;
    std::map<std::size_t, std::size_t> place;
    for (auto i = *left.begin(); place.try_emplace(i, path.size()).second; i = next(i)->first) path.push_back(i);
    path.erase(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(place.at(next(path.back())->first)));

    std::rotate(path.begin(), std::ranges::min_element(path), path.end());
    std::string text;
    for (const auto i : path) text += cat(resources_[i].logical_id, " -> ");
    report.problem(next(path.front())->second, cat("Resources.", resources_[path.front()].logical_id),
                   cat("circular dependency: ", text, resources_[path.front()].logical_id),
                   "AWS refuses it as well: take one of the references out");
    return path;
  }

  const std::vector<ResourceDeclaration>& resources_;
  std::vector<Edges> needs_;
  std::vector<Edges> needed_by_;
};

}  // namespace

Names::Names(const Expanded& expanded, const std::set<std::string, std::less<>>& left_out, Report& report)
    : expanded_(expanded), left_out_(left_out), report_(report) {
  for (std::size_t i = 0; i < expanded.resources.size(); ++i) by_id_.emplace(expanded.resources[i].logical_id, i);
}

std::optional<std::size_t> Names::find(std::string_view logical_id) const {
  const auto found = by_id_.find(logical_id);
  return found == by_id_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::size_t> Names::find(const Mention& mention) const {
  // `${Api.Stage}` is read as an attribute, and is SAM's name of another resource.
  auto alias = expanded_.aliases.find(mention.attribute ? cat(mention.logical_id, ".", *mention.attribute) : mention.logical_id);
  if (alias != expanded_.aliases.end()) return find(std::string_view(alias->second));
  if (const auto found = find(std::string_view(mention.logical_id))) return found;
  const bool in_depends_on = mention.where.ends_with(".DependsOn");
  if (left_out_.contains(mention.logical_id)) {
    // CloudFormation lets a DependsOn name what its condition leaves out.
    if (!in_depends_on)
      report_.problem(mention.at, mention.where, cat("`", mention.logical_id, "` is not made: its condition does not hold"),
                      "put the mention into an Fn::If");
    return std::nullopt;
  }
  std::vector<std::string_view> names;
  for (const auto& [name, index] : by_id_) names.push_back(name);
  const auto like = nearest(mention.logical_id, names);
  report_.problem(mention.at, mention.where,
                  cat("there is no resource", in_depends_on || mention.attribute ? "" : " or parameter", " `", mention.logical_id, "`"),
                  like.empty() ? "" : cat("did you mean `", like, "`?"));
  return std::nullopt;
}

std::vector<std::size_t> order_resources(const Expanded& expanded, const Names& names, Report& report, Problems& warnings) {
  Graph graph(expanded.resources, names);
  graph.put_deployments_last(report.file(), warnings);
  graph.put_users_of_names_last();
  return graph.sort(report);
}

}  // namespace sallyport::cloudformation
