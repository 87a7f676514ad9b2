// No template, however broken, does more than leave problems: it is read, its parameters, conditions and constants are evaluated, SAM's
// resources expanded and all put in order. Each resource has one place in that order.
#include <cstdint>
#include <cstdlib>
#include <set>

#include "cloudformation/bearer.hpp"
#include "cloudformation/order.hpp"
#include "yaml/parse.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sallyport::cloudformation;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)can_match_bearer(text);
  const auto sections = sallyport::yaml::parse(text, sallyport::yaml::Dialect::cloudformation);
  if (!sections) {
    if (sections.error().message.empty()) std::abort();
    return 0;
  }
  Report report("template.yaml", Unsupported::ignore);
  const auto transform = check_sections(*sections, report);
  if (sections->map() == nullptr) return 0;
  const auto parameters = read_parameters(sections->find("Parameters"), {}, report);
  Evaluator evaluator(*sections, parameters, {}, "stack", report);
  evaluator.check_conditions();
  auto declared = read_resources(*sections, transform, evaluator, report);
  const auto expanded = transform == Transform::serverless ? expand_serverless(*sections, std::move(declared.resources), evaluator, report)
                                                           : Expanded{std::move(declared.resources), {}};
  const Names names(expanded, declared.left_out, report);
  Problems warnings;
  const auto order = order_resources(expanded, names, report, warnings);
  const std::set<std::size_t> once(order.begin(), order.end());
  if (once.size() != order.size() || order.size() > expanded.resources.size()) std::abort();

  AttributesByName made;
  for (const auto index : order) {
    const auto& resource = expanded.resources[index];
    (void)evaluator.values(resource.properties, resource.where, made).to_json();
    made.emplace(resource.logical_id, Attributes{Node(resource.at, "name"), {{"Arn", Node(resource.at, "arn")}}});
  }
  (void)read_outputs(*sections, evaluator, made, report);
  for (const auto& problem : report.take_problems()) (void)to_text(problem);
  return 0;
}
