#include "yaml/parse.hpp"

#include <yaml.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace sallyport::yaml {
namespace {

constexpr std::array short_forms = {"And",    "Base64", "Cidr",   "Condition",   "Equals", "FindInMap",    "ForEach",
                                    "GetAZs", "GetAtt", "If",     "ImportValue", "Join",   "Length",       "Not",
                                    "Or",     "Ref",    "Select", "Split",       "Sub",    "ToJsonString", "Transform"};

bool is_json_number(std::string_view text) {
  std::size_t i = 0;
  const auto digits = [&] {
    const auto start = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    return i > start;
  };
  if (i < text.size() && text[i] == '-') ++i;
  if (i + 1 < text.size() && text[i] == '0' && is_digit(text[i + 1])) return false;
  if (!digits()) return false;
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (!digits()) return false;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (!digits()) return false;
  }
  return i == text.size();
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

Node::Data plain_value(std::string text) {
  if (is_one_of(text, {"", "~", "null", "Null", "NULL"})) return std::monostate{};
  if (is_one_of(text, {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})) return true;
  if (is_one_of(text, {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})) return false;
  if (is_json_number(text)) return json::Number{std::move(text)};
  return text;
}

/// JSON writes characters beyond U+FFFF as two escapes, YAML as one: joins the pairs so that one reader serves both.
std::string join_surrogates(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  const auto unit = [&](std::size_t at) -> std::optional<std::uint32_t> {
    if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return std::nullopt;
    const auto bytes = from_hex(text.substr(at + 2, 4));
    if (!bytes) return std::nullopt;
    return static_cast<std::uint32_t>(static_cast<unsigned char>((*bytes)[0])) << 8 | static_cast<unsigned char>((*bytes)[1]);
  };
  for (std::size_t i = 0; i < text.size();) {
    const auto high = unit(i);
    const auto low = high && *high >= 0xD800 && *high < 0xDC00 ? unit(i + 6) : std::nullopt;
    if (low && *low >= 0xDC00 && *low < 0xE000) {
      const auto code = 0x10000 + ((*high - 0xD800) << 10) + (*low - 0xDC00);
      const std::string bytes{'\0', static_cast<char>(code >> 16), static_cast<char>(code >> 8 & 0xFF), static_cast<char>(code & 0xFF)};
      out += "\\U" + to_hex(bytes);
      i += 12;
    } else if (text[i] == '\\' && i + 1 < text.size()) {
      out += text.substr(i, 2);
      i += 2;
    } else {
      out += text[i++];
    }
  }
  return out;
}

Location location(const yaml_mark_t& mark) {
  return {static_cast<std::uint32_t>(mark.line + 1), static_cast<std::uint32_t>(mark.column + 1)};
}

std::string_view view(const yaml_char_t* text) { return text == nullptr ? std::string_view{} : reinterpret_cast<const char*>(text); }

std::string_view noun_of(Dialect dialect) { return dialect == Dialect::cloudformation ? "template" : "document"; }

class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { yaml_event_delete(&raw); }
  yaml_event_t raw{};
};

struct Size {
  std::size_t nodes = 1;
  std::size_t bytes = 0;
  int depth = 0;
};

Size size_of(const Node& node) {
  Size size;
  const auto add = [&](const Node& child) {
    const auto more = size_of(child);
    size.nodes += more.nodes;
    size.bytes += more.bytes;
    size.depth = std::max(size.depth, more.depth + 1);
  };
  if (const auto text = node.scalar()) size.bytes = text->size();
  if (const auto* items = node.list())
    for (const auto& item : *items) add(item);
  if (const auto* entries = node.map())
    for (const auto& entry : *entries) {
      size.bytes += entry.key.size();
      add(entry.value);
    }
  return size;
}

/// Builds the tree from libyaml's events on a stack of its own: the depth of the input never becomes depth of our calls.
class Reader {
 public:
  Reader(std::string_view text, Dialect dialect) : dialect_(dialect) {
    ready_ = yaml_parser_initialize(&parser_) == 1;
    if (!ready_) return;
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() {
    if (ready_) yaml_parser_delete(&parser_);
  }

  std::expected<Node, Problem> read() {
    if (!ready_) return stop({}, cat("no memory to read the ", noun()));
    while (!problem_) {
      Event event;
      if (yaml_parser_parse(&parser_, &event.raw) != 1) return syntax_problem();
      if (event.raw.type == YAML_STREAM_END_EVENT) break;
      take(event.raw);
    }
    if (problem_) return std::unexpected(std::move(*problem_));
    if (!root_) return stop({1, 1}, cat("the ", noun(), " is empty"));
    return std::move(*root_);
  }

 private:
  struct Open {
    Node node;
    std::string tag;               // name of the short form, without `!`
    std::string anchor;            // empty for none
    std::optional<Entry> pending;  // a key that waits for its value
    std::set<std::string, std::less<>> keys = {};
  };

  std::string_view noun() const { return noun_of(dialect_); }
  std::unexpected<Problem> stop(Location at, std::string message, std::string hint = {}) {
    return std::unexpected(Problem{"", at, "", std::move(message), std::move(hint)});
  }
  void refuse(Location at, std::string message, std::string hint = {}) {
    if (!problem_) problem_ = Problem{"", at, "", std::move(message), std::move(hint)};
  }

  std::unexpected<Problem> syntax_problem() {
    if (parser_.error == YAML_READER_ERROR)
      return stop({}, cat("the ", noun(), " is not UTF-8 text: ", parser_.problem, " at byte ", parser_.problem_offset));
    auto message = cat("not valid YAML: ", parser_.problem == nullptr ? "no memory" : parser_.problem);
    if (parser_.context != nullptr) message += cat(" ", parser_.context);
    return stop(location(parser_.problem_mark), std::move(message));
  }

  void take(const yaml_event_t& event) {
    const auto at = location(event.start_mark);
    switch (event.type) {
      case YAML_DOCUMENT_START_EVENT:
        if (documents_++ > 0) refuse(at, "a second document begins here", cat("a ", noun(), " is one YAML document"));
        return;
      case YAML_ALIAS_EVENT: return alias(at, std::string(view(event.data.alias.anchor)));
      case YAML_SCALAR_EVENT: return scalar(at, event.data.scalar);
      case YAML_SEQUENCE_START_EVENT:
        return open(
            {Node(at, List{}), tag_name(at, view(event.data.sequence_start.tag)), std::string(view(event.data.sequence_start.anchor)), {}});
      case YAML_MAPPING_START_EVENT:
        return open(
            {Node(at, Map{}), tag_name(at, view(event.data.mapping_start.tag)), std::string(view(event.data.mapping_start.anchor)), {}});
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT: {
        auto closed = std::move(open_.back());
        open_.pop_back();
        return finish(std::move(closed.node), closed.tag, closed.anchor);
      }
      default: return;
    }
  }

  void count(Location at, std::size_t nodes, std::size_t bytes = 0) {
    nodes_ += nodes;
    copied_bytes_ += bytes;
    if (nodes_ > limits::document_nodes_max) refuse(at, cat("the ", noun(), " has more than ", limits::document_nodes_max, " values"));
    if (copied_bytes_ > limits::document_bytes_max)
      refuse(at, cat("what aliases stand for is larger than ", limits::document_bytes_max >> 20, " MB"));
  }

  void open(Open item) {
    const auto at = item.node.at;
    if (!open_.empty() && open_.back().node.map() != nullptr && !open_.back().pending) return refuse(at, "a mapping key must be a string");
    count(at, 1);
    tags_open_ += item.tag.empty() ? 0 : 1;
    open_.push_back(std::move(item));
    if (depth() > limits::document_depth_max)
      refuse(at, cat("the ", noun(), " is nested deeper than ", limits::document_depth_max, " levels"));
  }

  int depth() const { return static_cast<int>(open_.size()) + tags_open_; }

  void scalar(Location at, const auto& event) {
    std::string text(reinterpret_cast<const char*>(event.value), event.length);
    if (!open_.empty() && open_.back().node.map() != nullptr && !open_.back().pending) return key(at, std::move(text), event);
    count(at, 1);
    const auto tag = view(event.tag);
    const bool plain = event.style == YAML_PLAIN_SCALAR_STYLE;
    Node node(at, std::string{});
    std::string short_form;
    if (tag.empty() && plain) {
      node = Node(at, plain_value(std::move(text)));
    } else if (tag.empty() || tag == "!" || tag == YAML_STR_TAG) {
      node = Node(at, std::move(text));
    } else if (is_one_of(tag, {YAML_NULL_TAG, YAML_BOOL_TAG, YAML_INT_TAG, YAML_FLOAT_TAG})) {
      node = Node(at, plain_value(text));
      const bool fits = tag == YAML_NULL_TAG ? node.is_null() : tag == YAML_BOOL_TAG ? node.boolean() != nullptr : node.number() != nullptr;
      if (!fits) return refuse(at, cat("`", text, "` does not fit its tag"));
    } else {
      short_form = tag_name(at, tag);
      node = Node(at, std::move(text));
    }
    finish(std::move(node), short_form, std::string(view(event.anchor)));
  }

  void key(Location at, std::string text, const auto& event) {
    if (!view(event.tag).empty() && view(event.tag) != YAML_STR_TAG) return refuse(at, "a mapping key cannot have a tag");
    if (event.anchor != nullptr) return refuse(at, "a mapping key cannot have an anchor");
    if (text == "<<" && event.style == YAML_PLAIN_SCALAR_STYLE)
      return refuse(at,
                    cat("merge keys (`<<`) are not part of ", dialect_ == Dialect::cloudformation ? "CloudFormation's YAML" : "this YAML"),
                    "write the merged keys out");
    if (!open_.back().keys.insert(text).second) return refuse(at, cat("the key `", text, "` appears twice in this mapping"));
    open_.back().pending = Entry{std::move(text), at, {}};
  }

  void alias(Location at, const std::string& name) {
    if (!open_.empty() && open_.back().node.map() != nullptr && !open_.back().pending)
      return refuse(at, "a mapping key cannot be an alias");
    const auto found = anchors_.find(name);
    if (found == anchors_.end()) return refuse(at, cat("the alias `*", name, "` stands for nothing that is complete before it"));
    if (++aliases_ > limits::alias_expansions_max) return refuse(at, cat("more than ", limits::alias_expansions_max, " aliases"));
    const auto& anchored = found->second;
    count(at, anchored.size.nodes, anchored.size.bytes);
    if (depth() + anchored.size.depth > limits::document_depth_max)
      refuse(at, cat("the ", noun(), " is nested deeper than ", limits::document_depth_max, " levels"));
    if (problem_) return;
    place(anchored.node);
  }

  /// A complete value: short form to long form, anchor remembered, put where it belongs.
  void finish(Node node, const std::string& tag, const std::string& anchor) {
    if (problem_) return;
    if (!tag.empty()) {
      if (node.list() != nullptr || node.map() != nullptr) --tags_open_;
      node = long_form(std::move(node), tag);
    }
    if (!anchor.empty()) {
      const auto size = size_of(node);
      count(node.at, size.nodes, size.bytes);
      if (problem_) return;
      anchors_.insert_or_assign(anchor, Anchored{node, size});
    }
    place(std::move(node));
  }

  Node long_form(Node value, const std::string& tag) {
    const auto at = value.at;
    count(at, 1);
    if (tag == "Ref" || tag == "Condition") return make_map(at, {{tag, std::move(value)}});
    if (tag == "GetAtt" && value.string() != nullptr) {
      const auto& text = *value.string();
      const auto dot = text.find('.');
      if (dot == std::string::npos) {
        refuse(at, cat("`!GetAtt ", text, "` names no attribute"), "write !GetAtt LogicalId.Attribute");
        return value;
      }
      value = Node(at, List{Node(at, text.substr(0, dot)), Node(at, text.substr(dot + 1))});
    }
    return make_map(at, {{"Fn::" + tag, std::move(value)}});
  }

  void place(Node node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    auto& parent = open_.back();
    if (auto* items = parent.node.list()) {
      items->push_back(std::move(node));
    } else {
      parent.pending->value = std::move(node);
      parent.node.map()->push_back(std::move(*parent.pending));
      parent.pending.reset();
    }
  }

  /// The name of CloudFormation's short form; empty for no tag and for the tags every list and mapping has.
  std::string tag_name(Location at, std::string_view tag) {
    if (tag.empty() || tag == "!" || tag == YAML_SEQ_TAG || tag == YAML_MAP_TAG) return {};
    if (dialect_ == Dialect::plain) {
      refuse(at, cat("unknown tag `", tag, "`"));
      return {};
    }
    if (tag.starts_with('!') && std::ranges::find(short_forms, tag.substr(1)) != short_forms.end()) return std::string(tag.substr(1));
    const auto like = tag.starts_with('!') ? nearest(tag.substr(1), {short_forms.begin(), short_forms.end()}) : std::string_view{};
    refuse(at, cat("unknown tag `", tag, "`"), like.empty() ? "" : cat("did you mean `!", like, "`?"));
    return {};
  }

  struct Anchored {
    Node node;
    Size size;
  };

  Dialect dialect_;
  yaml_parser_t parser_{};
  bool ready_ = false;
  int documents_ = 0;
  std::size_t nodes_ = 0;
  std::size_t copied_bytes_ = 0;
  std::size_t aliases_ = 0;
  int tags_open_ = 0;
  std::vector<Open> open_;
  std::map<std::string, Anchored, std::less<>> anchors_;
  std::optional<Node> root_;
  std::optional<Problem> problem_;
};

}  // namespace

std::expected<Node, Problem> parse(std::string_view text, Dialect dialect) {
  if (text.size() > limits::document_bytes_max)
    return std::unexpected(
        Problem{"", {}, "", cat("the ", noun_of(dialect), " is larger than ", limits::document_bytes_max >> 20, " MB"), ""});
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '{' && text.find("\\u") != std::string_view::npos) {
    const auto joined = join_surrogates(text);
    return Reader(joined, dialect).read();
  }
  return Reader(text, dialect).read();
}

}  // namespace sallyport::yaml
