// HttpChannel: the Runtime API proper, that is the states of a runtime that fetches events and posts answers over HTTP.
#pragma once

#include <deque>
#include <functional>
#include <optional>

#include "http/message.hpp"
#include "runtime/changes.hpp"
#include "runtime/channel.hpp"
#include "serve/server.hpp"

namespace sallyport::runtime {

/// One runtime process's life. Lives on the loop of its environment.
class HttpChannel final : public Channel {
 public:
  /// `asked` is called whenever the runtime has asked for an event and there is none for it yet.
  HttpChannel(io::Loop& loop, std::move_only_function<void()> asked) : loop_(loop), asked_(std::move(asked)) {}

  Task<RuntimeMessage> next() override;
  Task<bool> send(const Invocation& invocation, WallTime deadline) override;
  void process_ended() override;

  /// A call below /2018-06-01/runtime/; `what` is the rest of its path.
  Task<http::Response> handle(std::string_view what, const http::Request& request, serve::BodyReader& body);
  /// Does the runtime wait for an event that has not come?
  bool waits() const { return state_ == State::ready; }
  bool ended() const { return ended_; }

 private:
  // The runtime's states and their names in refusals are those of AWS's Runtime Interface Emulator.
  enum class State { started, init_error, ready, running, response, error_response, response_sent };
  static std::string_view name_of(State state);
  http::Response no_transition(State to) const;
  void push(RuntimeMessage message);

  /// The event has its answer.
  void finish(RuntimeMessage message);

  Task<http::Response> next_event();
  http::Response event_answer() const;
  Task<http::Response> cut_off();
  void finish_cut_off();
  std::optional<http::Response> check_id(std::string_view id, State to) const;
  Task<http::Response> response(std::string_view id, const http::Request& request, serve::BodyReader& body);
  Task<http::Response> error(std::string_view id, const http::Request& request, serve::BodyReader& body);
  Task<http::Response> init_error(const http::Request& request, serve::BodyReader& body);

  io::Loop& loop_;
  std::move_only_function<void()> asked_;
  std::deque<RuntimeMessage> messages_;
  Changes message_came_, event_came_, cut_off_over_;
  std::optional<Invocation> event_;  // without an answer
  std::string answered_id_;          // of the one before
  WallTime deadline_;
  State state_ = State::started;
  std::size_t poll_ = 0;  // the newest `next`; older ones have lost their connection
  bool ended_ = false;
  bool cut_off_ = false;  // the answer's connection ended before the answer
};

/// What is kept of an error type that a runtime reports: Runtime.Xxx and Function.Xxx, everything else becomes one of the two unknowns.
std::string normal_error_type(std::string_view reported);
/// The error object of a body of type application/vnd.aws.lambda.error.cause+json, which carries the cause for X-Ray beside it.
std::string without_error_cause(std::string body);

}  // namespace sallyport::runtime
