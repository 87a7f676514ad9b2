// What is wrong with a document, said where it stands. Problems are gathered, never only the first.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "yaml/node.hpp"

namespace sallyport::yaml {

namespace limits {
inline constexpr std::size_t problems_max = 1'000;      // a person reads the first twenty
inline constexpr std::size_t candidates_max = 200;      // names looked at for "did you mean"
inline constexpr std::size_t problem_text_max = 2'000;  // bytes of one message or path: both may quote the document
}  // namespace limits

struct Problem {
  std::string file;
  Location at;
  std::string where;    // Resources.Api.Properties.StageName; empty for the file as a whole
  std::string message;  // one sentence, lower case, no full stop
  std::string hint;     // what to do; may be empty
};
using Problems = std::vector<Problem>;

/// `template.yaml:12:5: Resources.Api.Properties.Cors: message (hint)`
std::string to_text(const Problem& problem);
/// By file, line and column. The same sentence about the same place is kept once: a value of Globals is read by many resources.
void sort(Problems& problems);

enum class Unsupported { refuse, ignore };

/// Gathers the problems of one document.
class Report {
 public:
  Report(std::string file, Unsupported unsupported) : file_(std::move(file)), unsupported_(unsupported) {}

  void problem(Location at, std::string where, std::string message, std::string hint = {});
  /// Something AWS knows and we do not: a problem, or an entry of `ignored` where the user asked for that.
  void unsupported(Location at, std::string where, std::string message, std::string hint = {});

  bool ok() const { return problems_.empty(); }
  bool ignores_unsupported() const { return unsupported_ == Unsupported::ignore; }
  const std::string& file() const { return file_; }
  /// Both sorted.
  Problems take_problems();
  Problems take_ignored();

 private:
  std::string file_;
  Unsupported unsupported_;
  Problems problems_;
  Problems ignored_;
};

/// `path` as a person would write it: relative where it lies below the current folder.
std::string display_path(const std::string& path);

/// The candidate most like `name`, when it is like it at all: for "did you mean".
std::string_view nearest(std::string_view name, const std::vector<std::string_view>& candidates);

}  // namespace sallyport::yaml
