// Results: a value or the error that stopped it. Errors are values; exceptions are for broken promises only.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace sallyport {

/// The plain error: one sentence for a person, lower case, no full stop. Doors that answer a protocol have error types of their own
/// (`aws::ApiError`, `gateway::Refusal`) that *are* the answer.
struct Error {
  std::string message;
};

template <class T = void, class E = Error>
using Result = std::expected<T, E>;

/// Leaves a function with an error: `return fail("no such stage")`.
inline std::unexpected<Error> fail(std::string message) { return std::unexpected(Error{std::move(message)}); }

/// Leaves a function with an error of any type: `return fail(Refusal{...})`.
template <class E>
  requires(!std::is_convertible_v<E, std::string>)
std::unexpected<std::decay_t<E>> fail(E&& error) {
  return std::unexpected<std::decay_t<E>>(std::forward<E>(error));
}

}  // namespace sallyport
