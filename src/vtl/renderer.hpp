// Renderer: one rendering of one program.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "vtl/program.hpp"
#include "vtl/template.hpp"
#include "vtl/value.hpp"

namespace sallyport::vtl {

/// Runs blocks and expressions. Whatever goes wrong is noted once, and everything returns at once from then on; so no step has to look at
/// the result of another.
class Renderer {
 public:
  Renderer(const Program& program, const Context& context);
  Result<Rendered> run();

 private:
  enum class Flow { next, leave, stop, failed };

  // Statements (renderer.cpp)
  void run_block(Index list, std::string& out);
  void run_statement(const Node& node, std::string& out);
  void run_condition(const Node& node, std::string& out);
  void run_foreach(const Node& node, std::string& out);
  void output(const Node& node, std::string& out);
  void assign(const Reference& reference, const Value& value);

  // Expressions (renderer.cpp)
  Value evaluate(Index index);
  bool holds(Index index);
  Value interpolate(const Node& node);
  Value range(const Node& node);
  Value fold(const Node& node);
  Value apply(Operator op, const Value& left, const Value& right);
  Value calculate(Operator op, const Value& left, const Value& right);
  Value add_texts(const Value& left, const Value& right);

  // References (renderer.cpp)
  Value read(const Reference& reference);
  Value variable(Index slot);
  Value take(const Value& from, const Step& step);
  Value property(const Value& from, std::string_view name);
  Value element(const Value& from, const Value& argument);
  Value member(Map& map, const Value& key);
  void load_context(std::string_view name);
  Overrides overrides();
  json::Value override_of(std::string_view name);

  // Methods (methods.cpp). Null for a method that is not there, or not for such arguments.
  using Arguments = std::span<const Value>;
  Value call(const Value& self, const Step& step, Arguments arguments);
  Value call_any(const Value& self, Method method, Arguments arguments);
  Value call_text(std::string_view self, Method method, Arguments arguments);
  Value call_text_search(std::string_view self, Method method, Arguments arguments);
  Value call_text_change(std::string_view self, Method method, Arguments arguments);
  Value call_text_pattern(std::string_view self, Method method, Arguments arguments);
  Value call_number(const Value& self, Method method, Arguments arguments);
  Value call_list(List& self, Method method, Arguments arguments);
  Value call_view(List& self, Method method, Arguments arguments);
  Value call_map(Map& self, Method method, Arguments arguments);
  Value call_entry(const Entry& self, Method method, Arguments arguments);
  Value call_scope(const Scope& self, Method method, Arguments arguments);
  Value call_input(Method method, Arguments arguments);
  Value call_util(Method method, Arguments arguments);
  bool spend_on_case(std::string_view a, std::string_view b);
  Value substring(std::string_view self, Arguments arguments);
  Value find_path(std::string_view path, bool as_json);
  Value parse_whole_number(std::string_view text);
  Value parse_fraction(std::string_view text);
  const Pattern* pattern(std::string_view text);

  // Text, JSON and equality of values (output.cpp)
  void append(std::string& out, const Value& value, int depth = 0);
  void append_list(std::string& out, List& list, int depth);
  void append_map(std::string& out, Map& map, int depth);
  void append_json(std::string& out, const Value& value, int depth = 0);
  void append_block(std::string& out, const Node& definition);
  std::string_view text_of(const Value& value);
  json::Value to_json(const Value& value, int depth = 0);
  /// Of the same type and equal, as Java's equals.
  bool same(const Value& a, const Value& b, int depth = 0);
  /// As Velocity's `==`.
  bool equal(const Value& a, const Value& b);
  std::vector<Value>& items(List& list);
  std::vector<Entry>& items(Map& map);

  // Limits (renderer.cpp)
  void write(std::string& out, std::string_view text);
  Value keep(std::string text);
  bool spend(std::int64_t steps);
  /// Null, and everything ends.
  Value fail_here(std::string_view message);
  bool failed() const { return flow_ == Flow::failed; }

  const Program& program_;
  const Context& context_;
  Heap heap_;
  std::vector<Value> variables_;
  Map* context_map_;
  bool has_stage_variables_ = false;
  std::optional<json::Value> body_text_;  // the body as a JSON string, when it is no JSON
  std::vector<std::pair<std::string, Pattern>> patterns_;

  Flow flow_ = Flow::next;
  Error error_;
  std::uint32_t here_ = 0;  // in the source, for messages
  int depth_ = 0;
  std::int64_t steps_ = limits::steps_max;
  std::int64_t pattern_work_ = limits::pattern_work_max;
  std::size_t made_ = 0;
};

}  // namespace sallyport::vtl
