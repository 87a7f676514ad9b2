// What the files of operations share. For this module alone.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "control/service.hpp"
#include "json/value.hpp"
#include "logs/errors.hpp"
#include "logs/logs.hpp"

namespace sallyport::logs {

void add_group_operations(control::Service& service, Logs& logs);
void add_event_operations(control::Service& service, Logs& logs);

/// The name in `log-group:NAME` or `log-group:NAME:*` of this account and region.
control::Answer<std::string> group_of_arn(const aws::Scope& scope, std::string_view arn);
/// `logGroupName`, or the name or ARN in `logGroupIdentifier`; exactly one of them.
control::Answer<std::string> group_of_call(const control::Call& call);
/// The call's operation on the stream it names, or on the group when it names none.
control::Answer<std::vector<control::Access>> access_group(Logs& logs, const control::Call& call);
/// Answers at once from the published state, and refuses members that were not read.
Task<control::Answer<json::Value>> answer_from_state(Logs& logs, control::Call& call,
                                                     std::function<control::Answer<json::Value>(const State&, const control::Call&)> read);
/// As PutLogEvents gives and takes them; AWS ignores what it is given since 2023, and so do we.
std::string sequence_token(std::uint64_t last_sequence);

}  // namespace sallyport::logs
