// Estate: everything that exists besides the request under way: the store, the objects of each service by account and region, and who may
// do what. Changes go in through the services or a template, and come out published to the data plane.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "app/admin.hpp"
#include "app/debug_sessions.hpp"
#include "app/user_pools.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "cloudformation/load.hpp"
#include "control/control_plane.hpp"
#include "control/ledger.hpp"
#include "gateway/domain_table.hpp"
#include "gateway/services.hpp"
#include "gateway/stage.hpp"
#include "gateway/state.hpp"
#include "gateway/usage.hpp"
#include "http_api/api_service.hpp"
#include "http_api/stage.hpp"
#include "iam/directory.hpp"
#include "lambda/code_store.hpp"
#include "lambda/code_sweeper.hpp"
#include "lambda/event_queue.hpp"
#include "lambda/function_invoker.hpp"
#include "lambda/operations.hpp"
#include "lambda/package_links.hpp"
#include "lambda/role_credentials.hpp"
#include "lambda/state.hpp"
#include "lambda/url_index.hpp"
#include "logs/logs.hpp"
#include "runtime/reserve.hpp"
#include "store/store.hpp"

namespace sallyport::app {

class Estate {
 public:
  /// Everything must outlive the estate.
  struct Ground {
    const Clock& clock;
    Random& random;
    store::Store& store;
    iam::Directory& directory;
    lambda::RoleCredentials& roles;
    lambda::CodeStore& code;
    const lambda::PackageLinks& package_links;
    lambda::EventQueue& events;
    lambda::FunctionInvoker& invoker;
    lambda::UrlIndex& urls;
    gateway::Stages& stages;
    gateway::Domains& domains;
    gateway::Usage& usage;
    http_api::Stages& http_stages;
    UserPools& user_pools;
    logs::Logs& logs;
    lambda::AccountLimits lambda_limits;
    runtime::Reserve* reserve;  // is told which runtimes functions have
  };
  explicit Estate(const Ground& ground);

  /// Reads back what the store holds and publishes it. From then on code that comes out of use is removed. Once, before anything else.
  Result<> load();

  /// Adds the services to the control plane. `gateway_services`: what test invocations run with.
  void serve(control::ControlPlane& control_plane, const gateway::Services& gateway_services);

  /// What a template's secrets are taken from when it is loaded again: they stay from reload to reload.
  struct Present {
    cognito::Snapshot pools;
    std::shared_ptr<const gateway::State> apis;
    std::shared_ptr<const lambda::State> functions;
  };
  Present present(const aws::Scope& scope) const;
  const lambda::AccountLimits& lambda_limits() const { return ground_.lambda_limits; }

  /// Makes what a template declares, and removes what the one before declared and this one does not. What was made otherwise stays as it
  /// is, and may not have the same names. Blocks until it is durable.
  control::Answer<> replace_stack(const cloudformation::Stack& before, const cloudformation::Stack& after);

  /// Answers `can`: may this principal do this? Resource policies of functions and of deployed APIs are heeded.
  Result<json::Value> can(const Admin::Question& question) const;

  /// All functions of all accounts, as they are now.
  std::vector<DebugSessions::Function> functions() const;

 private:
  void remember_logical_ids(const cloudformation::Stack& stack);
  const Ground ground_;
  control::Ledger<iam::State> iam_;
  control::Ledger<lambda::State> lambda_;
  control::Ledger<gateway::State> gateway_;
  http_api::Ledger http_apis_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> logical_ids_;  // of the stack's functions, by ARN; under the lock
  std::optional<lambda::CodeSweeper> sweeper_;                   // last: it reads the ledger
};

}  // namespace sallyport::app
