#include "vtl/json_path.hpp"

#include <algorithm>
#include <charconv>
#include <span>
#include <string>

#include "base/text.hpp"
#include "json/parse.hpp"

namespace sallyport::vtl {
namespace {

constexpr int nesting_max = 16;  // of parentheses, and of filters in the paths of filters

struct Condition;

struct PathStep {
  enum class Kind : std::uint8_t { name, every, indexes, slice, filter };
  Kind kind;
  bool deep = false;  // `..`
  std::string name;
  std::vector<std::int64_t> indexes;
  std::optional<std::int64_t> from, to;
  std::shared_ptr<const Condition> filter;
};

struct Path {
  bool relative = false;  // `@`
  std::vector<PathStep> steps;
  bool definite() const {
    return std::ranges::all_of(steps, [](const PathStep& step) {
      return !step.deep && (step.kind == PathStep::Kind::name || (step.kind == PathStep::Kind::indexes && step.indexes.size() == 1));
    });
  }
};

struct Operand {
  std::optional<Path> path;
  json::Value literal;
};

struct Condition {
  enum class Kind : std::uint8_t { any, all, negation, exists, compare };
  Kind kind;
  std::vector<std::shared_ptr<const Condition>> parts;
  Operand left, right;
  std::string_view comparison;
};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

class PathParser {
 public:
  explicit PathParser(std::string_view text) : text_(text) {}

  Result<Path> whole() {
    Path path;
    if (!eat('$')) {
      if (text_.empty()) return refuse("is empty");
      // Without its `$` a path starts with a name.
      if (text_.front() != '[' && text_.front() != '.') {
        if (auto step = name_step(false); !step)
          return std::unexpected(step.error());
        else
          path.steps.push_back(std::move(*step));
      }
    }
    if (auto steps = add_steps(path, 0); !steps) return std::unexpected(steps.error());
    if (at_ != text_.size()) return refuse(cat("goes on with `", text_.substr(at_, 1), "`"));
    return path;
  }

 private:
  bool ends() const { return at_ >= text_.size(); }
  char now() const { return ends() ? '\0' : text_[at_]; }
  bool eat(char c) {
    if (now() != c || ends()) return false;
    ++at_;
    return true;
  }
  bool eat(std::string_view token) {
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  void skip_blanks() {
    while (!ends() && is_blank(now())) ++at_;
  }
  std::unexpected<Error> refuse(std::string_view what) const {
    return fail(cat("the path `", text_.substr(0, 64), "` ", what, " (character ", at_ + 1, ")"));
  }

  Result<void> add_steps(Path& path, int depth) {
    while (now() == '.' || now() == '[') {
      const bool deep = eat("..");
      if (!deep) eat('.');
      auto step = now() == '[' ? bracket_step(depth) : name_step(deep);
      if (!step) return std::unexpected(step.error());
      step->deep = deep;
      path.steps.push_back(std::move(*step));
    }
    return {};
  }

  Result<PathStep> name_step(bool deep) {
    PathStep step{.kind = PathStep::Kind::name};
    step.deep = deep;
    if (eat('*')) {
      step.kind = PathStep::Kind::every;
      return step;
    }
    const auto start = at_;
    while (!ends() && std::string_view(".[]()<>=!&|,' \t\n\r").find(now()) == std::string_view::npos) ++at_;
    if (at_ == start) return refuse("has a step without a name");
    if (now() == '(') return refuse("calls a function, which is not supported");
    step.name = text_.substr(start, at_ - start);
    return step;
  }

  Result<std::string> quoted() {
    const char quote = text_[at_++];
    std::string name;
    while (!ends() && now() != quote) {
      if (now() == '\\' && at_ + 1 < text_.size()) ++at_;
      name += text_[at_++];
    }
    if (!eat(quote)) return refuse("has a name without its closing quote");
    return name;
  }

  std::optional<std::int64_t> number() {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc{}) return std::nullopt;
    at_ = static_cast<std::size_t>(end - text_.data());
    return value;
  }

  Result<PathStep> bracket_step(int depth) {
    eat('[');
    skip_blanks();
    PathStep step{.kind = PathStep::Kind::every};
    if (now() == '\'' || now() == '"') {
      auto name = quoted();
      if (!name) return std::unexpected(name.error());
      skip_blanks();
      if (now() == ',') return refuse("asks for several names at once, which is not supported");
      step.kind = PathStep::Kind::name;
      step.name = std::move(*name);
    } else if (eat('?')) {
      skip_blanks();
      if (!eat('(')) return refuse("has a filter without `(`");
      auto condition = any(depth + 1);
      if (!condition) return std::unexpected(condition.error());
      if (!eat(')')) return refuse("has a filter without `)`");
      step.kind = PathStep::Kind::filter;
      step.filter = std::move(*condition);
    } else if (!eat('*')) {
      if (auto numbers = index_or_slice(step); !numbers) return std::unexpected(numbers.error());
    }
    skip_blanks();
    if (!eat(']')) return refuse("has a `[` without its `]`");
    return step;
  }

  Result<void> index_or_slice(PathStep& step) {
    const auto first = number();
    skip_blanks();
    if (eat(':')) {
      skip_blanks();
      step.kind = PathStep::Kind::slice;
      step.from = first;
      step.to = number();
      return {};
    }
    if (!first) return refuse("has neither a name nor a number in its `[`");
    step.kind = PathStep::Kind::indexes;
    step.indexes.push_back(*first);
    while (eat(',')) {
      skip_blanks();
      const auto next = number();
      if (!next) return refuse("has no number behind a comma");
      step.indexes.push_back(*next);
      skip_blanks();
    }
    return {};
  }

  using Part = std::shared_ptr<const Condition>;

  Result<Part> joined(Condition::Kind kind, std::string_view token, Result<Part> (PathParser::*next)(int), int depth) {
    Condition all{.kind = kind};
    do {
      auto part = (this->*next)(depth);
      if (!part) return part;
      all.parts.push_back(std::move(*part));
      skip_blanks();
    } while (eat(token));
    if (all.parts.size() == 1) return all.parts.front();
    return std::make_shared<const Condition>(std::move(all));
  }
  Result<Part> any(int depth) { return joined(Condition::Kind::any, "||", &PathParser::all, depth); }
  Result<Part> all(int depth) { return joined(Condition::Kind::all, "&&", &PathParser::single, depth); }

  Result<Part> single(int depth) {
    if (depth > nesting_max) return refuse("nests too deep");
    skip_blanks();
    if (now() == '!' && text_.substr(at_ + 1, 1) != "=") {
      ++at_;
      auto part = single(depth + 1);
      if (!part) return part;
      return std::make_shared<const Condition>(Condition{.kind = Condition::Kind::negation, .parts = {std::move(*part)}});
    }
    if (eat('(')) {
      auto part = any(depth + 1);
      if (!part) return part;
      skip_blanks();
      if (!eat(')')) return refuse("has a `(` without its `)`");
      return part;
    }
    auto left = operand(depth);
    if (!left) return std::unexpected(left.error());
    skip_blanks();
    for (const std::string_view comparison : {"==", "!=", "<=", ">=", "<", ">"})
      if (eat(comparison)) {
        skip_blanks();
        auto right = operand(depth);
        if (!right) return std::unexpected(right.error());
        return std::make_shared<const Condition>(
            Condition{.kind = Condition::Kind::compare, .left = std::move(*left), .right = std::move(*right), .comparison = comparison});
      }
    if (!left->path) return refuse("has a filter that compares nothing");
    return std::make_shared<const Condition>(Condition{.kind = Condition::Kind::exists, .left = std::move(*left)});
  }

  Result<Operand> operand(int depth) {
    if (now() == '@' || now() == '$') {
      Path path{.relative = now() == '@'};
      ++at_;
      if (auto steps = add_steps(path, depth); !steps) return std::unexpected(steps.error());
      return Operand{.path = std::move(path)};
    }
    if (now() == '\'' || now() == '"') {
      auto text = quoted();
      if (!text) return std::unexpected(text.error());
      return Operand{.literal = std::move(*text)};
    }
    const auto start = at_;
    while (!ends() && (is_alpha(now()) || is_digit(now()) || now() == '-' || now() == '+' || now() == '.')) ++at_;
    auto literal = json::parse(text_.substr(start, at_ - start));
    if (!literal) return refuse("has a filter that compares with neither a path nor a value");
    return Operand{.literal = std::move(*literal)};
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

class Finder {
 public:
  Finder(const json::Value& document, std::int64_t& steps) : document_(document), steps_(steps) {}

  std::vector<const json::Value*> find(const Path& path, const json::Value& current) {
    std::vector<const json::Value*> found{path.relative ? &current : &document_};
    for (const auto& step : path.steps) {
      std::vector<const json::Value*> next;
      for (const auto* value : found) {
        if (step.deep)
          descend(step, *value, next);
        else
          apply(step, *value, next);
        if (steps_ < 0) return {};
      }
      found = std::move(next);
    }
    return found;
  }

 private:
  void descend(const PathStep& step, const json::Value& top, std::vector<const json::Value*>& out) {
    std::vector<const json::Value*> open{&top};
    while (!open.empty() && steps_ >= 0) {
      const auto* value = open.back();
      open.pop_back();
      --steps_;
      apply(step, *value, out);
      if (const auto* array = value->array())
        for (auto i = array->rbegin(); i != array->rend(); ++i) open.push_back(&*i);
      else if (const auto* object = value->object())
        for (auto i = object->rbegin(); i != object->rend(); ++i) open.push_back(&i->second);
    }
  }

  void apply(const PathStep& step, const json::Value& value, std::vector<const json::Value*>& out) {
    const auto* array = value.array();
    const auto* object = value.object();
    steps_ -= 1 + static_cast<std::int64_t>(object ? object->size() : 0);
    switch (step.kind) {
      case PathStep::Kind::name:
        if (const auto* member = value.find(step.name)) out.push_back(member);
        return;
      case PathStep::Kind::every:
        steps_ -= static_cast<std::int64_t>(array ? array->size() : 0);
        if (array)
          for (const auto& item : *array) out.push_back(&item);
        if (object)
          for (const auto& [name, member] : *object) out.push_back(&member);
        return;
      case PathStep::Kind::indexes:
        if (!array) return;
        for (auto index : step.indexes) {
          const auto size = static_cast<std::int64_t>(array->size());
          if (index < 0) index += size;
          if (index >= 0 && index < size) out.push_back(&(*array)[static_cast<std::size_t>(index)]);
        }
        return;
      case PathStep::Kind::slice: return slice(step, array, out);
      case PathStep::Kind::filter:
        if (array) {
          for (const auto& item : *array)
            if (steps_ >= 0 && holds(*step.filter, item)) out.push_back(&item);
        } else if (object && holds(*step.filter, value)) {
          out.push_back(&value);
        }
        return;
    }
  }

  void slice(const PathStep& step, const json::Array* array, std::vector<const json::Value*>& out) {
    if (!array) return;
    const auto size = static_cast<std::int64_t>(array->size());
    const auto bounded = [&](std::int64_t at) { return std::clamp<std::int64_t>(at < 0 ? at + size : at, 0, size); };
    const auto to = bounded(step.to.value_or(size));
    for (auto i = bounded(step.from.value_or(0)); i < to; ++i) out.push_back(&(*array)[static_cast<std::size_t>(i)]);
    steps_ -= size;
  }

  bool holds(const Condition& condition, const json::Value& current) {
    if (--steps_ < 0) return false;
    switch (condition.kind) {
      case Condition::Kind::any: return std::ranges::any_of(condition.parts, [&](const auto& part) { return holds(*part, current); });
      case Condition::Kind::all: return std::ranges::all_of(condition.parts, [&](const auto& part) { return holds(*part, current); });
      case Condition::Kind::negation: return !holds(*condition.parts.front(), current);
      case Condition::Kind::exists: return !find(*condition.left.path, current).empty();
      case Condition::Kind::compare: return compare(condition, current);
    }
    return false;
  }

  const json::Value* value_of(const Operand& operand, const json::Value& current) {
    if (!operand.path) return &operand.literal;
    if (!operand.path->definite()) return nullptr;
    const auto found = find(*operand.path, current);
    return found.empty() ? nullptr : found.front();
  }

  bool compare(const Condition& condition, const json::Value& current) {
    const auto* left = value_of(condition.left, current);
    const auto* right = value_of(condition.right, current);
    const auto how = condition.comparison;
    if (!left || !right) return how == "!=";
    int order = 0;
    if (left->number() && right->number()) {
      const auto a = number(*left), b = number(*right);
      order = a < b ? -1 : a > b ? 1 : 0;
    } else if (left->string() && right->string()) {
      steps_ -= static_cast<std::int64_t>(std::min(left->string()->size(), right->string()->size()) / 64);
      order = left->string()->compare(*right->string());
    } else {
      const bool equal = !left->array() && !left->object() && *left == *right;
      return how == "==" ? equal : how == "!=" ? !equal : false;
    }
    if (how == "==") return order == 0;
    if (how == "!=") return order != 0;
    if (how == "<") return order < 0;
    if (how == "<=") return order <= 0;
    if (how == ">") return order > 0;
    return order >= 0;
  }

  static double number(const json::Value& value) {
    double result = 0;
    const auto& text = value.number()->text;
    std::from_chars(text.data(), text.data() + text.size(), result);
    return result;
  }

  const json::Value& document_;
  std::int64_t& steps_;
};

}  // namespace

struct JsonPath::Compiled {
  Path path;
  bool definite;
};

Result<JsonPath> JsonPath::compile(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  if (text.size() > limits::path_bytes_max) return fail(cat("a path has more than ", limits::path_bytes_max, " bytes"));
  auto path = PathParser(text).whole();
  if (!path) return std::unexpected(path.error());
  const bool definite = path->definite();
  return JsonPath(std::make_shared<const Compiled>(std::move(*path), definite));
}

bool JsonPath::definite() const { return compiled_->definite; }

std::optional<std::vector<const json::Value*>> JsonPath::find(const json::Value& document, std::int64_t& steps) const {
  auto found = Finder(document, steps).find(compiled_->path, document);
  if (steps < 0) return std::nullopt;
  return found;
}

}  // namespace sallyport::vtl
