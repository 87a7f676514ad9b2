// Velocity's grammar. Text and directives are read here character by character, as Velocity's lexer splits them: what is eaten around
// directives, and what is no directive after all, depends on it.
#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/text.hpp"
#include "vtl/program.hpp"
#include "vtl/template.hpp"

namespace sallyport::vtl {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_space(char c) { return is_blank(c) || c == '\n' || c == '\r'; }
bool is_word_start(char c) { return is_alpha(c) || c == '_' || c == '@'; }
bool is_word(char c) { return is_word_start(c) || is_digit(c); }
bool is_identifier_start(char c) { return is_alpha(c) || c == '_'; }
bool is_identifier(char c) { return is_identifier_start(c) || is_digit(c) || c == '-'; }

// What `\#word` hides. #evaluate is none on API Gateway.
constexpr std::string_view directives[] = {"if",      "elseif", "else",  "end",    "set",     "stop",   "macro",
                                           "foreach", "break",  "parse", "define", "include", "literal"};
bool is_directive(std::string_view word) { return std::ranges::find(directives, word) != std::end(directives); }
// Before these `\\` is one backslash.
bool is_lexed_alone(std::string_view word) { return word != "set" && is_directive(word); }

std::optional<double> parse_real(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  return value;
}

/// Where expressions may stand decides what they may be: only the directives' own expressions have operators.
enum class Where { expression, parameter, index };

class Parser {
 public:
  /// `offset`: of the text in the source; of the whole text when it is not the source's own.
  Parser(Program& program, std::string_view text, std::optional<std::uint32_t> offset, int depth)
      : program_(program), text_(text), fixed_offset_(offset), depth_(depth) {}

  /// The whole text as one block.
  Result<Index> whole() {
    auto block = statements();
    if (!block) return block;
    if (at_ < text_.size()) return refuse(cat("`#", word_at(at_ + 1), "` without the directive it belongs to"));
    return block;
  }

 private:
  // --- small tools

  bool ends() const { return at_ >= text_.size(); }
  char at(std::size_t place) const { return place < text_.size() ? text_[place] : '\0'; }
  char now() const { return at(at_); }
  std::string_view rest() const { return text_.substr(std::min(at_, text_.size())); }
  bool eat(std::string_view token) {
    if (!rest().starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  void skip_space() {
    while (is_space(now())) ++at_;
  }
  /// A directive takes the blanks behind it along when the line ends there.
  void eat_line_end() {
    auto end = at_;
    while (is_blank(at(end))) ++end;
    if (at(end) == '\r')
      at_ = end + (at(end + 1) == '\n' ? 2 : 1);
    else if (at(end) == '\n')
      at_ = end + 1;
  }
  std::uint32_t offset(std::size_t place) const { return fixed_offset_.value_or(static_cast<std::uint32_t>(place)); }
  std::unexpected<Error> refuse(std::string_view what) const { return refuse_at(at_, what); }
  std::unexpected<Error> refuse_at(std::size_t where, std::string_view what) const {
    return fail(cat(place(program_.source, offset(where)), what));
  }

  Index add(Node node) {
    program_.nodes.push_back(node);
    return static_cast<Index>(program_.nodes.size() - 1);
  }
  Index add_list(std::vector<Index> list) {
    program_.lists.push_back(std::move(list));
    return static_cast<Index>(program_.lists.size() - 1);
  }
  Index slot(std::string_view name) { return program_.slots.try_emplace(name, static_cast<Index>(program_.slots.size())).first->second; }

  struct Deeper {
    explicit Deeper(Parser& parser) : parser(parser) { ++parser.depth_; }
    ~Deeper() { --parser.depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;
    bool too_deep() const { return parser.depth_ > limits::depth_max; }
    Parser& parser;
  };
  std::unexpected<Error> too_deep() const { return refuse(cat("nests deeper than ", limits::depth_max)); }

  /// The word of a directive at `place`, with or without braces; empty when there is none.
  std::string_view word_at(std::size_t place) const {
    const bool braced = at(place) == '{';
    const auto start = place + (braced ? 1 : 0);
    if (!(braced ? is_identifier_start(at(start)) : is_word_start(at(start)))) return {};
    auto end = start;
    while (is_word(at(end))) ++end;
    if (braced && at(end) != '}') return {};
    return text_.substr(start, end - start);
  }
  std::size_t length_of_word(std::size_t place, std::string_view word) const { return word.size() + (at(place) == '{' ? 2 : 0); }

  /// Where `#set (` ends, when it stands at `place`.
  std::optional<std::size_t> set_at(std::size_t place) const {
    for (const std::string_view form : {"#set", "#{set}"})
      if (text_.substr(place).starts_with(form)) {
        auto end = place + form.size();
        while (at(end) == ' ') ++end;
        if (at(end) == '(') return end + 1;
      }
    return std::nullopt;
  }

  // --- statements

  void add_text(std::vector<Index>& block, std::string_view text, std::size_t where) {
    if (text.empty()) return;
    if (!block.empty()) {
      // What stands side by side in the source is one text.
      auto& last = program_.nodes[block.back()];
      if (last.kind == Node::Kind::text && last.text.data() + last.text.size() == text.data()) {
        last.text = {last.text.data(), last.text.size() + text.size()};
        return;
      }
    }
    block.push_back(add({.kind = Node::Kind::text, .offset = offset(where), .text = text}));
  }
  void add_text(std::vector<Index>& block, std::size_t from, std::size_t to) { add_text(block, text_.substr(from, to - from), from); }

  /// Until the end of the text or an #end, #else or #elseif, which is left where it is.
  Result<Index> statements() {
    const Deeper deeper(*this);
    if (deeper.too_deep()) return too_deep();
    std::vector<Index> block;
    while (!ends()) {
      const auto start = at_;
      at_ = std::min(text_.find_first_of("$#\\", at_), text_.size());
      if (at_ > start) {
        const auto run = text_.substr(start, at_ - start);
        const bool eaten = std::ranges::all_of(run, is_blank) && set_at(at_);
        if (!eaten) add_text(block, run, start);
        continue;
      }
      if (now() == '#' && !ends_block().empty()) break;
      const auto added = now() == '\\' ? backslashes(block) : now() == '$' ? dollar(block, at_) : hash(block);
      if (!added) return std::unexpected(added.error());
    }
    return add_list(std::move(block));
  }

  std::string_view ends_block() const {
    const auto word = word_at(at_ + 1);
    return word == "end" || word == "else" || word == "elseif" ? word : std::string_view{};
  }

  // Backslashes mean something before what Velocity knows, and are text before everything else.
  Result<void> backslashes(std::vector<Index>& block) {
    const auto start = at_;
    while (now() == '\\') ++at_;
    const auto count = at_ - start;
    if (now() == '$') return dollar(block, start);
    if (now() == '#') {
      const auto word = word_at(at_ + 1);
      if (count % 2 == 1 && !word.empty()) {
        const auto end = at_ + 1 + length_of_word(at_ + 1, word);
        add_text(block, is_directive(word) ? at_ - count / 2 : start, end);
        at_ = end;
        return {};
      }
      if (count % 2 == 0 && is_lexed_alone(word)) {
        add_text(block, at_ - count / 2, at_);
        return {};
      }
    }
    add_text(block, start, at_);
    return {};
  }

  // `$`, maybe after backslashes from `start` on.
  Result<void> dollar(std::vector<Index>& block, std::size_t start) {
    const auto backslash_count = at_ - start;
    const auto dollar_at = at_;
    auto reference = try_reference();
    if (!reference) return std::unexpected(reference.error());
    if (!*reference) return lone_dollar(block, start);
    auto& made = program_.references[**reference];
    add_text(block, start, start + backslash_count / 2);
    made.prints = backslash_count % 2 == 0;
    block.push_back(add({.kind = Node::Kind::output, .offset = offset(dollar_at), .a = **reference}));
    return {};
  }

  // A dollar that begins no reference is text, mostly: Velocity loses it before the directives of its own grammar, and with `!` loses that.
  Result<void> lone_dollar(std::vector<Index>& block, std::size_t start) {
    const auto dollar_at = at_++;
    const bool quiet = eat("!");
    if (ends()) return refuse_at(dollar_at, "the text ends in `$`, which API Gateway does not accept");
    const auto word = now() == '#' ? word_at(at_ + 1) : std::string_view{};
    const bool lost = set_at(at_) || word == "if" || word == "elseif" || word == "else" || word == "end" || word == "stop" ||
                      (quiet && now() == '.' && is_alpha(at(at_ + 1)));
    const bool loses_mark = quiet && std::string_view("{[$#").find(now()) == std::string_view::npos;
    add_text(block, start, lost ? dollar_at : loses_mark ? dollar_at + 1 : at_);
    return {};
  }

  Result<void> hash(std::vector<Index>& block) {
    const auto start = at_;
    if (at_ == after_property_ && eat("##")) {
      // Right behind `$a.b` Velocity takes this for text.
      add_text(block, start, at_);
      return {};
    }
    if (eat("##")) {
      at_ = std::min(text_.find_first_of("\r\n", at_), text_.size());
      if (!eat("\r\n")) at_ = std::min(at_ + 1, text_.size());
      return {};
    }
    if (eat("#[[")) {
      const auto end = text_.find("]]#", at_);
      if (end == text_.npos) return refuse_at(start, "`#[[` without its `]]#`");
      add_text(block, at_, end);
      at_ = end + 3;
      return {};
    }
    if (eat("#*")) {
      const auto end = text_.find("*#", at_);
      if (ends()) return refuse_at(start, "the text ends in `#*`, which API Gateway does not accept");
      at_ = end == text_.npos ? text_.size() : end + 2;
      return {};
    }
    if (const auto inside = set_at(at_)) {
      at_ = *inside;
      return set(block, start);
    }
    const auto word = word_at(at_ + 1);
    if (word.empty()) {
      ++at_;
      if (ends()) return refuse_at(start, "the text ends in `#`, which API Gateway does not accept");
      add_text(block, start, at_);
      return {};
    }
    at_ += 1 + length_of_word(at_ + 1, word);
    return directive(block, start, word);
  }

  Result<void> directive(std::vector<Index>& block, std::size_t start, std::string_view word) {
    if (word == "if") return condition(block, start);
    if (word == "stop") {
      block.push_back(add({.kind = Node::Kind::stop, .offset = offset(start)}));
      return {};
    }
    if (word == "include" || word == "parse")
      return refuse_at(start, cat("`#", word, "` is not supported: there is nothing it could read"));
    if (word.starts_with('@')) return refuse_at(start, cat("`#", word, "` is not supported: API Gateway has no macros"));

    std::vector<Argument> arguments;
    bool has_arguments = false;
    auto open = at_;
    while (is_space(at(open))) ++open;
    if (at(open) == '(') {
      at_ = open + 1;
      has_arguments = true;
      auto read = directive_arguments();
      if (!read) return std::unexpected(read.error());
      arguments = std::move(*read);
    }
    if (word == "break") return leave(block, start, arguments);
    if (word == "foreach") return foreach (block, start, arguments);
    if (word == "define") return define(block, start, arguments);
    if (word == "macro") return macro(start, arguments);
    if (word == "literal") return literal(block, start, has_arguments);
    // Nothing Velocity knows here is text, with its arguments as they stand.
    add_text(block, start, at_);
    return {};
  }

  Result<Index> block_until_end(std::size_t start, std::string_view word) {
    auto body = statements();
    if (!body) return body;
    if (ends() || ends_block() != "end") return refuse_at(start, cat("`#", word, "` without its `#end`"));
    eat_end();
    return body;
  }
  void eat_end() {
    at_ += 1 + length_of_word(at_ + 1, ends_block());
    eat_line_end();
  }

  // --- directives

  Result<void> set(std::vector<Index>& block, std::size_t start) {
    skip_space();
    if (now() != '$') return refuse("`#set` needs a reference");
    const bool plain = at(at_ + 1) != '!' && at(at_ + 1) != '{';
    auto left = try_reference();
    if (!left) return std::unexpected(left.error());
    if (!*left) return refuse("`#set` needs a reference");
    program_.references[**left].assigns = plain || !program_.references[**left].steps.empty();
    skip_space();
    if (!eat("=")) return refuse("`#set` needs `=` behind its reference");
    auto right = expression();
    if (!right) return std::unexpected(right.error());
    if (!eat(")")) return refuse("`#set` needs `)` here");
    eat_line_end();
    block.push_back(add({.kind = Node::Kind::set, .offset = offset(start), .a = **left, .b = *right}));
    return {};
  }

  Result<Index> condition_expression(std::string_view word) {
    skip_space();
    if (!eat("(")) return refuse(cat("`#", word, "` needs `(`"));
    auto value = expression();
    if (!value) return value;
    if (!eat(")")) return refuse(cat("`#", word, "` needs `)` here"));
    eat_line_end();
    return value;
  }

  Result<void> condition(std::vector<Index>& block, std::size_t start) {
    std::vector<Index> branches;
    std::string_view word = "if";
    while (word != "end") {
      if (word == "else") {
        eat_line_end();
      } else {
        auto value = condition_expression(word);
        if (!value) return std::unexpected(value.error());
        branches.push_back(*value);
      }
      auto body = statements();
      if (!body) return std::unexpected(body.error());
      branches.push_back(*body);
      const auto next = ends() ? std::string_view{} : ends_block();
      if (next.empty() || (word == "else" && next != "end")) return refuse_at(start, "`#if` without its `#end`");
      word = next;
      if (word != "end") at_ += 1 + length_of_word(at_ + 1, word);
    }
    eat_end();
    block.push_back(add({.kind = Node::Kind::condition, .offset = offset(start), .list = add_list(std::move(branches))}));
    return {};
  }

  struct Argument {
    Index value = none;
    std::string_view word;  // instead of a value
    Index reference = none;
  };

  // Behind `(`, through `)`: values with blanks or commas between.
  Result<std::vector<Argument>> directive_arguments() {
    std::vector<Argument> arguments;
    for (;;) {
      skip_space();
      if (!arguments.empty() && eat(",")) skip_space();
      if (eat(")")) break;
      if (ends()) return refuse("`)` is missing");
      Argument argument;
      const auto word = now() == '{' ? std::string_view{} : word_at(at_);
      if (!word.empty() && word != "true" && word != "false") {
        argument.word = word;
        at_ += word.size();
      } else {
        auto value = primary(Where::parameter);
        if (!value) return std::unexpected(value.error());
        argument.value = *value;
        const auto& node = program_.nodes[*value];
        if (node.kind == Node::Kind::reference) argument.reference = node.a;
      }
      arguments.push_back(argument);
    }
    eat_line_end();
    return arguments;
  }

  Result<void> leave(std::vector<Index>& block, std::size_t start, const std::vector<Argument>& arguments) {
    const bool names_loop =
        arguments.size() == 1 && arguments[0].reference != none && program_.references[arguments[0].reference].slot == slot_foreach;
    if (!arguments.empty() && !names_loop) return refuse_at(start, "`#break` leaves the `#foreach` around it and takes no argument");
    block.push_back(add({.kind = Node::Kind::leave, .offset = offset(start)}));
    return {};
  }

  Result<void> foreach (std::vector<Index>& block, std::size_t start, const std::vector<Argument>& arguments) {
    if (arguments.size() != 3 || arguments[0].reference == none || arguments[1].word.empty() || arguments[2].value == none)
      return refuse_at(start, "`#foreach` is written `#foreach($item in $list)`");
    auto body = block_until_end(start, "foreach");
    if (!body) return std::unexpected(body.error());
    block.push_back(add({.kind = Node::Kind::foreach,
                         .offset = offset(start),
                         .a = program_.references[arguments[0].reference].slot,
                         .b = arguments[2].value,
                         .list = *body}));
    return {};
  }

  Result<void> define(std::vector<Index>& block, std::size_t start, const std::vector<Argument>& arguments) {
    if (arguments.size() != 1 || arguments[0].reference == none) return refuse_at(start, "`#define` is written `#define($name)`");
    auto body = block_until_end(start, "define");
    if (!body) return std::unexpected(body.error());
    block.push_back(
        add({.kind = Node::Kind::define, .offset = offset(start), .a = program_.references[arguments[0].reference].slot, .list = *body}));
    return {};
  }

  // API Gateway reads a definition and never calls it.
  Result<void> macro(std::size_t start, const std::vector<Argument>& arguments) {
    if (arguments.empty() || arguments[0].word.empty()) return refuse_at(start, "`#macro` needs a name");
    if (is_directive(arguments[0].word)) return refuse_at(start, cat("a macro cannot be called `", arguments[0].word, "`"));
    auto body = block_until_end(start, "macro");
    if (!body) return std::unexpected(body.error());
    return {};
  }

  Result<void> literal(std::vector<Index>& block, std::size_t start, bool has_arguments) {
    if (!has_arguments) return refuse_at(start, "`#literal` needs `()`");
    const auto inside = at_;
    auto body = statements();
    if (!body) return std::unexpected(body.error());
    if (ends() || ends_block() != "end") return refuse_at(start, "`#literal` without its `#end`");
    add_text(block, inside, at_);
    eat_end();
    return {};
  }

  // --- references

  // At `$`. Nothing, and not moved, when what follows is no reference.
  Result<std::optional<Index>> try_reference() {
    const auto start = at_;
    auto name_at = at_ + 1;
    if (at(name_at) == '!') ++name_at;
    const bool formal = at(name_at) == '{';
    if (formal) ++name_at;
    if (!is_identifier_start(at(name_at))) return std::nullopt;
    at_ = name_at;
    const auto name = identifier();
    if (name == "true" || name == "false") return refuse_at(start, cat("`$", name, "` is no reference"));
    Reference reference{.slot = slot(name)};
    for (;;) {
      auto step = try_step();
      if (!step) return std::unexpected(step.error());
      if (!*step) break;
      reference.steps.push_back(std::move(**step));
    }
    if (formal && !eat("}")) return refuse_at(start, "`${` without its `}`");
    reference.literal = text_.substr(start, at_ - start);
    after_reference_ = at_;
    const auto named = std::ranges::find_if(reference.steps.rbegin(), reference.steps.rend(),
                                            [](const Step& step) { return step.kind != Step::Kind::index; });
    if (!formal && named != reference.steps.rend() && named->kind == Step::Kind::property) after_property_ = at_;
    program_.references.push_back(std::move(reference));
    return static_cast<Index>(program_.references.size() - 1);
  }

  std::string_view identifier() {
    const auto start = at_;
    while (is_identifier(now())) ++at_;
    return text_.substr(start, at_ - start);
  }

  Result<std::optional<Step>> try_step() {
    if (now() == '[') {
      Step step{.kind = Step::Kind::index, .offset = offset(at_++)};
      skip_space();
      auto argument = primary(Where::index);
      if (!argument) return std::unexpected(argument.error());
      skip_space();
      if (!eat("]")) return refuse("`[` without its `]`");
      step.arguments.push_back(*argument);
      return step;
    }
    if (now() != '.' || !is_alpha(at(at_ + 1))) return std::nullopt;
    Step step{.kind = Step::Kind::property, .offset = offset(++at_)};
    step.name = identifier();
    if (step.name == "true" || step.name == "false") return refuse(cat("`", step.name, "` is no name"));
    if (now() != '(' || at_ + 1 == text_.size()) return step;
    ++at_;
    step.kind = Step::Kind::method;
    step.method = method_named(step.name);
    const bool was_in_call = std::exchange(in_call_, true);
    auto arguments = parameters(")");
    if (!arguments) return std::unexpected(arguments.error());
    in_call_ = was_in_call;
    step.arguments = std::move(*arguments);
    if (auto known = prepare(step); !known) return std::unexpected(known.error());
    return step;
  }

  // Values with commas between, through `close`.
  Result<std::vector<Index>> parameters(std::string_view close) {
    std::vector<Index> values;
    if (eat(close)) return values;
    do {
      auto value = primary(Where::parameter);
      if (!value) return std::unexpected(value.error());
      values.push_back(*value);
      skip_space();
      if (eat(close)) return values;
    } while (eat(","));
    return refuse(cat("`,` or `", close, "` is missing"));
  }

  // Paths and expressions that are written out are compiled once.
  Result<void> prepare(const Step& step) {
    if (step.arguments.empty()) return {};
    const auto& node = program_.nodes[step.arguments[0]];
    if (node.kind != Node::Kind::constant || !node.constant.is_text()) return {};
    const auto text = node.constant.view();
    if ((step.method == Method::path || step.method == Method::json) && step.arguments.size() == 1 && !program_.paths.contains(text)) {
      if (auto path = JsonPath::compile(text)) program_.paths.emplace(text, std::move(*path));
    }
    const bool takes_pattern = step.method == Method::replace_all || step.method == Method::replace_first || step.method == Method::split ||
                               step.method == Method::matches;
    if (takes_pattern && !program_.patterns.contains(text)) {
      if (program_.patterns.size() == limits::patterns_max)
        return refuse(cat("a template has more than ", limits::patterns_max, " regular expressions"));
      auto pattern = Pattern::compile(text);
      if (!pattern) return fail(cat(place(program_.source, node.offset), pattern.error().message));
      program_.patterns.emplace(text, std::move(*pattern));
    }
    return {};
  }

  // --- expressions

  Result<Index> expression() { return logical(Node::Kind::any); }

  Result<Index> logical(Node::Kind kind) {
    const bool any = kind == Node::Kind::any;
    std::vector<Index> parts;
    const auto start = at_;
    do {
      auto part = any ? logical(Node::Kind::all) : binary(0);
      if (!part) return part;
      parts.push_back(*part);
      skip_space();
    } while (any ? eat_operator("||", "or") : eat_operator("&&", "and"));
    if (parts.size() == 1) return parts.front();
    return add({.kind = kind, .offset = offset(start), .list = add_list(std::move(parts))});
  }

  bool eat_operator(std::string_view symbol, std::string_view word) {
    if (!symbol.empty() && eat(symbol)) return true;
    if (word.empty() || !is_word_start(now()) || at_ == after_reference_ || word_at(at_) != word) return false;
    at_ += word.size();
    return true;
  }

  std::optional<Operator> operator_of(int level) {
    switch (level) {
      case 0:
        if (eat_operator("==", "eq")) return Operator::equal;
        if (eat_operator("!=", "ne")) return Operator::not_equal;
        return std::nullopt;
      case 1:
        if (eat_operator("<=", "le")) return Operator::less_or_equal;
        if (eat_operator(">=", "ge")) return Operator::greater_or_equal;
        if (eat_operator("<", "lt")) return Operator::less;
        if (eat_operator(">", "gt")) return Operator::greater;
        return std::nullopt;
      case 2:
        if (eat("+")) return Operator::add;
        // `-1` is always a number: `$a -1` has no operator, and Velocity stops there.
        if (now() == '-' && !is_digit(at(at_ + 1)) && eat("-")) return Operator::subtract;
        return std::nullopt;
      default:
        if (eat("*")) return Operator::multiply;
        if (eat("/")) return Operator::divide;
        if (eat("%")) return Operator::modulo;
        return std::nullopt;
    }
  }

  // Levels: equality, order, sums, products.
  Result<Index> binary(int level) {
    const auto start = at_;
    std::vector<Index> parts;
    for (;;) {
      auto part = level == 3 ? unary() : binary(level + 1);
      if (!part) return part;
      parts.push_back(*part);
      skip_space();
      const auto found = operator_of(level);
      if (!found) break;
      parts.push_back(static_cast<Index>(*found));
    }
    if (parts.size() == 1) return parts.front();
    return add({.kind = Node::Kind::chain, .offset = offset(start), .list = add_list(std::move(parts))});
  }

  Result<Index> unary() {
    skip_space();
    const auto start = at_;
    std::size_t count = 0;
    while (eat_operator(at(at_ + 1) == '=' ? "" : "!", "not")) {
      ++count;
      skip_space();
    }
    auto value = primary(Where::expression);
    if (!value || count == 0) return value;
    // A second negation makes a boolean of what was none.
    for (std::size_t i = 0; i < (count % 2 == 1 ? 1u : 2u); ++i)
      value = add({.kind = Node::Kind::negation, .offset = offset(start), .a = *value});
    return value;
  }

  Index add_constant(Value value, std::size_t start) {
    return add({.kind = Node::Kind::constant, .offset = offset(start), .constant = value});
  }

  Result<Index> primary(Where where) {
    const Deeper deeper(*this);
    if (deeper.too_deep()) return too_deep();
    skip_space();
    const auto start = at_;
    const char c = now();
    if (c == '$') {
      auto reference = try_reference();
      if (!reference) return std::unexpected(reference.error());
      if (!*reference) return refuse("`$` without a name");
      return add({.kind = Node::Kind::reference, .offset = offset(start), .a = **reference});
    }
    if (c == '\'' || c == '"') return string();
    if (begins_number(where)) return number(where);
    if (where != Where::index) {
      if (c == '[') return list_or_range();
      if (c == '{') return map();
    }
    if (c == '(' && where == Where::expression) return parenthesis();
    const auto word = !is_identifier_start(c) ? std::string_view{} : in_call_ ? identifier_at(at_) : word_at(at_);
    if (word == "true" || word == "false") {
      at_ += word.size();
      return add_constant(Value::boolean(word == "true"), start);
    }
    if (where == Where::parameter && in_call_ && !word.empty()) {
      // `null`, as any bare word among the arguments of a method, is null.
      at_ += word.size();
      program_.references.push_back({});
      return add({.kind = Node::Kind::reference, .offset = offset(start), .a = static_cast<Index>(program_.references.size() - 1)});
    }
    if (ends()) return refuse("the text ends within an expression");
    auto end = at_ + 1;
    while ((at(end) & 0xc0) == 0x80) ++end;
    return refuse(cat("`", word.empty() ? text_.substr(at_, end - at_) : word, "` is no value"));
  }

  std::string_view identifier_at(std::size_t start) const {
    auto end = start;
    while (is_identifier(at(end))) ++end;
    return text_.substr(start, end - start);
  }

  Result<Index> parenthesis() {
    ++at_;
    auto value = expression();
    if (!value) return value;
    if (!eat(")")) return refuse("`(` without its `)`");
    return value;
  }

  Result<Index> list_or_range() {
    const auto start = at_++;
    std::vector<Index> values;
    if (!eat("]")) {
      auto first = primary(Where::parameter);
      if (!first) return first;
      skip_space();
      if (eat("..")) {
        auto last = primary(Where::index);
        if (!last) return last;
        skip_space();
        if (!eat("]")) return refuse("`[` without its `]`");
        return add({.kind = Node::Kind::range, .offset = offset(start), .a = *first, .b = *last});
      }
      values.push_back(*first);
      if (!eat("]")) {
        if (!eat(",")) return refuse("`,` or `]` is missing");
        auto others = parameters("]");
        if (!others) return std::unexpected(others.error());
        if (others->empty()) return refuse("a value is missing behind `,`");
        values.insert(values.end(), others->begin(), others->end());
      }
    }
    return add({.kind = Node::Kind::list, .offset = offset(start), .list = add_list(std::move(values))});
  }

  Result<Index> map() {
    const auto start = at_++;
    std::vector<Index> parts;
    skip_space();
    while (!eat("}")) {
      if (!parts.empty() && !eat(",")) return refuse("`,` or `}` is missing");
      for (const std::string_view behind : {":", ""}) {
        auto value = primary(Where::parameter);
        if (!value) return value;
        parts.push_back(*value);
        skip_space();
        if (!eat(behind)) return refuse("`:` is missing between key and value");
      }
    }
    return add({.kind = Node::Kind::map, .offset = offset(start), .list = add_list(std::move(parts))});
  }

  bool begins_number(Where where) const {
    const auto first = now() == '-' ? at_ + 1 : at_;
    return is_digit(at(first)) || (where != Where::index && at(first) == '.' && is_digit(at(first + 1)));
  }

  Result<Index> number(Where where) {
    const auto start = at_;
    if (now() == '-') ++at_;
    while (is_digit(now())) ++at_;
    bool is_real = false;
    const bool before_range = now() == '.' && at(at_ + 1) == '.';
    if (now() == '.' && !before_range && where != Where::index) {
      is_real = true;
      ++at_;
      while (is_digit(now())) ++at_;
    }
    if (where != Where::index && !before_range && (now() == 'e' || now() == 'E')) {
      auto end = at_ + 1;
      if (at(end) == '+' || at(end) == '-') ++end;
      if (is_digit(at(end))) {
        is_real = true;
        while (is_digit(at(end))) ++end;
        at_ = end;
      }
    }
    const auto digits = text_.substr(start, at_ - start);
    if (is_real) {
      const auto value = parse_real(digits);
      if (!value) return refuse_at(start, cat("`", digits, "` is no number that fits"));
      return add_constant(Value::real(*value), start);
    }
    if (const auto value = parse_number<std::int64_t>(digits)) return add_constant(Value::integer(*value), start);
    return add_constant(Value::big(digits), start);
  }

  // --- strings

  // The end of a string, behind its quote. Two quotes are one, unless the string would never end that way.
  std::optional<std::size_t> end_of_string(std::size_t start) const {
    const char quote = text_[start];
    std::optional<std::size_t> possible;
    for (auto i = start + 1; i < text_.size(); ++i) {
      if (text_[i] != quote) continue;
      possible = i + 1;
      if (at(i + 1) != quote) return possible;
      ++i;
    }
    return possible;
  }

  Result<Index> string() {
    const auto start = at_;
    const auto end = end_of_string(start);
    if (!end) return refuse("a text without its closing quote");
    const char quote = now();
    auto image = text_.substr(start + 1, *end - start - 2);
    at_ = *end;
    const std::string_view twice = quote == '"' ? "\"\"" : "''";
    const bool has_escape = quote == '"' && image.find("\\u") != image.npos;
    if (image.find(twice) != image.npos || has_escape) {
      std::string plain(image);
      if (has_escape) {
        auto unescaped = unescape(image, start);
        if (!unescaped) return std::unexpected(unescaped.error());
        plain = std::move(*unescaped);
      }
      image = program_.texts.emplace_back(replace_all(plain, twice, twice.substr(1)));
    }
    if (quote == '\'' || image.find_first_of("$#") == image.npos) return add_constant(Value::text(image), start);

    // Velocity parses such a text with a space behind it, unless it has a comment, and takes one character off again.
    const bool has_comment = image.find("##") != image.npos;
    if (!has_comment) image = program_.texts.emplace_back(cat(image, " "));
    Parser inner(program_, image, offset(start), depth_);
    auto block = inner.whole();
    if (!block) return block;
    return add({.kind = Node::Kind::interpolated, .has_comment = has_comment, .offset = offset(start), .list = *block});
  }

  Result<std::string> unescape(std::string_view image, std::size_t start) const {
    std::string plain;
    for (std::size_t i = 0; i < image.size(); ++i) {
      if (!image.substr(i).starts_with("\\u")) {
        plain += image[i];
        continue;
      }
      std::uint32_t code = 0;
      const auto* first = image.data() + i + 2;
      if (i + 6 > image.size() || std::from_chars(first, first + 4, code, 16).ptr != first + 4 || (code >= 0xd800 && code < 0xe000))
        return refuse_at(start, "a text has `\\u` without the four digits of a character");
      if (code < 0x80) {
        plain += static_cast<char>(code);
      } else {
        if (code < 0x800) {
          plain += static_cast<char>(0xc0 | (code >> 6));
        } else {
          plain += static_cast<char>(0xe0 | (code >> 12));
          plain += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
        }
        plain += static_cast<char>(0x80 | (code & 0x3f));
      }
      i += 5;
    }
    return plain;
  }

  Program& program_;
  std::string_view text_;
  std::optional<std::uint32_t> fixed_offset_;
  int depth_;
  std::size_t at_ = 0;
  bool in_call_ = false;  // among the arguments of a method
  // Where the last reference ended, and the last that ended in a property.
  std::size_t after_reference_ = std::string_view::npos, after_property_ = std::string_view::npos;
};

}  // namespace

std::string place(std::string_view source, std::size_t offset) {
  const auto before = source.substr(0, offset);
  const auto line = std::ranges::count(before, '\n') + 1;
  const auto line_start = before.rfind('\n');
  const auto column = offset - (line_start == before.npos ? 0 : line_start + 1) + 1;
  return cat("line ", static_cast<std::int64_t>(line), ", column ", static_cast<std::uint64_t>(column), ": ");
}

Result<std::shared_ptr<const Program>> compile(std::string_view text) {
  if (text.size() > limits::template_bytes_max) return fail(cat("a template has more than ", limits::template_bytes_max, " bytes"));
  auto program = std::make_shared<Program>();
  program->source = text;
  for (const std::string_view name : {"input", "context", "stageVariables", "util", "foreach", "velocityCount", "velocityHasNext"})
    program->slots.emplace(name, static_cast<Index>(program->slots.size()));
  auto main = Parser(*program, program->source, std::nullopt, 0).whole();
  if (!main) return std::unexpected(main.error());
  program->main = *main;
  return program;
}

}  // namespace sallyport::vtl
