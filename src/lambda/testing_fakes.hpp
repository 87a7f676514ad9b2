// What tests of single parts put in the place of what stands around them.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "control/guard.hpp"
#include "runtime/log.hpp"

namespace sallyport::lambda::testing {

inline constexpr std::string_view function_arn_prefix = "arn:aws:lambda:us-east-1:123456789012:function:";

/// A zip with one stored file, which only its owner may read: what Python's zipfile writes.
inline std::string zip_of_one(std::string_view file, std::string_view content) {
  std::uint32_t sum = ~0u;
  for (const char c : content) {
    sum ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1) ^ (sum & 1 ? 0xedb88320u : 0u);
  }
  const auto number = [](std::uint64_t value, int bytes) {
    std::string out;
    for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
    return out;
  };
  constexpr std::uint64_t date = 0x21, unix_made = 0x314, mode = 0100600ull << 16;
  const auto common = cat(number(20, 2), number(0, 2), number(0, 2), number(0, 2), number(date, 2), number(~sum & 0xffffffff, 4),
                          number(content.size(), 4), number(content.size(), 4), number(file.size(), 2), number(0, 2));
  const auto local = cat("PK\x03\x04", common, file, content);
  const auto central =
      cat("PK\x01\x02", number(unix_made, 2), common, number(0, 2), number(0, 2), number(0, 2), number(mode, 4), number(0, 4), file);
  return cat(local, central, "PK\x05\x06", number(0, 4), number(1, 2), number(1, 2), number(central.size(), 4), number(local.size(), 4),
             number(0, 2));
}

class CollectedLines final : public runtime::LogSink {
 public:
  void write(const runtime::LogLine& line) override {
    std::scoped_lock lock(mutex);
    lines.push_back(cat(line.function_arn, " ", line.log_stream.empty() ? "-" : "stream", " ", line.text));
  }
  std::mutex mutex;
  std::vector<std::string> lines;
};

/// Lambda may assume every role but `unknown`, and roles may do everything but call what is in `denied`.
class FakeGuard final : public control::Guard {
 public:
  control::Verdict decide(const aws::Caller& caller, const control::Access& access, const control::Circumstances&) const override {
    std::scoped_lock lock(mutex);
    asked.push_back(cat(caller.role_arn, " ", access.action, " ", access.resource));
    if (denied.contains(access.resource)) return {policy::Outcome::denied_implicitly, "because no identity-based policy allows it"};
    return {policy::Outcome::allowed};
  }
  json::Value explain(const aws::Caller&, const control::Access&, const control::Circumstances&) const override { return {}; }
  std::shared_ptr<const aws::Caller> assume(std::string_view role_arn, std::string_view, std::string_view name, WallTime) const override {
    if (role_arn.ends_with("/unknown")) return nullptr;
    auto caller = std::make_shared<aws::Caller>();
    caller->kind = aws::CallerKind::role_session;
    caller->role_arn = role_arn;
    caller->arn = cat(role_arn, "/", name);
    return caller;
  }
  mutable std::mutex mutex;
  mutable std::vector<std::string> asked;
  std::set<std::string, std::less<>> denied;
};

}  // namespace sallyport::lambda::testing
