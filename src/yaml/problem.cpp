#include "yaml/problem.hpp"

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <ranges>
#include <tuple>

#include "base/text.hpp"

namespace sallyport::yaml {

std::string to_text(const Problem& problem) {
  auto text = problem.file;
  if (problem.at.line != 0) text += cat(":", problem.at.line, ":", problem.at.column);
  text += ": ";
  if (!problem.where.empty()) text += cat(problem.where, ": ");
  text += problem.message;
  if (!problem.hint.empty()) text += cat(" (", problem.hint, ")");
  return text;
}

void sort(Problems& problems) {
  std::ranges::sort(problems, {}, [](const Problem& p) { return std::tie(p.file, p.at, p.message, p.where); });
  const auto tail = std::ranges::unique(problems, {}, [](const Problem& p) { return std::tie(p.file, p.at, p.message); });
  problems.erase(tail.begin(), tail.end());
}

namespace {

void shorten(std::string& text) {
  if (text.size() <= limits::problem_text_max) return;
  text.resize(valid_utf8_prefix(std::string_view(text).substr(0, limits::problem_text_max)));
  text += "...";
}

void add(Problems& list, Problem problem) {
  if (list.size() >= limits::problems_max) return;
  shorten(problem.where);
  shorten(problem.message);
  shorten(problem.hint);
  list.push_back(std::move(problem));
}

}  // namespace

void Report::problem(Location at, std::string where, std::string message, std::string hint) {
  add(problems_, {file_, at, std::move(where), std::move(message), std::move(hint)});
}

void Report::unsupported(Location at, std::string where, std::string message, std::string hint) {
  add(unsupported_ == Unsupported::ignore ? ignored_ : problems_, {file_, at, std::move(where), std::move(message), std::move(hint)});
}

Problems Report::take_problems() {
  sort(problems_);
  return std::move(problems_);
}

Problems Report::take_ignored() {
  sort(ignored_);
  return std::move(ignored_);
}

std::string display_path(const std::string& path) {
  std::error_code error;
  const auto here = std::filesystem::current_path(error);
  const auto relative = error ? std::filesystem::path() : std::filesystem::path(path).lexically_relative(here);
  return relative.empty() || *relative.begin() == ".." ? path : relative.string();
}

std::string_view nearest(std::string_view name, const std::vector<std::string_view>& candidates) {
  if (name.size() > 64) return {};
  std::string_view best;
  std::size_t best_distance = name.size() / 3 + 1;
  for (const auto candidate : candidates | std::views::take(limits::candidates_max)) {
    std::vector<std::size_t> row(candidate.size() + 1);
    std::iota(row.begin(), row.end(), 0u);
    for (std::size_t i = 0; i < name.size(); ++i) {
      auto diagonal = row[0];
      row[0] = i + 1;
      for (std::size_t j = 0; j < candidate.size(); ++j) {
        const auto substitution = diagonal + (to_lower(name[i]) == to_lower(candidate[j]) ? 0 : 1);
        diagonal = row[j + 1];
        row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, substitution});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

}  // namespace sallyport::yaml
