// AskChild: tries something in a child that may be ruined by it, and brings back what it has to say.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace sallyport::sandbox {

/// The texts `work` gives, in a child of its own; nothing when it died or took longer than `seconds`. What the child has started and what
/// holds its pipe may live on. REQUIRES: one thread.
std::vector<std::string> ask_child(const std::function<std::vector<std::string>()>& work, unsigned seconds = 5);

/// What a program says on its output and errors, the first 2,000 bytes, and whether it ended well; by the same rules.
struct Said {
  bool well = false;
  std::string text;
};
Said run_to_end(const std::vector<std::string>& arguments, unsigned seconds = 5);

/// Where the search path has a program; empty: nowhere.
std::string find_program(const std::string& name);

}  // namespace sallyport::sandbox
