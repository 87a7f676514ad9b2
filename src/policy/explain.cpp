#include "policy/compile.hpp"

namespace sallyport::policy {

std::vector<StatementReason> explain(const PolicySet& policies, const AccessRequest& request) {
  const Question question(request);
  std::vector<StatementReason> reasons;
  std::size_t index = 0;
  const auto add = [&](PolicyType type, std::span<const Document> documents) {
    for (const auto& document : documents) {
      const auto& statements = document.compiled().statements;
      for (std::size_t i = 0; i < statements.size(); ++i) {
        auto mismatch = statements[i].mismatch(question);
        reasons.push_back({type, index, i, statements[i].sid, statements[i].allow, mismatch.empty(), std::move(mismatch)});
      }
      ++index;
    }
  };
  const auto add_all = [&](PolicyType type, const std::optional<std::span<const Document>>& documents) {
    index = 0;
    if (documents) add(type, *documents);
  };
  add_all(PolicyType::identity, policies.identity);
  if (policies.resource) add_all(PolicyType::resource, std::span(&*policies.resource, 1));
  add_all(PolicyType::boundary, policies.boundaries);
  add_all(PolicyType::session, policies.session);
  index = 0;
  if (policies.service_control)
    for (const auto& level : *policies.service_control) add(PolicyType::service_control, level);
  add_all(PolicyType::resource_control, policies.resource_control);
  add_all(PolicyType::endpoint, policies.endpoint);
  return reasons;
}

}  // namespace sallyport::policy
