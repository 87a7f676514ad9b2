// The table of settings: what each is called, where it is allowed, and how its value is read.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "app/config.hpp"

namespace sallyport::app {

struct Setting {
  enum class Takes { value, many, nothing };
  /// Empty: good; else what is wrong with the value.
  using Apply = std::string (*)(Config&, std::string_view value);
  const char* name;  // --name; SALLYPORT_NAME; "name" in the file
  Takes takes;
  const char* placeholder;
  const char* commands;  // where it is allowed
  const char* help;
  Apply apply;
};

/// In the order help shows them.
std::span<const Setting> all_settings();
/// Null where there is none of that name.
const Setting* find_setting(std::string_view name);
bool allowed(const Setting& setting, std::string_view command);

}  // namespace sallyport::app
