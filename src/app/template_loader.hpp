// TemplateLoader: the stack of `up`: loaded from its template, warned about, and put in place of the one before.
#pragma once

#include <set>
#include <string>

#include "app/config.hpp"
#include "app/console.hpp"
#include "app/estate.hpp"
#include "base/clock.hpp"
#include "cloudformation/load.hpp"
#include "iam/directory.hpp"
#include "lambda/code_store.hpp"
#include "runtime/interpreters.hpp"

namespace sallyport::app {

/// Blocks while it loads; one load at a time. Everything must outlive this object.
class TemplateLoader {
 public:
  struct Ground {
    const Config& config;
    Console& console;
    Random& random;
    Estate& estate;
    iam::Directory& directory;
    runtime::Interpreters& interpreters;
    lambda::CodeStore& code;
    const std::set<std::string, std::less<>>& truststores;
  };
  TemplateLoader(const Ground& ground, WallTime started) : ground_(ground), started_(started) {}

  /// At the start problems go to standard error, later to the log.
  enum class First { yes, no };
  /// Builds everything anew and serves it, or says what is wrong and leaves everything as it is. `origin`: HOST:PORT of the front door.
  bool load(First first, std::string_view origin);
  const cloudformation::Stack& stack() const { return stack_; }

 private:
  void warn(const cloudformation::Stack& next);
  void tell_of_cached_answers(const cloudformation::Stack& next) const;
  void report(const cloudformation::Problems& problems, First first) const;
  bool check_runtimes(const lambda::State& functions, First first);

  const Ground ground_;
  const WallTime started_;
  cloudformation::Stack stack_;
  std::set<std::string> warned_runtimes_, warnings_;
};

}  // namespace sallyport::app
