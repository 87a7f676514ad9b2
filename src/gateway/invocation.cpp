#include "gateway/invocation.hpp"

#include <exception>

#include "io/completion.hpp"

namespace sallyport::gateway {
namespace {

// Belongs to the loop and not to the request, which may give up waiting.
Task<void> run_to_the_end(io::Loop& loop, lambda::Invoker& invoker, lambda::InvokeRequest request, io::Completion<Invocation> completion) {
  try {
    auto answer = co_await attempt(invoker.invoke(loop, std::move(request)));
    if (answer)
      completion.deliver(std::move(*answer));
    else
      completion.deliver(fail(InvocationFailure{InvocationFailure::Kind::refused, std::move(answer.error())}));
  } catch (const std::exception& broken) {
    completion.deliver(fail(InvocationFailure{InvocationFailure::Kind::refused, {"ServiceException", 500, broken.what()}}));
  }
}

}  // namespace

Task<Invocation> invoke_within(io::Loop& loop, lambda::Invoker& invoker, lambda::InvokeRequest request, std::chrono::milliseconds limit) {
  io::Completion<Invocation> completion;
  loop.scope().spawn(run_to_the_end(loop, invoker, std::move(request), completion));
  io::Deadline deadline(loop, limit,
                        [completion]() mutable { completion.deliver(fail(InvocationFailure{InvocationFailure::Kind::timed_out})); });
  // Two steps: a Result that is awaited inside a task of a Result would leave it.
  auto waiting = completion.wait_on(loop);
  co_return co_await waiting;
}

}  // namespace sallyport::gateway
