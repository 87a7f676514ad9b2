#include "logs/operations.hpp"

#include "logs/service.hpp"

namespace sallyport::logs {

using control::Answer;
using control::Call;

Answer<std::string> group_of_arn(const aws::Scope& scope, std::string_view text) {
  const auto arn = aws::parse_arn(text);
  if (!arn || arn->service != "logs" || !arn->resource.starts_with("log-group:")) return invalid("Invalid resource ARN");
  if (arn->account_id != scope.account_id || arn->region != scope.region) return no_such_group();
  auto name = arn->resource.substr(std::string_view("log-group:").size());
  if (name.ends_with(":*")) name.remove_suffix(2);
  if (name.empty() || name.find(':') != name.npos) return invalid("Invalid resource ARN");
  return std::string(name);
}

Answer<std::string> group_of_call(const Call& call) {
  const auto name = call.in.text("logGroupName"), identifier = call.in.text("logGroupIdentifier");
  if (name && identifier) return invalid("LogGroup name and LogGroup ARN are mutually exclusive parameters.");
  if (name) return *name;
  if (!identifier) return invalid("Either logGroupName or logGroupIdentifier must be given.");
  if (!identifier->starts_with("arn:")) return *identifier;
  return group_of_arn(call.scope, *identifier);
}

Task<Answer<json::Value>> answer_from_state(Logs& logs, Call& call, std::function<Answer<json::Value>(const State&, const Call&)> read) {
  auto answer = read(*logs.ledger().read(call.scope), call);
  if (answer) co_await control::refuse_unread(call);
  co_return answer;
}

std::string sequence_token(std::uint64_t last_sequence) { return event_id({4, last_sequence}); }

control::Service make_service(Logs& logs) {
  control::Service service("logs");
  add_group_operations(service, logs);
  add_event_operations(service, logs);
  return service;
}

}  // namespace sallyport::logs
