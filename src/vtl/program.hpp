// Program: what a template compiles to. Nodes by index, so that neither running nor freeing one recurses on its length.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "vtl/json_path.hpp"
#include "vtl/method.hpp"
#include "vtl/pattern.hpp"
#include "vtl/value.hpp"

namespace sallyport::vtl {

using Index = std::uint32_t;
inline constexpr Index none = ~Index{0};

enum class Operator : std::uint8_t {
  add,
  subtract,
  multiply,
  divide,
  modulo,
  equal,
  not_equal,
  less,
  less_or_equal,
  greater,
  greater_or_equal
};

struct Node {
  enum class Kind : std::uint8_t {
    // statements
    text,       // text
    output,     // a: reference
    set,        // a: reference, b: expression
    condition,  // list: expression, block, expression, block, ... and maybe a last block
    foreach,    // a: slot, b: expression, list: block
    define,     // a: slot, list: block
    leave,      // #break
    stop,
    // expressions
    constant,      // constant
    interpolated,  // list: block; has_comment
    reference,     // a: reference
    list,          // list: expressions
    range,         // a, b: expressions
    map,           // list: expressions, key and value in turn
    negation,      // a: expression
    all,           // list: expressions
    any,           // list: expressions
    chain,         // list: expression, operator, expression, operator, ...: from left to right
  };

  Kind kind;
  bool has_comment = false;
  std::uint32_t offset = 0;  // in the source, for messages
  Index a = none, b = none, list = none;
  std::string_view text;
  Value constant;
};

/// One step of a reference: `.name`, `.name(arguments)` or `[argument]`.
struct Step {
  enum class Kind : std::uint8_t { property, method, index };
  Kind kind;
  std::uint32_t offset = 0;
  Method method = Method::unknown;
  std::string_view name;
  std::vector<Index> arguments;
};

struct Reference {
  Index slot = none;    // none: a bare word among arguments, which is null
  bool assigns = true;  // `#set($!x = ...)` and `#set(${x} = ...)` change nothing
  bool prints = true;   // `\$x` prints `literal` instead
  std::string_view literal;
  std::vector<Step> steps;
};

/// Variables by slot. The first are fixed.
enum Slot : Index { slot_input, slot_context, slot_stage_variables, slot_util, slot_foreach, slot_count, slot_has_next, fixed_slots };

struct Program {
  std::string source;
  std::deque<std::string> texts;                      // what stands nowhere in the source as it is needed
  std::unordered_map<std::string_view, Index> slots;  // by the names of variables
  std::vector<Node> nodes;
  std::vector<Reference> references;
  std::vector<std::vector<Index>> lists;
  Index main = none;  // list
  // Known before rendering, because they are written out in the template.
  std::map<std::string_view, JsonPath> paths;
  std::map<std::string_view, Pattern> patterns;
};

Result<std::shared_ptr<const Program>> compile(std::string_view text);

/// `line 3, column 7: ` of a place in the source, both from 1, columns in bytes.
std::string place(std::string_view source, std::size_t offset);

}  // namespace sallyport::vtl
