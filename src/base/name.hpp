// Name<Tag>: an identifier that cannot be mixed up with another kind.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <utility>

namespace sallyport {

template <class Tag>
class Name {
 public:
  Name() = default;
  explicit Name(std::string text) : text_(std::move(text)) {}
  const std::string& text() const { return text_; }
  bool empty() const { return text_.empty(); }
  auto operator<=>(const Name&) const = default;

 private:
  std::string text_;
};

/// One invocation's id: a UUID, the same in headers, events, contexts and logs.
using RequestId = Name<struct RequestIdTag>;

}  // namespace sallyport
