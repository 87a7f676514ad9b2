// UrlIndex: which function a URL's id leads to, over all accounts and regions.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "lambda/state.hpp"

namespace sallyport::lambda {

/// Where a URL leads, in the state that served when it was looked up. The pointers live as long as `state`.
struct UrlTarget {
  std::shared_ptr<const State> state;
  const Function* function = nullptr;
  const UrlConfig* config = nullptr;
  const std::string& function_name() const { return function->latest.function_name; }
  /// Of the function, qualified with the URL's alias if it has one: what is invoked, and what permissions are asked about.
  std::string function_arn() const;
};

/// May be used from any thread.
class UrlIndex {
 public:
  /// Takes the newest state of its scope; costs what changed since the one before.
  void publish(std::shared_ptr<const State> state);
  std::optional<UrlTarget> find(std::string_view url_id) const;

 private:
  struct Place {
    std::shared_ptr<const State> state;
  };
  struct Address {
    const Place* place;
    std::string function_name, qualifier;
  };
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Place> places_;  // by account and region
  std::map<std::string, Address, std::less<>> addresses_;        // by URL id
};

}  // namespace sallyport::lambda
