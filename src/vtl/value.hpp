// The values of a template while it is rendered, and the heap that owns whatever they point to.
#pragma once

#include <cstdint>
#include <forward_list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "json/value.hpp"

namespace sallyport::vtl {

struct List;
struct Map;
struct Entry;
struct Scope;
struct Node;

/// One value: small, copied freely, owns nothing. What it points to belongs to the heap of the rendering, to the program or to the context.
struct Value {
  enum class Kind : std::uint8_t {
    null,
    boolean,
    integer,
    real,
    big,  // an integer beyond 64 bits, as its digits
    text,
    list,
    map,
    entry,  // of a map's entrySet()
    block,  // what #define names
    scope,  // $foreach
    input,  // $input
    util,   // $util
  };

  Value() = default;
  static Value boolean(bool b) { return {Kind::boolean, {.boolean = b}}; }
  static Value integer(std::int64_t n) { return {Kind::integer, {.integer = n}}; }
  static Value real(double d) { return {Kind::real, {.real = d}}; }
  static Value text(std::string_view t) { return {Kind::text, {.chars = t.data()}, t.size()}; }
  static Value big(std::string_view digits) { return {Kind::big, {.chars = digits.data()}, digits.size()}; }
  static Value list(List* l) { return {Kind::list, {.list = l}}; }
  static Value map(Map* m) { return {Kind::map, {.map = m}}; }
  static Value entry(Entry* e) { return {Kind::entry, {.entry = e}}; }
  static Value scope(Scope* s) { return {Kind::scope, {.scope = s}}; }
  static Value block(const Node* definition) { return {Kind::block, {.block = definition}}; }
  static Value root(Kind kind) { return {kind, {}}; }

  bool is_null() const { return kind == Kind::null; }
  bool is_text() const { return kind == Kind::text; }
  bool is_number() const { return kind == Kind::integer || kind == Kind::real || kind == Kind::big; }
  std::string_view view() const { return {as.chars, size}; }  // REQUIRES: text or big

  union Payload {
    bool boolean;
    std::int64_t integer;
    double real;
    const char* chars;
    List* list;
    Map* map;
    Entry* entry;
    Scope* scope;
    const Node* block;
  };
  Value(Kind k, Payload p, std::size_t s = 0) : as(p), size(s), kind(k) {}

  Payload as{.integer = 0};
  std::size_t size = 0;
  Kind kind = Kind::null;
};

struct List {
  std::vector<Value> items;
  const json::Array* source = nullptr;  // not yet turned into items
  bool is_json = false;                 // prints as JSON: lists of $input.path and $util.parseJson do, those of the template do not
  bool is_view = false;                 // keySet(), values() and entrySet(): no positions, no changes
};

struct Entry {
  Value key, value;
};

/// In the order of insertion, as Java's LinkedHashMap.
struct Map {
  std::vector<Entry> items;
  const json::Object* source = nullptr;                   // not yet turned into items
  std::unordered_map<std::string, std::uint32_t> places;  // by key, once there are many
};

struct Scope {
  std::int64_t index = -1;
  bool has_next = false;
  Scope* parent = nullptr;
};

/// Owns everything of one rendering, and gives it all back at once: lists may contain themselves.
class Heap {
 public:
  std::string_view keep(std::string text) { return texts_.emplace_front(std::move(text)); }
  const json::Value& keep(json::Value document) { return documents_.emplace_front(std::move(document)); }
  List* list() { return &lists_.emplace_front(); }
  Map* map() { return &maps_.emplace_front(); }
  Entry* entry(Entry e) { return &entries_.emplace_front(e); }
  Scope* scope(Scope s) { return &scopes_.emplace_front(s); }

  /// Lists and objects stay as they are until they are looked into. REQUIRES: the document stays.
  Value from_json(const json::Value& document);
  /// The items, made from the source when that was not done yet.
  std::vector<Value>& items(List& list);
  std::vector<Entry>& items(Map& map);

  /// The value of a key; null when the map does not have it. `1` and `"1"` are different keys.
  Value* find(Map& map, const Value& key);
  /// Replaces or appends.
  void put(Map& map, const Value& key, const Value& value);
  /// The former value.
  Value remove(Map& map, const Value& key);

 private:
  std::forward_list<std::string> texts_;
  std::forward_list<json::Value> documents_;
  std::forward_list<List> lists_;
  std::forward_list<Map> maps_;
  std::forward_list<Entry> entries_;
  std::forward_list<Scope> scopes_;
};

/// As Java's Double.toString: `1.0`, `1.0E10`, `1.0E-4`.
std::string java_text(double number);
double to_real(const Value& number);  // REQUIRES: a number

}  // namespace sallyport::vtl
