// PackageLinks: addresses under which a function's package can be fetched for a while, as GetFunction gives them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "lambda/code_store.hpp"

namespace sallyport::lambda {

/// A link is a capability: whoever has it may fetch this one package for ten minutes. The key lives as long as the process. May be used
/// from any thread.
class PackageLinks {
 public:
  PackageLinks(const CodeStore& code, Random& random);

  /// The path all links begin with; the hash follows.
  static constexpr std::string_view path_prefix = "/_aws/lambda/packages/";

  /// `origin` as in `Call`, the hash in hex.
  std::string make(std::string_view origin, std::string_view sha256_hex, WallTime now) const;
  /// The file behind a link, if the link is one of ours and still good. `target` is path and query as they were requested.
  std::optional<std::string> open(std::string_view target, WallTime now) const;

 private:
  std::string sign(std::string_view sha256_hex, std::string_view expires) const;
  const CodeStore& code_;
  std::string key_;
};

}  // namespace sallyport::lambda
