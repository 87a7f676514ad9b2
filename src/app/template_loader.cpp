#include "app/template_loader.hpp"

#include <cstdio>
#include <utility>

#include "base/text.hpp"
#include "cloudformation/lint.hpp"
#include "gateway/operations.hpp"
#include "lambda/operations.hpp"

namespace sallyport::app {

bool TemplateLoader::load(First first, std::string_view origin) {
  const auto pin = ground_.code.pin();
  cloudformation::LoadOptions options;
  options.parameters = ground_.config.parameters;
  options.unsupported = ground_.config.ignore_unsupported ? cloudformation::Unsupported::ignore : cloudformation::Unsupported::refuse;
  options.stack_name = ground_.config.stack_name;
  options.scope = ground_.config.scope;
  options.endpoint = cat("http://", origin);
  options.now = started_;
  options.surroundings.unique_id = [this](std::string_view arn) { return ground_.directory.unique_id(arn); };
  options.random = &ground_.random;
  options.truststores = ground_.truststores;
  const auto present = ground_.estate.present(ground_.config.scope);
  options.present_pools = present.pools.get();
  options.present_apis = present.apis.get();
  options.present_functions = present.functions.get();
  options.lambda_limits = ground_.estate.lambda_limits();
  auto stack = cloudformation::load(ground_.config.operand, options, ground_.code);
  if (!stack) {
    report(stack.error(), first);
    return false;
  }
  if (!check_runtimes(stack->lambda, first)) return false;
  for (const auto& ignored : stack->ignored) ground_.console.warning(cat("ignored: ", cloudformation::to_text(ignored)));
  warn(*stack);
  tell_of_cached_answers(*stack);
  if (auto made = ground_.estate.replace_stack(stack_, *stack); !made) {
    ground_.console.warning(made.error().message);
    return false;
  }
  stack_ = std::move(*stack);
  return true;
}

// A saved file repeats no warning that is on the screen already.
void TemplateLoader::warn(const cloudformation::Stack& next) {
  std::set<std::string> warnings;
  for (const auto& warning : next.warnings) warnings.insert(cloudformation::to_text(warning));
  for (const auto& warning : cloudformation::lint(next)) warnings.insert(cloudformation::to_text(warning));
  for (const auto& text : warnings)
    if (!warnings_.contains(text)) ground_.console.warning(text);
  warnings_ = std::move(warnings);
}

// As on AWS, an authorizer's new code is not asked about callers whose answer is kept; whoever edits it should know why.
void TemplateLoader::tell_of_cached_answers(const cloudformation::Stack& next) const {
  const auto code_of = [](const cloudformation::Stack& stack, const std::string& arn) -> std::string {
    const auto reference = lambda::parse_function_reference(stack.lambda.scope, arn);
    const auto function = reference ? stack.lambda.functions.find(reference->function_name) : stack.lambda.functions.end();
    return function == stack.lambda.functions.end() ? std::string() : function->second->latest.code_sha256;
  };
  for (const auto& [id, api] : next.gateway.apis)
    for (const auto& [authorizer_id, authorizer] : api->draft->authorizers) {
      const auto arn = gateway::function_arn_of_uri(authorizer.uri);
      if (!arn || authorizer.ttl.count() == 0) continue;
      const auto before = code_of(stack_, *arn), now = code_of(next, *arn);
      if (!before.empty() && before != now)
        ground_.console.info(cat("authorizer ", authorizer.name, ": its function changed; answers it gave before are used for up to ",
                                 authorizer.ttl.count(), " s more, as on AWS (AuthorizerResultTtlInSeconds)"));
    }
}

void TemplateLoader::report(const cloudformation::Problems& problems, First first) const {
  if (first == First::yes) ground_.console.flush();
  for (const auto& problem : problems) {
    const auto text = cloudformation::to_text(problem);
    if (first == First::yes)
      std::fprintf(stderr, "%s\n", text.c_str());
    else
      ground_.console.warning(text);
  }
  const auto count = problems.size();
  const auto summary = cat(count, count == 1 ? " problem" : " problems", " in ", ground_.config.operand,
                           first == First::yes ? "; nothing was started" : "; the last good version goes on serving");
  if (first == First::yes)
    std::fprintf(stderr, "sallyport: %s\n", summary.c_str());
  else
    ground_.console.warning(summary);
}

// Every runtime the functions name must have an interpreter; a stand-in is said once.
bool TemplateLoader::check_runtimes(const lambda::State& functions, First first) {
  std::set<std::string> runtimes;
  for (const auto& [name, function] : functions.functions) runtimes.insert(function->latest.runtime);
  for (const auto& name : runtimes) {
    if (runtime::family_of(name) == runtime::RuntimeFamily::provided) continue;
    const auto interpreter = ground_.interpreters.find(name);
    if (!interpreter) {
      if (first == First::yes)
        std::fprintf(stderr, "sallyport: %s\n", interpreter.error().message.c_str());
      else
        ground_.console.warning(interpreter.error().message);
      return false;
    }
    if (!interpreter->exact && warned_runtimes_.insert(name).second)
      ground_.console.warning(cat(name, " is not installed; its functions run with ", interpreter->path, " (", interpreter->version,
                                  "). --strict-runtimes refuses this, --runtime ", name, "=PROGRAM names another"));
  }
  return true;
}

}  // namespace sallyport::app
