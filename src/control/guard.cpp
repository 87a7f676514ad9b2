#include "control/guard.hpp"

#include "base/text.hpp"

namespace sallyport::control {

std::string denial_message(const aws::Caller& caller, const Access& access, const Verdict& verdict) {
  return cat("User: ", caller.kind == aws::CallerKind::anonymous ? "anonymous" : caller.arn,
             " is not authorized to perform: ", access.action, " on resource: ", access.resource, verdict.reason.empty() ? "" : " ",
             verdict.reason);
}

}  // namespace sallyport::control
