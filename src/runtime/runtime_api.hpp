// The HTTP Runtime API (AWS Lambda developer guide, "Using the Lambda runtime API"): one listener per execution environment.
#pragma once

#include <memory>

#include "base/clock.hpp"
#include "runtime/channel.hpp"

namespace sallyport::runtime {

/// A channel that listens on 127.0.0.1; the address goes into AWS_LAMBDA_RUNTIME_API.
class RuntimeApi : public Channel {
 public:
  static Result<std::unique_ptr<RuntimeApi>> open(io::Loop& loop, const Clock& clock);
  virtual std::string address() const = 0;
  /// Stops listening; resolves when the last connection is gone. Must be awaited before destruction.
  virtual Task<void> close() = 0;
};

}  // namespace sallyport::runtime
