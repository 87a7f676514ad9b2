// How a line of a function's log looks to people.
#pragma once

#include <string>
#include <string_view>

namespace sallyport::app {

struct ShownLine {
  bool platform = false;  // ours: START, END, REPORT
  std::string_view function, request_id, text;
};

/// `[function request-id] text` without a newline. With colours: each function has its own, platform lines are grey, and ids are cut to
/// their first part. Control characters are made visible; further lines of one event, which \n or \r begins, are indented.
std::string log_text(const ShownLine& line, bool colours);

/// Text of others as one printable line, cut at 16 KiB.
void append_printable(std::string& out, std::string_view text);

}  // namespace sallyport::app
