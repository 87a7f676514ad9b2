// What is done to functions from outside their events: a debugger is let in, a changed one comes up at once.
#include "base/text.hpp"
#include "io/loop.hpp"
#include "lambda/function_invoker.hpp"

namespace sallyport::lambda {

void FunctionInvoker::start_one(std::shared_ptr<runtime::Pool> pool) {
  if (background_) background_->post([loop = background_, starting = std::move(pool)] { starting->start_ahead(*loop, 1); });
}

Result<void, aws::ApiError> FunctionInvoker::debug(std::string_view function_arn, std::optional<runtime::DebugSettings> settings) {
  std::shared_ptr<runtime::Pool> before, pool;
  {
    std::scoped_lock lock(mutex_);
    const auto arn = aws::parse_arn(function_arn);
    // Also of a function that is gone meanwhile: the next one of its name is not debugged.
    if (!settings)
      if (const auto known = debugged_.find(std::string(function_arn)); known != debugged_.end()) debugged_.erase(known);
    const auto place = arn ? states_.find(std::pair(arn->account_id, arn->region)) : states_.end();
    const auto serving = place == states_.end() ? nullptr : place->second.state;
    const auto name = split(arn ? arn->resource : std::string_view(), ':').back();
    if (!serving || !serving->functions.contains(name))
      return fail(aws::ApiError{"ResourceNotFoundException", 404, cat("Function not found: ", function_arn)});
    const auto& function = serving->functions.find(name)->second;
    const auto& configuration = function->latest;
    if (settings) debugged_.insert_or_assign(configuration.function_arn, *settings);
    auto& entry = entries_.try_emplace(configuration.function_arn, nullptr).first->second;
    if (!entry) entry = std::make_shared<Entry>();
    pool = make_pool(spec_of(configuration, serving->scope));
    auto& version = entry->versions[configuration.version];
    before = std::exchange(version, {function, pool}).pool;
  }
  if (before) before->retire();
  if (settings) start_one(std::move(pool));
  return {};
}

std::shared_ptr<runtime::Pool> FunctionInvoker::pool_of(std::string_view function_arn) const {
  std::scoped_lock lock(mutex_);
  const auto entry = entries_.find(function_arn);
  if (entry == entries_.end()) return nullptr;
  const auto version = entry->second->versions.find("$LATEST");
  return version == entry->second->versions.end() ? nullptr : version->second.pool;
}

}  // namespace sallyport::lambda
