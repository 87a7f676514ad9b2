#include "cloudformation/handler_source.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/text.hpp"
#include "cloudformation/files.hpp"

namespace sallyport::cloudformation {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t arguments_bytes_max = 2'000;  // a call that hands an event on is short

enum class Language { python, javascript };

/// Source text twice, byte for byte in the same places: `text` without comments, `code` without the contents of strings as well.
struct Source {
  Language language;
  std::string text;
  std::string code;
};

/// Every match of the pattern: the whole first, then its groups, all of them views into `text`.
std::vector<std::vector<std::string_view>> matches(std::string_view text, const std::string& pattern) {
  const RE2 expression(pattern, RE2::Quiet);
  std::vector<std::vector<std::string_view>> out;
  if (!expression.ok()) return out;
  std::vector<re2::StringPiece> groups(static_cast<std::size_t>(expression.NumberOfCapturingGroups()) + 1);
  for (std::size_t at = 0;
       at < text.size() && expression.Match(text, at, text.size(), RE2::UNANCHORED, groups.data(), static_cast<int>(groups.size()));) {
    auto& match = out.emplace_back();
    for (const auto& group : groups) match.emplace_back(group.data(), group.size());
    at = static_cast<std::size_t>(groups[0].data() - text.data()) + std::max<std::size_t>(groups[0].size(), 1);
  }
  return out;
}

void blank(std::string& text, std::size_t from, std::size_t to) {
  for (auto i = from; i < to; ++i)
    if (text[i] != '\n') text[i] = ' ';
}

/// End of the string literal whose quote stands at `begin`: after its closing quote, or at the end of the line that does not close it.
std::size_t string_end(std::string_view text, std::size_t begin, std::string_view quote, bool many_lines) {
  for (auto i = begin + quote.size(); i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text.substr(i).starts_with(quote))
      return i + quote.size();
    else if (text[i] == '\n' && !many_lines)
      return i;
  }
  return text.size();
}

Source without_comments(Language language, std::string text) {
  Source out{language, text, text};
  const std::string_view all = text;
  const auto comment = [&](std::size_t from, std::size_t to) {
    blank(out.text, from, to);
    blank(out.code, from, to);
    return to;
  };
  const auto end_of_line = [&](std::size_t from) { return std::min(all.find('\n', from), all.size()); };
  for (std::size_t i = 0; i < all.size();) {
    const auto rest = all.substr(i);
    const bool python = language == Language::python;
    if (python && (rest.starts_with("\"\"\"") || rest.starts_with("'''"))) {
      i = comment(i, string_end(all, i, rest.substr(0, 3), true));
    } else if (python ? rest.front() == '#' : rest.starts_with("//")) {
      i = comment(i, end_of_line(i));
    } else if (!python && rest.starts_with("/*")) {
      const auto end = all.find("*/", i + 2);
      i = comment(i, end == std::string_view::npos ? all.size() : end + 2);
    } else if (rest.front() == '"' || rest.front() == '\'' || (!python && rest.front() == '`')) {
      const auto end = string_end(all, i, rest.substr(0, 1), rest.front() == '`');
      blank(out.code, i + 1, end == all.size() || end == i + 1 ? end : end - 1);
      i = end;
    } else {
      i += rest.front() == '\\' && rest.size() > 1 ? 2 : 1;
    }
  }
  return out;
}

Location location_of(std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, offset);
  const auto line = static_cast<std::uint32_t>(std::ranges::count(before, '\n')) + 1;
  const auto begin = before.rfind('\n');
  return {line, static_cast<std::uint32_t>(begin == std::string_view::npos ? offset : offset - begin - 1) + 1};
}

/// One function: its parameters as written, and where its body lies.
struct Body {
  std::vector<std::string> parameters;
  std::size_t parameters_at = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// After the bracket that closes the one at `open`; the end of the text where none does.
std::size_t after_bracket(std::string_view code, std::size_t open) {
  int depth = 0;
  for (auto i = open; i < code.size(); ++i) {
    if (code[i] == '(' || code[i] == '[' || code[i] == '{') ++depth;
    if ((code[i] == ')' || code[i] == ']' || code[i] == '}') && --depth == 0) return i + 1;
  }
  return code.size();
}

std::size_t skip_space(std::string_view code, std::size_t i) {
  while (i < code.size() && (code[i] == ' ' || code[i] == '\t' || code[i] == '\n' || code[i] == '\r')) ++i;
  return i;
}

bool is_word(char c) { return is_alpha(c) || is_digit(c) || c == '_' || c == '$'; }

std::string_view word_at(std::string_view code, std::size_t i) {
  auto end = i;
  while (end < code.size() && is_word(code[end])) ++end;
  return code.substr(i, end - i);
}

std::string_view stripped(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  return begin == std::string_view::npos ? std::string_view{} : text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

/// Split at the commas outside brackets. `list` has no brackets of its own around it.
std::vector<std::string> split_list(std::string_view list) {
  std::vector<std::string> out(1);
  int depth = 0;
  for (const char c : list) {
    if (c == '(' || c == '[' || c == '{') ++depth;
    if (c == ')' || c == ']' || c == '}') --depth;
    if (c == ',' && depth == 0)
      out.emplace_back();
    else
      out.back() += c;
  }
  for (auto& part : out) part = stripped(part);
  return out;
}

std::optional<Body> find_python(const Source& source, const std::string& name) {
  const auto found = matches(source.code, cat("(?m)^(?:async[ \\t]+)?def[ \\t]+", RE2::QuoteMeta(name), "[ \\t]*(\\()"));
  if (found.empty()) return std::nullopt;
  const auto at = static_cast<std::size_t>(found.front()[1].data() - source.code.data());
  const auto end_of_parameters = after_bracket(source.code, at);
  if (end_of_parameters < at + 2) return std::nullopt;
  Body out{split_list(std::string_view(source.code).substr(at + 1, end_of_parameters - at - 2)), at + 1, end_of_parameters,
           source.code.size()};
  for (auto& parameter : out.parameters) parameter = word_at(parameter, 0);
  // To the next line that begins in the first column.
  for (auto line = source.code.find('\n', end_of_parameters); line != std::string::npos; line = source.code.find('\n', line + 1))
    if (line + 1 < source.code.size() && std::string_view(" \t\r\n)").find(source.code[line + 1]) == std::string_view::npos) {
      out.end = line;
      break;
    }
  return out;
}

std::size_t statement_end(std::string_view code, std::size_t i) {
  for (; i < code.size(); ++i) {
    if (code[i] == '(' || code[i] == '[' || code[i] == '{') {
      i = after_bracket(code, i) - 1;
    } else if (code[i] == ';' || code[i] == ')' || code[i] == '}' || code[i] == ',') {
      return i;
    }
  }
  return code.size();
}

/// The function written at `i`: `async (a, b) => …`, `a => …`, `function f(a) {…}`, or after a name `(a) {…}`.
std::optional<Body> javascript_function(std::string_view code, std::size_t i) {
  bool is_function = false;
  for (auto word = word_at(code, i); word == "async" || word == "function"; word = word_at(code, i)) {
    is_function = is_function || word == "function";
    i = skip_space(code, i + word.size());
    if (i < code.size() && code[i] == '*') i = skip_space(code, i + 1);
  }
  if (is_function) i = skip_space(code, i + word_at(code, i).size());
  Body out;
  if (i < code.size() && code[i] == '(') {
    const auto end = after_bracket(code, i);
    if (end < i + 2) return std::nullopt;
    out.parameters = split_list(code.substr(i + 1, end - i - 2));
    out.parameters_at = skip_space(code, i + 1);
    i = skip_space(code, end);
  } else {
    const auto word = word_at(code, i);
    if (word.empty()) return std::nullopt;
    out.parameters = {std::string(word)};
    i = skip_space(code, i + word.size());
    if (!code.substr(i).starts_with("=>")) return std::nullopt;
  }
  const bool arrow = code.substr(i).starts_with("=>");
  if (arrow) i = skip_space(code, i + 2);
  out.begin = i;
  if (i < code.size() && code[i] == '{')
    out.end = after_bracket(code, i);
  else if (arrow)
    out.end = statement_end(code, i);
  else
    return std::nullopt;
  return out;
}

std::optional<Body> find_javascript(const Source& source, std::string name) {
  const std::string_view code = source.code;
  for (int renamed = 0; renamed < 4; ++renamed) {
    // `function NAME(`, `NAME = …`, `NAME: …` and the method `NAME(…) {`; `exports.NAME` and `export const NAME` are among them.
    const auto pattern =
        cat("(?:\\bfunction\\s*\\*?\\s*", RE2::QuoteMeta(name), "\\s*|\\b", RE2::QuoteMeta(name), "\\s*[=:]\\s*)([^=>\\s])");
    std::string other;
    for (const auto& definition : matches(code, pattern)) {
      const auto at = static_cast<std::size_t>(definition[1].data() - code.data());
      if (auto body = javascript_function(code, at)) return body;
      const auto word = word_at(code, at);
      const auto after = skip_space(code, at + word.size());
      if (word.empty() || word == name) continue;
      // `exports.handler = middy(authorize)`: what is wrapped; `handler: authorize`: what is meant.
      const bool wrapped = after < code.size() && code[after] == '(';
      const auto inner = wrapped ? word_at(code, skip_space(code, after + 1)) : word;
      if (!inner.empty() && inner != name) other = inner;
    }
    if (other.empty()) {
      const auto exported = matches(code, cat("export\\s*\\{[^}]*?(\\w+)\\s+as\\s+", RE2::QuoteMeta(name), "\\b"));
      if (exported.empty()) return std::nullopt;
      other = exported.front()[1];
    }
    name = std::exchange(other, {});
  }
  return std::nullopt;
}

std::optional<Body> find_function(const Source& source, const std::string& name) {
  return source.language == Language::python ? find_python(source, name) : find_javascript(source, name);
}

class Analysis {
 public:
  Analysis(const Source& source, HandlerSource& out) : source_(source), out_(out) {}

  void run(const Body& handler) {
    follow(handler, 0);
    for (std::size_t i = 0; i < waiting_.size() && i < limits::functions_followed_max; ++i) {
      const auto [name, parameter] = waiting_[i];
      if (const auto body = find_function(source_, name)) follow(*body, parameter);
    }
  }

 private:
  void note(std::string_view key, std::size_t at) { out_.reads.try_emplace(std::string(key), location_of(source_.text, at)); }

  void follow(const Body& body, std::size_t parameter) {
    if (parameter >= body.parameters.size()) return;
    const auto& name = body.parameters[parameter];
    if (name.starts_with('{')) return destructured(name, body.parameters_at);
    const std::string event(word_at(name, 0));
    if (event.empty()) return;
    const auto text = std::string_view(source_.text).substr(body.begin, body.end - body.begin);
    const auto code = std::string_view(source_.code).substr(body.begin, body.end - body.begin);
    const auto offset = [&](std::string_view part) { return static_cast<std::size_t>(part.data() - source_.text.data()); };
    const auto quoted = RE2::QuoteMeta(event);
    const bool python = source_.language == Language::python;
    const auto access =
        python ? cat("(?:^|[^\\w.'\"])(", quoted, "\\s*(?:\\[\\s*|\\.get\\(\\s*)['\"](\\w+)['\"])")
               : cat("(?:^|[^\\w.$'\"])(", quoted, "\\s*(?:\\??\\.\\s*([A-Za-z_$][\\w$]*)|(?:\\?\\.)?\\[\\s*['\"`](\\w+)['\"`]))");
    for (const auto& match : matches(text, access)) note(match[2].empty() ? match[3] : match[2], offset(match[1]));
    if (!python)
      for (const auto& match : matches(text, cat("(\\{[^;]*?\\})\\s*=\\s*", quoted, "\\b"))) {
        const auto open = opening(match[1]);
        destructured(match[1].substr(open), offset(match[1]) + open);
      }
    for (const auto& match : matches(code, "(\\w+)\\(")) {
      const auto open = static_cast<std::size_t>(match[1].data() - code.data()) + match[1].size();
      const auto end = after_bracket(code.substr(0, open + arguments_bytes_max), open);
      if (end < open + 2) continue;
      const auto arguments = split_list(code.substr(open + 1, end - open - 2));
      for (std::size_t i = 0; i < arguments.size(); ++i)
        if (arguments[i] == event && followed_.insert(std::string(match[1])).second) waiting_.emplace_back(match[1], i);
    }
  }

  /// The `{` that the last `}` of the text closes.
  static std::size_t opening(std::string_view pattern) {
    int depth = 0;
    for (auto i = pattern.size(); i-- > 0;) {
      if (pattern[i] == '}') ++depth;
      if (pattern[i] == '{' && --depth == 0) return i;
    }
    return 0;
  }

  /// `{ headers, methodArn: arn = "" }`
  void destructured(std::string_view pattern, std::size_t at) {
    if (pattern.size() < 2) return;
    for (const auto& member : split_list(pattern.substr(1, pattern.size() - 2)))
      if (const auto key = word_at(member, 0); !key.empty()) note(key, at);
  }

  const Source& source_;
  HandlerSource& out_;
  std::vector<std::pair<std::string, std::size_t>> waiting_;  // function, and which argument is the event
  std::set<std::string> followed_;
};

struct Handler {
  Language language;
  std::string path;
  std::string function;
};

/// `src/app.handler`: the file, and the function in it. Lambda developer guide, "handler" of Python and of Node.js.
std::optional<Handler> locate(const lambda::FunctionConfiguration& function) {
  const bool python = function.runtime.starts_with("python");
  if (!python && !function.runtime.starts_with("nodejs")) return std::nullopt;
  const auto slash = function.handler.rfind('/');
  const auto dot = python ? function.handler.rfind('.') : function.handler.find('.', slash == std::string::npos ? 0 : slash);
  if (dot == std::string::npos) return std::nullopt;
  auto module = function.handler.substr(0, dot);
  if (python) std::ranges::replace(module, '.', '/');
  Handler out{python ? Language::python : Language::javascript, {}, function.handler.substr(dot + 1)};
  const std::vector<std::string> endings =
      python ? std::vector<std::string>{".py", "/__init__.py"} : std::vector<std::string>{".js", ".mjs", ".cjs"};
  for (const auto& ending : endings) {
    std::error_code error;
    auto path = fs::path(function.code_directory) / (module + ending);
    if (!fs::is_regular_file(path, error)) continue;
    out.path = path.string();
    return out;
  }
  return std::nullopt;
}

}  // namespace

std::optional<HandlerSource> read_handler_source(const lambda::FunctionConfiguration& function) {
  const auto handler = locate(function);
  if (!handler) return std::nullopt;
  auto text = read_file(handler->path, limits::source_bytes_max);
  if (!text) return std::nullopt;

  const auto source = without_comments(handler->language, std::move(*text));
  const auto body = find_function(source, handler->function);
  if (!body) return std::nullopt;
  HandlerSource out;
  out.path = handler->path;
  Analysis(source, out).run(*body);
  out.names_token = source.text.contains("authorizationToken");
  out.writes_resource = source.text.contains("Resource");
  out.widens = !matches(source.text, "split\\(\\s*['\"`][:/]").empty();
  for (std::size_t i = 0; i < source.text.size(); ++i) out.widens = out.widens || (source.text[i] == '*' && source.code[i] != '*');
  return out;
}

}  // namespace sallyport::cloudformation
