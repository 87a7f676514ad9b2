#include "cloudformation/bearer.hpp"

#include <bitset>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.hpp"

namespace sallyport::cloudformation {
namespace {

using Characters = std::bitset<128>;

constexpr std::string_view bearer = "bearer";
constexpr int bearer_states = 10;
constexpr int repeat_max = 1'000;  // RE2's own limit

bool is_token_character(char c) { return is_alpha(c) || is_digit(c) || std::string_view("-._~+/").find(c) != std::string_view::npos; }

/// The automaton of `Bearer +TOKEN=*`: 0 to 6 the scheme, 7 spaces, 8 the token, 9 its padding. Nothing where the text has left the
/// language.
std::optional<int> bearer_step(int state, char c) {
  if (state < 6) return to_lower(c) == bearer[static_cast<std::size_t>(state)] ? std::optional(state + 1) : std::nullopt;
  if (state <= 7 && c == ' ') return 7;
  if ((state == 7 || state == 8) && is_token_character(c)) return 8;
  if (state >= 8 && c == '=') return 9;
  return std::nullopt;
}

/// A piece of an expression.
struct Piece {
  enum class Kind { empty, characters, at_begin, at_end, sequence, alternatives, repeat } kind = Kind::empty;
  Characters characters = {};
  std::vector<Piece> parts = {};
  int least = 0;
  int most = 0;  // -1: no end
};

Characters range(char from, char to) {
  Characters out;
  for (int c = from; c <= to; ++c) out.set(static_cast<std::size_t>(c));
  return out;
}

Characters class_of(char letter) {
  const auto word = range('0', '9') | range('A', 'Z') | range('a', 'z') | range('_', '_');
  const auto space = range('\t', '\n') | range('\f', '\r') | range(' ', ' ');
  switch (letter) {
    case 'd': return range('0', '9');
    case 'D': return ~range('0', '9');
    case 'w': return word;
    case 'W': return ~word;
    case 's': return space;
    default: return ~space;
  }
}

/// Nothing for syntax that is not handled here, which is no error.
class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  std::optional<Piece> parse() {
    auto out = alternatives(0);
    return out && rest_.empty() ? std::move(out) : std::nullopt;
  }

 private:
  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  char next() {
    const auto c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  std::optional<Piece> alternatives(int depth) {
    if (depth > limits::expression_depth_max) return std::nullopt;
    Piece out{Piece::Kind::alternatives};
    do {
      auto part = sequence(depth);
      if (!part) return std::nullopt;
      out.parts.push_back(std::move(*part));
    } while (take("|"));
    return out;
  }

  std::optional<Piece> sequence(int depth) {
    Piece out{Piece::Kind::sequence};
    while (!rest_.empty() && rest_.front() != '|' && rest_.front() != ')') {
      auto part = atom(depth);
      if (!part || !repeats(*part)) return std::nullopt;
      out.parts.push_back(std::move(*part));
    }
    return out;
  }

  std::optional<Piece> atom(int depth) {
    const auto c = next();
    if (c == '(') return group(depth);
    if (c == '[') return bracket();
    if (c == '.') return characters(~range('\n', '\n'));
    if (c == '^') return Piece{Piece::Kind::at_begin};
    if (c == '$') return Piece{Piece::Kind::at_end};
    if (c == '\\') return escape();
    if (c == '*' || c == '+' || c == '?' || static_cast<unsigned char>(c) >= 128) return std::nullopt;
    return characters(range(c, c));
  }

  Piece characters(Characters set) const {
    if (ignore_case_)
      for (char c = 'a'; c <= 'z'; ++c) {
        const auto small = static_cast<std::size_t>(c);
        if (set[small] || set[small - 32]) set.set(small).set(small - 32);
      }
    return {Piece::Kind::characters, set};
  }

  std::optional<Piece> group(int depth) {
    if (take("?i)")) {
      ignore_case_ = true;
      return Piece{};
    }
    const bool outer = ignore_case_;
    if (take("?i:")) {
      ignore_case_ = true;
    } else if (take("?P<") || take("?<")) {
      const auto end = rest_.find('>');
      if (end == std::string_view::npos || rest_.starts_with('=') || rest_.starts_with('!')) return std::nullopt;
      rest_.remove_prefix(end + 1);
    } else if (!take("?:") && rest_.starts_with('?')) {
      return std::nullopt;
    }
    auto inner = alternatives(depth + 1);
    ignore_case_ = outer;
    if (!inner || !take(")")) return std::nullopt;
    return inner;
  }

  std::optional<Piece> escape() {
    if (rest_.empty()) return std::nullopt;
    const auto c = next();
    if (c == 'A') return Piece{Piece::Kind::at_begin};
    if (c == 'z' || c == 'Z') return Piece{Piece::Kind::at_end};
    if (const auto set = escaped(c)) return characters(*set);
    return std::nullopt;
  }

  static std::optional<Characters> escaped(char c) {
    if (std::string_view("dDwWsS").find(c) != std::string_view::npos) return class_of(c);
    if (c == 't') return range('\t', '\t');
    if (c == 'n') return range('\n', '\n');
    if (c == 'r') return range('\r', '\r');
    if (is_alpha(c) || is_digit(c) || static_cast<unsigned char>(c) >= 128) return std::nullopt;
    return range(c, c);
  }

  std::optional<Piece> bracket() {
    const bool negated = take("^");
    Characters out;
    bool first = true;
    while (!rest_.empty() && (rest_.front() != ']' || first)) {
      first = false;
      if (rest_.starts_with("[:")) return std::nullopt;
      auto c = next();
      if (static_cast<unsigned char>(c) >= 128) return std::nullopt;
      if (c == '\\') {
        if (rest_.empty()) return std::nullopt;
        c = next();
        const auto set = escaped(c);
        if (!set) return std::nullopt;
        if (set->count() != 1) {
          out |= *set;
          continue;
        }
        c = static_cast<char>(set->_Find_first());
      }
      if (rest_.size() < 2 || rest_[0] != '-' || rest_[1] == ']') {
        out |= range(c, c);
        continue;
      }
      next();
      auto to = next();
      if (to == '\\' && !rest_.empty()) to = next();
      if (to < c) return std::nullopt;
      out |= range(c, to);
    }
    if (!take("]")) return std::nullopt;
    auto piece = characters(out);
    if (negated) piece.characters.flip();
    return piece;
  }

  bool repeats(Piece& part) {
    while (!rest_.empty()) {
      int least = 0;
      int most = -1;
      if (take("+")) {
        least = 1;
      } else if (take("?")) {
        most = 1;
      } else if (!take("*")) {
        const auto counted = counts();
        if (!counted) return true;
        std::tie(least, most) = *counted;
        if (least > repeat_max || most > repeat_max) return false;
      }
      if (take("+")) return false;  // possessive
      take("?");                    // lazy: the same language
      Piece inner = std::move(part);
      part = Piece{Piece::Kind::repeat, {}, {}, least, most};
      part.parts.push_back(std::move(inner));
      // Every round nests one deeper.
      if (++rounds_ > limits::expression_depth_max) return false;
    }
    return true;
  }

  std::optional<std::pair<int, int>> counts() {
    const auto end = rest_.find('}');
    if (!rest_.starts_with('{') || end == std::string_view::npos) return std::nullopt;
    const auto inner = rest_.substr(1, end - 1);
    const auto comma = inner.find(',');
    const auto least = parse_number<int>(inner.substr(0, comma));
    const auto most = comma == std::string_view::npos ? least
                      : comma + 1 == inner.size()     ? std::optional(-1)
                                                      : parse_number<int>(inner.substr(comma + 1));
    if (!least || !most || *least < 0) return std::nullopt;
    rest_.remove_prefix(end + 1);
    return std::pair(*least, *most);
  }

  std::string_view rest_;
  bool ignore_case_ = false;
  int rounds_ = 0;
};

/// A nondeterministic automaton with edges that need the begin or the end of the text.
class Automaton {
 public:
  /// Nothing when it gets too large.
  static std::optional<Automaton> build(const Piece& piece) {
    Automaton out;
    const auto begin = out.add();
    out.end_ = out.emit(piece, begin);
    return out.states_.size() <= limits::expression_states_max ? std::optional(std::move(out)) : std::nullopt;
  }

  bool meets_bearer() const {
    struct Place {
      std::size_t state;
      int bearer;
      bool ended;
    };
    std::vector<bool> seen(states_.size() * bearer_states * 2);
    std::vector<Place> waiting;
    const auto visit = [&](Place place) {
      const auto index = (place.state * bearer_states + static_cast<std::size_t>(place.bearer)) * 2 + (place.ended ? 1 : 0);
      if (seen[index]) return;
      seen[index] = true;
      waiting.push_back(place);
    };
    visit({0, 0, false});
    while (!waiting.empty()) {
      const auto place = waiting.back();
      waiting.pop_back();
      if (place.state == end_ && place.bearer >= 8) return true;
      for (const auto& edge : states_[place.state]) {
        if (edge.kind == Edge::Kind::free || (edge.kind == Edge::Kind::at_begin && place.bearer == 0))
          visit({edge.to, place.bearer, place.ended});
        if (edge.kind == Edge::Kind::at_end) visit({edge.to, place.bearer, true});
        if (edge.kind != Edge::Kind::characters || place.ended) continue;
        for (std::size_t c = 0; c < edge.characters.size(); ++c) {
          if (!edge.characters[c]) continue;
          if (const auto next = bearer_step(place.bearer, static_cast<char>(c))) visit({edge.to, *next, false});
        }
      }
    }
    return false;
  }

 private:
  struct Edge {
    enum class Kind { free, at_begin, at_end, characters } kind;
    std::size_t to;
    Characters characters = {};
  };

  std::size_t add() {
    states_.emplace_back();
    return states_.size() - 1;
  }
  std::size_t step(std::size_t from, Edge::Kind kind, Characters characters = {}) {
    const auto to = add();
    states_[from].push_back({kind, to, characters});
    return to;
  }

  /// Returns the state after the piece.
  std::size_t emit(const Piece& piece, std::size_t from) {
    if (states_.size() > limits::expression_states_max) return from;
    switch (piece.kind) {
      case Piece::Kind::empty: return from;
      case Piece::Kind::characters: return step(from, Edge::Kind::characters, piece.characters);
      case Piece::Kind::at_begin: return step(from, Edge::Kind::at_begin);
      case Piece::Kind::at_end: return step(from, Edge::Kind::at_end);
      case Piece::Kind::sequence:
        for (const auto& part : piece.parts) from = emit(part, from);
        return from;
      case Piece::Kind::alternatives: {
        const auto end = add();
        for (const auto& part : piece.parts) {
          const auto last = emit(part, step(from, Edge::Kind::free));
          states_[last].push_back({Edge::Kind::free, end});
        }
        return end;
      }
      case Piece::Kind::repeat: {
        const auto& part = piece.parts.front();
        for (int i = 0; i < piece.least; ++i) from = emit(part, from);
        if (piece.most < 0) {
          const auto loop = step(from, Edge::Kind::free);
          const auto last = emit(part, loop);
          states_[last].push_back({Edge::Kind::free, loop});
          return step(loop, Edge::Kind::free);
        }
        const auto end = add();
        states_[from].push_back({Edge::Kind::free, end});
        for (int i = piece.least; i < piece.most; ++i) {
          from = emit(part, from);
          states_[from].push_back({Edge::Kind::free, end});
        }
        return end;
      }
    }
    return from;
  }

  std::vector<std::vector<Edge>> states_;
  std::size_t end_ = 0;
};

}  // namespace

bool can_match_bearer(std::string_view expression) {
  const auto piece = Parser(expression).parse();
  const auto automaton = piece ? Automaton::build(*piece) : std::nullopt;
  return !automaton || automaton->meets_bearer();
}

}  // namespace sallyport::cloudformation
