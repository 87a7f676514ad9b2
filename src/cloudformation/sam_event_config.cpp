// EventInvokeConfig of AWS::Serverless::Function: how its asynchronous events are tried, and the functions that are told of their end.
// Source: AWS SAM developer guide, "EventInvokeConfiguration".
#include "base/text.hpp"
#include "cloudformation/sam_parts.hpp"

namespace sallyport::cloudformation::sam {
namespace {

constexpr std::string_view sides[] = {"OnSuccess", "OnFailure"};

/// The ARN a side of DestinationConfig names; null where there is none.
const Node* destination_of(const Node& config, std::string_view side) {
  const auto* destinations = config.find("DestinationConfig");
  const auto* node = destinations == nullptr ? nullptr : destinations->find(side);
  return node == nullptr || node->find("Type") == nullptr || node->find("Type")->scalar() != "Lambda" ? nullptr : node->find("Destination");
}

void check_side(Properties& side) {
  if (side.required_text("Type").empty()) return;
  side.only_default("Type", "Lambda", "only functions can be destinations here; there are no queues, topics, event buses and buckets");
  if (side.node("Destination") == nullptr) side.refuse("Destination", "missing", "the ARN of a function");
  side.finish();
}

}  // namespace

void add_event_config(const ResourceDeclaration& function, Properties& properties, const std::optional<std::string>& alias, Output& out) {
  auto config = properties.object("EventInvokeConfig");
  if (!config) return;
  const auto at = properties.at("EventInvokeConfig");
  auto made = make_map(at, {{"FunctionName", make_ref(at, function.logical_id)}});
  // The alias that AutoPublishAlias makes is what calls go to.
  made.set("Qualifier", Node(at, alias ? properties.text("AutoPublishAlias").value_or("") : std::string("$LATEST")));
  for (const auto name : {"MaximumRetryAttempts", "MaximumEventAgeInSeconds"}) copy(*config, name, made);
  if (auto destinations = config->object("DestinationConfig")) {
    Node kept(destinations->at(), Map{});
    for (const auto name : sides)
      if (auto side = destinations->object(name)) {
        check_side(*side);
        if (const auto* destination = destination_of(*config->whole(), name))
          kept.set(name, make_map(side->at(), {{"Destination", *destination}}));
      }
    destinations->finish();
    made.set("DestinationConfig", std::move(kept));
  }
  config->finish();
  auto& declared =
      out.add(function.logical_id + "EventInvokeConfig", "AWS::Lambda::EventInvokeConfig", at, config->where(), std::move(made));
  if (alias) declared.depends_on.push_back({*alias, at});
}

List destination_policies(const ResourceDeclaration& function, const Properties& properties) {
  List out;
  const auto* config = properties.whole() == nullptr ? nullptr : properties.whole()->find("EventInvokeConfig");
  if (config == nullptr) return out;
  for (const auto side : sides) {
    const auto* destination = destination_of(*config, side);
    if (destination == nullptr) continue;
    const auto at = config->at;
    auto statement =
        make_map(at, {{"Effect", Node(at, "Allow")}, {"Action", Node(at, "lambda:InvokeFunction")}, {"Resource", *destination}});
    auto document = make_map(at, {{"Version", Node(at, "2012-10-17")}, {"Statement", Node(at, List{std::move(statement)})}});
    out.push_back(make_map(at, {{"PolicyName", Node(at, cat(function.logical_id, "EventInvokeConfig", side, "LambdaPolicy"))},
                                {"PolicyDocument", std::move(document)}}));
  }
  return out;
}

}  // namespace sallyport::cloudformation::sam
