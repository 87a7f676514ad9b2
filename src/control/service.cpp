#include "control/service.hpp"

#include "base/text.hpp"

namespace sallyport::control {

Answer<> refuse_unread(const Call& call) {
  const auto unread = call.in.unread();
  if (unread.empty()) return {};
  std::string names;
  for (const auto& path : unread) names += (names.empty() ? "" : ", ") + path;
  return fail(aws::ApiError{"UnsupportedOperationException", 501,
                            cat(call.operation, ": ", names, unread.size() == 1 ? " is" : " are",
                                " not supported by Sallyport; leave it out, or see docs/limits.md")});
}

}  // namespace sallyport::control
