#include "lambda/url_index.hpp"

namespace sallyport::lambda {

std::string_view to_text(UrlAuthType type) { return type == UrlAuthType::none ? "NONE" : "AWS_IAM"; }

std::string UrlTarget::function_arn() const { return aws::function_arn(state->scope, function_name(), config->qualifier); }

void UrlIndex::publish(std::shared_ptr<const State> state) {
  std::shared_ptr<const State> before;  // dies outside the lock
  std::scoped_lock lock(mutex_);
  auto& place = places_[{state->scope.account_id, state->scope.region}];
  before = std::exchange(place.state, std::move(state));
  static const State none;
  const auto& old_functions = before ? before->functions : none.functions;
  const auto& new_functions = place.state->functions;
  const auto withdraw = [&](const Function& function) {
    for (const auto& [qualifier, url] : function.urls) addresses_.erase(url.url_id);
  };
  const auto enter = [&](const std::string& name, const Function& function) {
    for (const auto& [qualifier, url] : function.urls) addresses_.insert_or_assign(url.url_id, Address{&place, name, qualifier});
  };
  // Both are in the order of names: one walk finds what came, went and changed.
  auto old_one = old_functions.begin();
  auto new_one = new_functions.begin();
  while (old_one != old_functions.end() || new_one != new_functions.end()) {
    if (new_one == new_functions.end() || (old_one != old_functions.end() && old_one->first < new_one->first)) {
      withdraw(*(old_one++)->second);
    } else if (old_one == old_functions.end() || new_one->first < old_one->first) {
      enter(new_one->first, *new_one->second);
      ++new_one;
    } else {
      if (!old_one->second.is(new_one->second)) {
        withdraw(*old_one->second);
        enter(new_one->first, *new_one->second);
      }
      ++old_one;
      ++new_one;
    }
  }
}

std::optional<UrlTarget> UrlIndex::find(std::string_view url_id) const {
  std::scoped_lock lock(mutex_);
  const auto address = addresses_.find(url_id);
  if (address == addresses_.end()) return std::nullopt;
  const auto& state = address->second.place->state;
  const auto function = state->functions.find(address->second.function_name);
  if (function == state->functions.end()) return std::nullopt;
  const auto url = function->second->urls.find(address->second.qualifier);
  if (url == function->second->urls.end()) return std::nullopt;
  return UrlTarget{state, &*function->second, &url->second};
}

}  // namespace sallyport::lambda
