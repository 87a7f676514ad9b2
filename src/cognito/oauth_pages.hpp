// The pages of a user pool, as HTML without script: every value escaped, nothing loaded from anywhere.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/message.hpp"

namespace sallyport::cognito::pages {

/// Text as it may stand between tags and in quoted attributes.
std::string escape(std::string_view text);

struct Field {
  std::string name;
  std::string label;
  std::string type = "text";  // or password
  std::string value = {};
  std::string autocomplete = {};
};

/// A page with one form.
struct Form {
  std::string title;
  std::string text;     // under the title; may be empty
  std::string problem;  // what went wrong the last time; may be empty
  std::string action;   // a path
  std::string button;
  std::vector<std::pair<std::string, std::string>> hidden;
  std::vector<Field> fields;
};

/// `redirect_uri`: where a browser may be sent after the form, beside back to us.
http::Response form_page(const Form& form, int status, std::string_view redirect_uri);
http::Response error_page(std::string_view text, int status);
/// Headers that every answer for a browser has.
void add_security_headers(http::Response& response, std::string_view redirect_uri);

}  // namespace sallyport::cognito::pages
