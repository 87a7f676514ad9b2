#include "openapi/findings.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace sallyport::openapi {
namespace {

std::string line_of(const Finding& finding) {
  const auto& problem = finding.problem;
  auto text = problem.message;
  if (!problem.hint.empty()) text += cat(": ", problem.hint);
  if (problem.at.line != 0) text += cat(" (line ", problem.at.line, ")");
  return text;
}

std::string list_of(const std::vector<Finding>& all, bool warnings) {
  std::string out;
  std::size_t left = limits::messages_shown_max;
  for (const auto& finding : all) {
    if ((finding.severity == Severity::warning) != warnings) continue;
    if (left-- == 0) return out + "\n\t...";
    out += cat("\n\t", line_of(finding));
  }
  return out;
}

}  // namespace

void Findings::add(Severity severity, yaml::Location at, std::string where, std::string message, std::string hint) {
  stops_ += severity == Severity::warning ? 0 : 1;
  if (all_.size() >= limits::findings_max && severity != Severity::error) return;
  if (all_.size() >= 2 * limits::findings_max) return;
  const auto shorten = [](std::string& text) {
    if (text.size() <= yaml::limits::problem_text_max) return;
    text.resize(valid_utf8_prefix(std::string_view(text).substr(0, yaml::limits::problem_text_max)));
    text += "...";
  };
  shorten(where);
  shorten(message);
  shorten(hint);
  all_.push_back({severity, {{}, at, std::move(where), std::move(message), std::move(hint)}});
}

void Findings::warning(yaml::Location at, std::string where, std::string message, std::string hint) {
  add(Severity::warning, at, std::move(where), std::move(message), std::move(hint));
}

void Findings::unsupported(yaml::Location at, std::string where, std::string message, std::string hint) {
  add(Severity::unsupported, at, std::move(where), std::move(message), std::move(hint));
}

void Findings::error(yaml::Location at, std::string where, std::string message, std::string hint) {
  add(Severity::error, at, std::move(where), std::move(message), std::move(hint));
}

void Findings::refused(yaml::Location at, std::string where, std::string_view what, const aws::ApiError& error) {
  constexpr int not_implemented = 501;
  add(error.status == not_implemented ? Severity::unsupported : Severity::error, at, std::move(where), cat(what, ": ", error.message), {});
}

std::vector<std::string> Findings::warnings() const {
  std::vector<std::string> out;
  for (const auto& finding : all_)
    if (finding.severity == Severity::warning && out.size() < limits::messages_shown_max) out.push_back(line_of(finding));
  return out;
}

aws::ApiError Findings::to_error() const {
  const auto warnings = list_of(all_, true);
  if (ok()) return {"BadRequestException", 400, cat("Warnings found during import:", warnings)};
  auto message = cat("Errors found during import:", list_of(all_, false));
  if (!warnings.empty()) message += cat("\nAdditionally, these warnings were found:", warnings);
  const bool only_unsupported =
      std::none_of(all_.begin(), all_.end(), [](const Finding& finding) { return finding.severity == Severity::error; });
  if (only_unsupported) return {"UnsupportedOperationException", 501, std::move(message)};
  return {"BadRequestException", 400, std::move(message)};
}

}  // namespace sallyport::openapi
