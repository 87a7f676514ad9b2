#include "vtl/renderer.hpp"

#include <algorithm>
#include <cmath>

#include "base/text.hpp"

namespace sallyport::vtl {
namespace {

// Of blocks and expressions within each other. A template's own nesting fits several times; what goes further is a #define that leads
// back to itself.
constexpr int running_depth_max = 4 * limits::depth_max;
constexpr std::size_t bytes_a_step = 256;

using Wide = __int128;

std::string digits_of(Wide number) {
  const bool negative = number < 0;
  std::string digits;
  do {
    const auto digit = static_cast<int>(number % 10);
    digits += static_cast<char>('0' + (digit < 0 ? -digit : digit));
    number /= 10;
  } while (number != 0);
  if (negative) digits += '-';
  std::ranges::reverse(digits);
  return digits;
}

std::optional<Wide> to_wide(const Value& number) {
  if (number.kind == Value::Kind::integer) return number.as.integer;
  auto text = number.view();
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  Wide result = 0;
  for (char c : text)
    if (__builtin_mul_overflow(result, 10, &result) || __builtin_sub_overflow(result, c - '0', &result)) return std::nullopt;
  if (!negative && __builtin_sub_overflow(Wide{0}, result, &result)) return std::nullopt;
  return result;
}

bool is_comparison(Operator op) { return op >= Operator::equal; }

}  // namespace

Renderer::Renderer(const Program& program, const Context& context)
    : program_(program), context_(context), variables_(program.slots.size()), context_map_(heap_.map()) {
  variables_[slot_input] = Value::root(Value::Kind::input);
  variables_[slot_util] = Value::root(Value::Kind::util);
  variables_[slot_context] = Value::map(context_map_);
}

Result<Rendered> Renderer::run() {
  Rendered rendered;
  run_block(program_.main, rendered.text);
  if (!failed()) rendered.overrides = overrides();
  if (failed()) return std::unexpected(std::move(error_));
  return rendered;
}

// --- limits

Value Renderer::fail_here(std::string_view message) {
  if (!failed()) error_ = Error{cat(place(program_.source, here_), message)};
  flow_ = Flow::failed;
  return {};
}

bool Renderer::spend(std::int64_t steps) {
  steps_ -= steps;
  if (steps_ < 0) fail_here(cat("rendering takes more than ", limits::steps_max, " steps"));
  return steps_ >= 0;
}

void Renderer::write(std::string& out, std::string_view text) {
  if (out.size() + text.size() > limits::output_bytes_max) {
    fail_here(cat("rendering gives more than ", limits::output_bytes_max, " bytes"));
    return;
  }
  spend(static_cast<std::int64_t>(text.size() / bytes_a_step));
  out.append(text);
}

Value Renderer::keep(std::string text) {
  made_ += text.size();
  if (text.size() > limits::output_bytes_max || made_ > limits::made_bytes_max) return fail_here("rendering makes too much text");
  return Value::text(heap_.keep(std::move(text)));
}

// --- statements

void Renderer::run_block(Index list, std::string& out) {
  if (++depth_ > running_depth_max) fail_here("`#define` leads back to itself, or nests too deep");
  for (const auto index : program_.lists[list]) {
    if (flow_ != Flow::next || !spend(1)) break;
    run_statement(program_.nodes[index], out);
  }
  --depth_;
}

void Renderer::run_statement(const Node& node, std::string& out) {
  here_ = node.offset;
  switch (node.kind) {
    case Node::Kind::text: return write(out, node.text);
    case Node::Kind::output: return output(node, out);
    case Node::Kind::set: {
      const auto value = evaluate(node.b);
      if (flow_ == Flow::next && !value.is_null()) assign(program_.references[node.a], value);
      return;
    }
    case Node::Kind::condition: return run_condition(node, out);
    case Node::Kind::foreach: return run_foreach(node, out);
    case Node::Kind::define: variables_[node.a] = Value::block(&node); return;
    case Node::Kind::leave: flow_ = Flow::leave; return;
    default: flow_ = Flow::stop; return;
  }
}

void Renderer::run_condition(const Node& node, std::string& out) {
  const auto& branches = program_.lists[node.list];
  std::size_t i = 0;
  for (; i + 1 < branches.size(); i += 2) {
    const bool chosen = holds(branches[i]);
    if (flow_ != Flow::next) return;
    if (chosen) return run_block(branches[i + 1], out);
  }
  if (i < branches.size()) run_block(branches[i], out);
}

void Renderer::run_foreach(const Node& node, std::string& out) {
  const auto over = evaluate(node.b);
  if (flow_ != Flow::next) return;
  std::vector<Value> values;
  if (over.kind == Value::Kind::list) {
    values = items(*over.as.list);
  } else if (over.kind == Value::Kind::map) {
    for (const auto& entry : items(*over.as.map)) values.push_back(entry.value);
  }
  if (values.empty() || !spend(static_cast<std::int64_t>(values.size()))) return;

  const Index own[] = {node.a, slot_foreach, slot_count, slot_has_next};
  Value before[std::size(own)];
  for (std::size_t i = 0; i < std::size(own); ++i) before[i] = variables_[own[i]];
  const auto outer = variables_[slot_foreach];
  auto* scope = heap_.scope({.parent = outer.kind == Value::Kind::scope ? outer.as.scope : nullptr});
  variables_[slot_foreach] = Value::scope(scope);

  for (std::size_t i = 0; i < values.size() && flow_ == Flow::next && spend(1); ++i) {
    if (i == static_cast<std::size_t>(limits::rounds_max)) {
      here_ = node.offset;
      fail_here(cat("`#foreach` takes more than ", limits::rounds_max, " rounds"));
      break;
    }
    scope->index = static_cast<std::int64_t>(i);
    scope->has_next = i + 1 < values.size();
    variables_[slot_count] = Value::integer(scope->index + 1);
    variables_[slot_has_next] = Value::boolean(scope->has_next);
    variables_[node.a] = values[i];
    run_block(node.list, out);
  }
  if (flow_ == Flow::leave) flow_ = Flow::next;
  for (std::size_t i = 0; i < std::size(own); ++i) variables_[own[i]] = before[i];
}

void Renderer::output(const Node& node, std::string& out) {
  const auto& reference = program_.references[node.a];
  if (!reference.prints) return write(out, reference.literal);
  const auto value = read(reference);
  if (flow_ == Flow::next) append(out, value);
}

void Renderer::assign(const Reference& reference, const Value& value) {
  if (reference.steps.empty()) {
    if (reference.assigns) variables_[reference.slot] = value;
    return;
  }
  auto owner = variable(reference.slot);
  for (std::size_t i = 0; i + 1 < reference.steps.size() && !owner.is_null(); ++i) owner = take(owner, reference.steps[i]);
  const auto& last = reference.steps.back();
  here_ = last.offset;
  const auto key = last.kind == Step::Kind::index ? evaluate(last.arguments[0]) : Value::text(last.name);
  if (flow_ != Flow::next) return;
  if (owner.kind == Value::Kind::map) {
    items(*owner.as.map);
    heap_.put(*owner.as.map, key, value);
  } else if (owner.kind == Value::Kind::list && !owner.as.list->is_view && key.kind == Value::Kind::integer) {
    const Value arguments[] = {
        key.as.integer < 0 ? Value::integer(key.as.integer + static_cast<std::int64_t>(items(*owner.as.list).size())) : key, value};
    call_list(*owner.as.list, Method::set, arguments);
  }
}

// --- expressions

Value Renderer::evaluate(Index index) {
  const auto& node = program_.nodes[index];
  if (flow_ != Flow::next || !spend(1)) return {};
  if (depth_ > running_depth_max) return fail_here("`#define` leads back to itself, or nests too deep");
  ++depth_;
  Value result;
  switch (node.kind) {
    case Node::Kind::constant: result = node.constant; break;
    case Node::Kind::reference: result = read(program_.references[node.a]); break;
    case Node::Kind::interpolated: result = interpolate(node); break;
    case Node::Kind::range: result = range(node); break;
    case Node::Kind::chain: result = fold(node); break;
    case Node::Kind::list: {
      auto* list = heap_.list();
      for (const auto item : program_.lists[node.list]) list->items.push_back(evaluate(item));
      result = Value::list(list);
      break;
    }
    case Node::Kind::map: {
      auto* map = heap_.map();
      const auto& parts = program_.lists[node.list];
      for (std::size_t i = 0; i + 1 < parts.size(); i += 2) {
        const auto key = evaluate(parts[i]);
        heap_.put(*map, key, evaluate(parts[i + 1]));
      }
      result = Value::map(map);
      break;
    }
    default: result = Value::boolean(holds(index)); break;
  }
  --depth_;
  return flow_ == Flow::next ? result : Value{};
}

// What is true: only a reference that is not false, and what compares or combines. A literal but `true` is false.
bool Renderer::holds(Index index) {
  const auto& node = program_.nodes[index];
  if (flow_ != Flow::next || !spend(1)) return false;
  if (depth_ > running_depth_max) {
    fail_here("`#define` leads back to itself, or nests too deep");
    return false;
  }
  ++depth_;
  bool result = false;
  switch (node.kind) {
    case Node::Kind::constant: result = node.constant.kind == Value::Kind::boolean && node.constant.as.boolean; break;
    case Node::Kind::reference: {
      const auto value = read(program_.references[node.a]);
      result = value.kind == Value::Kind::boolean ? value.as.boolean : !value.is_null();
      break;
    }
    case Node::Kind::negation: result = !holds(node.a); break;
    case Node::Kind::all: result = std::ranges::all_of(program_.lists[node.list], [&](Index part) { return holds(part); }); break;
    case Node::Kind::any: result = std::ranges::any_of(program_.lists[node.list], [&](Index part) { return holds(part); }); break;
    case Node::Kind::chain: {
      const auto& parts = program_.lists[node.list];
      if (!is_comparison(static_cast<Operator>(parts[parts.size() - 2]))) break;
      const auto value = fold(node);
      result = value.kind == Value::Kind::boolean && value.as.boolean;
      break;
    }
    default: break;
  }
  --depth_;
  return result && flow_ == Flow::next;
}

Value Renderer::interpolate(const Node& node) {
  std::string text;
  run_block(node.list, text);
  if (flow_ != Flow::next) return {};
  if (!node.has_comment && !text.empty()) text.pop_back();
  return keep(std::move(text));
}

Value Renderer::range(const Node& node) {
  const auto from = evaluate(node.a), to = evaluate(node.b);
  if (!from.is_number() || !to.is_number()) return {};
  const auto whole = [](const Value& number) {
    return static_cast<std::int64_t>(std::clamp(to_real(number), -2147483648.0, 2147483647.0));
  };
  const auto first = whole(from), last = whole(to);
  const auto count = std::abs(last - first) + 1;
  if (!spend(count)) return {};
  auto* list = heap_.list();
  list->items.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) list->items.push_back(Value::integer(first <= last ? first + i : first - i));
  return Value::list(list);
}

Value Renderer::fold(const Node& node) {
  const auto& parts = program_.lists[node.list];
  auto left = evaluate(parts[0]);
  for (std::size_t i = 1; i + 1 < parts.size() && flow_ == Flow::next; i += 2) {
    const auto right = evaluate(parts[i + 1]);
    here_ = node.offset;
    if (spend(1)) left = apply(static_cast<Operator>(parts[i]), left, right);
  }
  return left;
}

Value Renderer::apply(Operator op, const Value& left, const Value& right) {
  if (op == Operator::equal) return Value::boolean(equal(left, right));
  if (op == Operator::not_equal) return Value::boolean(!equal(left, right));
  if (op == Operator::add && (left.is_text() || right.is_text())) return add_texts(left, right);
  const bool numbers = left.is_number() && right.is_number();
  if (!is_comparison(op)) return numbers ? calculate(op, left, right) : Value{};
  if (!numbers) return Value::boolean(false);
  const bool whole = left.kind == Value::Kind::integer && right.kind == Value::Kind::integer;
  const auto order = whole ? std::partial_ordering(left.as.integer <=> right.as.integer) : to_real(left) <=> to_real(right);
  switch (op) {
    case Operator::less: return Value::boolean(order < 0);
    case Operator::less_or_equal: return Value::boolean(order <= 0);
    case Operator::greater: return Value::boolean(order > 0);
    default: return Value::boolean(order >= 0);
  }
}

Value Renderer::add_texts(const Value& left, const Value& right) {
  std::string text;
  for (const auto* part : {&left, &right})
    if (part->is_null())
      write(text, "null");
    else
      append(text, *part);
  return failed() ? Value{} : keep(std::move(text));
}

// As Java: whole numbers stay whole and grow as needed, division by zero is null.
Value Renderer::calculate(Operator op, const Value& left, const Value& right) {
  if (left.kind == Value::Kind::real || right.kind == Value::Kind::real) {
    const auto a = to_real(left), b = to_real(right);
    switch (op) {
      case Operator::add: return Value::real(a + b);
      case Operator::subtract: return Value::real(a - b);
      case Operator::multiply: return Value::real(a * b);
      case Operator::divide: return b == 0 ? Value{} : Value::real(a / b);
      default: return b == 0 ? Value{} : Value::real(std::fmod(a, b));
    }
  }
  const auto a = to_wide(left), b = to_wide(right);
  Wide result = 0;
  bool fits = a && b;
  if (fits) switch (op) {
      case Operator::add: fits = !__builtin_add_overflow(*a, *b, &result); break;
      case Operator::subtract: fits = !__builtin_sub_overflow(*a, *b, &result); break;
      case Operator::multiply: fits = !__builtin_mul_overflow(*a, *b, &result); break;
      default:
        if (*b == 0) return {};
        // The one quotient that does not fit: the smallest number by -1.
        fits = *b != -1 || !__builtin_sub_overflow(Wide{0}, *a, &result);
        if (fits) result = *b == -1 ? (op == Operator::divide ? -*a : 0) : op == Operator::divide ? *a / *b : *a % *b;
    }
  if (!fits) return fail_here("a number has more than 128 bits");
  if (result >= INT64_MIN && result <= INT64_MAX) return Value::integer(static_cast<std::int64_t>(result));
  auto digits = keep(digits_of(result));
  digits.kind = Value::Kind::big;
  return digits;
}

// --- references

Value Renderer::read(const Reference& reference) {
  if (reference.slot == none) return {};
  auto value = variable(reference.slot);
  for (const auto& step : reference.steps) {
    if (value.is_null()) break;
    value = take(value, step);
  }
  // API Gateway puts an empty text in the place of everything that is not there; so it prints as nothing, and counts as true.
  return value.is_null() ? Value::text("") : value;
}

Value Renderer::variable(Index slot) {
  auto& value = variables_[slot];
  if (slot == slot_stage_variables && value.is_null() && !has_stage_variables_) {
    has_stage_variables_ = true;
    value = heap_.from_json(heap_.keep(context_.stage_variables()));
  }
  return value;
}

Value Renderer::take(const Value& from, const Step& step) {
  if (flow_ != Flow::next || !spend(1)) return {};
  if (step.kind == Step::Kind::property) {
    here_ = step.offset;
    return property(from, step.name);
  }
  constexpr std::size_t arguments_max = 8;  // no method has more; others are evaluated all the same
  Value arguments[arguments_max];
  for (std::size_t i = 0; i < step.arguments.size(); ++i) arguments[std::min(i, arguments_max - 1)] = evaluate(step.arguments[i]);
  here_ = step.offset;
  if (flow_ != Flow::next) return {};
  if (step.kind == Step::Kind::index) return element(from, arguments[0]);
  return call(from, step, {arguments, std::min(step.arguments.size(), arguments_max)});
}

Value Renderer::property(const Value& from, std::string_view name) {
  switch (from.kind) {
    case Value::Kind::map: return member(*from.as.map, Value::text(name));
    case Value::Kind::list: return name == "empty" ? Value::boolean(items(*from.as.list).empty()) : Value{};
    case Value::Kind::text: return name == "empty" ? Value::boolean(from.size == 0) : Value{};
    case Value::Kind::entry: return name == "key" ? from.as.entry->key : name == "value" ? from.as.entry->value : Value{};
    case Value::Kind::input:
      if (name != "body") return {};
      return Value::text(context_.body().empty() ? "{}" : context_.body());
    case Value::Kind::scope: {
      auto* scope = from.as.scope;
      if (name == "index") return Value::integer(scope->index);
      if (name == "count") return Value::integer(scope->index + 1);
      if (name == "hasNext") return Value::boolean(scope->has_next);
      if (name == "first") return Value::boolean(scope->index < 1);
      if (name == "last") return Value::boolean(!scope->has_next);
      if (name == "parent") return scope->parent ? Value::scope(scope->parent) : Value{};
      if (name != "topmost") return {};
      while (scope->parent) scope = scope->parent;
      return Value::scope(scope);
    }
    default: return {};
  }
}

Value Renderer::element(const Value& from, const Value& argument) {
  if (from.kind == Value::Kind::map) return member(*from.as.map, argument);
  if (from.kind != Value::Kind::list || from.as.list->is_view || argument.kind != Value::Kind::integer) return {};
  const auto& list = items(*from.as.list);
  const auto size = static_cast<std::int64_t>(list.size());
  const auto index = argument.as.integer < 0 ? argument.as.integer + size : argument.as.integer;
  if (index < 0 || index >= size) return fail_here(cat("there is no element ", argument.as.integer, " in a list of ", size));
  return list[static_cast<std::size_t>(index)];
}

Value Renderer::member(Map& map, const Value& key) {
  if (!spend(static_cast<std::int64_t>(key.size / bytes_a_step))) return {};
  if (&map == context_map_ && key.is_text()) load_context(key.view());
  items(map);
  const auto* value = heap_.find(map, key);
  return value ? *value : Value{};
}

// The members of $context are asked for one by one. The two that can be set always have their maps.
void Renderer::load_context(std::string_view name) {
  if (heap_.find(*context_map_, Value::text(name))) return;
  const auto value = heap_.from_json(heap_.keep(context_.context(name)));
  const bool is_request = name == "requestOverride";
  if (!is_request && name != "responseOverride") return heap_.put(*context_map_, Value::text(name), value);
  auto* map = value.kind == Value::Kind::map ? value.as.map : heap_.map();
  for (const std::string_view part : {"header", "querystring", "path"})
    if ((is_request || part == "header") && !heap_.find(*map, Value::text(part)))
      heap_.put(*map, Value::text(part), Value::map(heap_.map()));
  heap_.put(*context_map_, Value::text(name), Value::map(map));
}

Overrides Renderer::overrides() { return {override_of("requestOverride"), override_of("responseOverride")}; }

json::Value Renderer::override_of(std::string_view name) {
  const auto* value = heap_.find(*context_map_, Value::text(name));
  if (!value) return context_.context(name);
  auto document = to_json(*value);
  if (auto* members = document.object()) {
    std::erase_if(*members, [](const json::Member& member) { return member.second.object() && member.second.object()->empty(); });
    if (members->empty()) return {};
  }
  return document;
}

}  // namespace sallyport::vtl
