// Service: one AWS service as a table of operations; Call: one call of one of them. Verifying, decoding, authorizing and encoding are done
// around it (`ControlPlane`): what stands in the table says what a call needs and does it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/arn.hpp"
#include "aws/caller.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "http/message.hpp"
#include "io/loop.hpp"
#include "json/value.hpp"
#include "policy/policy.hpp"
#include "wire/event_stream.hpp"
#include "wire/parameters.hpp"

namespace sallyport::control {

template <class T = void>
using Answer = Result<T, aws::ApiError>;

/// One call. Lives until its answer is made.
struct Call {
  io::Loop& loop;
  std::string operation;
  std::string request_id;
  aws::Scope scope;                           // account of the key, region of the credential scope
  std::shared_ptr<const aws::Caller> caller;  // never null; anonymous on unsigned operations
  WallTime now;
  std::string peer_address;
  std::string origin;  // http://host:port as the caller addressed us, for URLs in answers
  wire::Parameters in;
  std::string trace_header = {};  // X-Amzn-Trace-Id as the caller sent it
};

/// What a call needs to be allowed. All of a call's are checked, and all must be.
struct Access {
  std::string action;    // lambda:CreateFunction
  std::string resource;  // ARN, or * where the action knows no resources
  /// Condition keys of the service (`lambda:FunctionArn`, `aws:RequestTag/x`, `aws:ResourceTag/x`, ...); the global ones are added.
  std::vector<std::pair<std::string, std::vector<std::string>>> context = {};
  std::string resource_account_id = {};  // empty: the account of the call's scope
  std::optional<policy::Document> resource_policy = std::nullopt;
};

/// What an operation answers whose output has a stream of events, or headers beside it. Without `events` it is like any other.
struct Streamed {
  json::Value output;                                   // the members beside the stream
  std::vector<http::Header> headers = {};               // that the model does not know
  std::unique_ptr<wire::EventSource> events = nullptr;  // outlives the call
};

/// An operation of a service. `access` may read the call's members and snapshots of state; it must not fail for a thing that does not
/// exist (whoever may not look is not told). Null: every verified caller may (GetCallerIdentity).
/// `run` answers with the output by the model's member names (`FunctionArn`, `items`), blobs as bytes, timestamps as seconds since 1970.
struct Operation {
  std::function<Answer<std::vector<Access>>(const Call&)> access;
  std::function<Task<Answer<json::Value>>(Call&)> run;
  std::function<Task<Answer<Streamed>>(Call&)> run_streamed = nullptr;  // in place of `run`
};

class Service {
 public:
  /// `model` as in models/: lambda, apigateway, iam, sts, logs.
  explicit Service(std::string model) : model_(std::move(model)) {}
  Service& on(std::string operation, std::function<Answer<std::vector<Access>>(const Call&)> access,
              std::function<Task<Answer<json::Value>>(Call&)> run) {
    operations_.insert_or_assign(std::move(operation), Operation{std::move(access), std::move(run)});
    return *this;
  }
  Service& on_streamed(std::string operation, std::function<Answer<std::vector<Access>>(const Call&)> access,
                       std::function<Task<Answer<Streamed>>(Call&)> run) {
    operations_.insert_or_assign(std::move(operation), Operation{std::move(access), nullptr, std::move(run)});
    return *this;
  }
  const std::string& model() const { return model_; }
  const Operation* find(std::string_view operation) const {
    const auto found = operations_.find(operation);
    return found == operations_.end() ? nullptr : &found->second;
  }
  const std::map<std::string, Operation, std::less<>>& operations() const { return operations_; }

 private:
  std::string model_;
  std::map<std::string, Operation, std::less<>> operations_;
};

/// Refuses a call with members no handler read: 501 UnsupportedOperationException naming them. A handler that has an effect of its own
/// (outside a `Ledger`) calls this before it.
Answer<> refuse_unread(const Call& call);

}  // namespace sallyport::control
