// The filter of ListUsers: whatever the text is, it is a filter or a refusal; and one that was written for a value finds it.
#include <cstdint>
#include <cstdlib>

#include "base/text.hpp"
#include "cognito/user_filter.hpp"

using namespace sallyport;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  cognito::UserPool pool;
  cognito::User user;
  user.username = text;
  if (const auto filter = cognito::UserFilter::parse(text)) filter->matches(pool, user);
  std::string quoted;
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  for (const auto* sign : {"=", "^="}) {
    const auto filter = cognito::UserFilter::parse(cat("username ", sign, " \"", quoted, "\""));
    if (!filter || !filter->matches(pool, user)) std::abort();
  }
  return 0;
}
