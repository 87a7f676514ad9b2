#include "cloudformation/parameters.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/text.hpp"

namespace sallyport::cloudformation {
namespace {

std::optional<double> to_number(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

class Declaration {
 public:
  Declaration(const Entry& entry, Report& report) : entry_(entry), report_(report), where_(cat("Parameters.", entry.key)) {}

  Node value(const std::map<std::string, std::string>& given) {
    if (entry_.value.map() == nullptr) return broken(entry_.key_at, "", cat("must be a mapping, is ", entry_.value.kind()));
    static constexpr std::string_view known[] = {
        "Type",     "Default", "AllowedValues", "AllowedPattern",       "MinLength", "MaxLength", "MinValue",
        "MaxValue", "NoEcho",  "Description",   "ConstraintDescription"};
    for (const auto& member : *entry_.value.map())
      if (std::ranges::find(known, member.key) == std::end(known)) broken(member.key_at, member.key, "no such member of a parameter");

    const auto type = text("Type");
    if (!type) return broken(entry_.key_at, "Type", "missing");
    if (!read_type(*type)) return broken_;
    const auto* no_echo = entry_.value.find("NoEcho");
    secret_ = no_echo != nullptr && no_echo->scalar() == "true";

    const auto override = given.find(entry_.key);
    auto raw = override != given.end() ? std::optional(override->second) : text("Default");
    if (!raw) return broken(entry_.key_at, "", "has no value", cat("pass --parameter ", entry_.key, "=VALUE, or give it a Default"));

    List items;
    if (list_) {
      for (const auto part : split(*raw, ',')) items.push_back(Node(entry_.key_at, trim(part)));
      if (raw->empty()) items.clear();
    } else {
      items.push_back(Node(entry_.key_at, std::string_view(*raw)));
    }
    for (const auto& item : items) check(*item.string());
    if (!broken_.is_null()) return broken_;
    return list_ ? Node(entry_.key_at, std::move(items)) : std::move(items.front());
  }

 private:
  Node broken(Location at, std::string_view member, std::string message, std::string hint = {}) {
    report_.problem(at, member.empty() ? where_ : cat(where_, ".", member), std::move(message), std::move(hint));
    broken_ = Node(entry_.key_at, Broken{});
    return broken_;
  }

  std::optional<std::string> text(std::string_view member) {
    const auto* node = entry_.value.find(member);
    if (node == nullptr) return std::nullopt;
    auto scalar = node->scalar();
    if (!scalar) broken(node->at, member, cat("must be a string, is ", node->kind()));
    return scalar;
  }

  std::optional<double> bound(std::string_view member) {
    const auto written = text(member);
    if (!written) return std::nullopt;
    const auto number = to_number(*written);
    if (!number) broken(entry_.value.find(member)->at, member, "must be a number");
    return number;
  }

  bool read_type(std::string_view type) {
    const auto* at = entry_.value.find("Type");
    numeric_ = type == "Number" || type == "List<Number>";
    list_ = type == "CommaDelimitedList" || type.starts_with("List<");
    if (numeric_ || type == "String" || type == "CommaDelimitedList") return true;
    if (type.starts_with("AWS::SSM::")) {
      broken(at->at, "Type", cat("`", type, "` reads the parameter store, which does not exist here"), "use Type: String with a Default");
      return false;
    }
    if (type.starts_with("AWS::") || type.starts_with("List<AWS::")) {
      report_.unsupported(at->at, cat(where_, ".Type"), cat("`", type, "` names resources of an AWS account"), "use Type: String");
      return report_.ignores_unsupported();
    }
    broken(at->at, "Type", cat("`", type, "` is no parameter type"), "String, Number, List<Number> or CommaDelimitedList");
    return false;
  }

  void check(const std::string& value) {
    const auto shown = secret_ ? std::string("the value") : cat("`", value, "`");
    if (numeric_ && !to_number(value)) broken(entry_.key_at, "", cat(shown, " is not a number"));
    if (const auto* allowed = entry_.value.find("AllowedValues")) {
      const auto* list = allowed->list();
      if (list == nullptr)
        broken(allowed->at, "AllowedValues", cat("must be a list, is ", allowed->kind()));
      else if (std::ranges::none_of(*list, [&](const Node& node) { return node.scalar() == value; }))
        broken(entry_.key_at, "", cat(shown, " is not among AllowedValues"), explanation());
    }
    if (const auto pattern = text("AllowedPattern")) {
      RE2::Options options;
      options.set_log_errors(false);
      const RE2 expression(*pattern, options);
      if (!expression.ok())
        broken(entry_.value.find("AllowedPattern")->at, "AllowedPattern", cat("cannot be used: ", expression.error()));
      else if (!RE2::FullMatch(value, expression))
        broken(entry_.key_at, "", cat(shown, " does not match AllowedPattern `", *pattern, "`"), explanation());
    }
    const auto length = static_cast<double>(characters(value));
    if (const auto least = bound("MinLength"); least && length < *least)
      broken(entry_.key_at, "", cat(shown, " is shorter than MinLength"), explanation());
    if (const auto most = bound("MaxLength"); most && length > *most)
      broken(entry_.key_at, "", cat(shown, " is longer than MaxLength"), explanation());
    const auto number = to_number(value);
    if (const auto least = bound("MinValue"); least && number && *number < *least)
      broken(entry_.key_at, "", cat(shown, " is below MinValue"), explanation());
    if (const auto most = bound("MaxValue"); most && number && *number > *most)
      broken(entry_.key_at, "", cat(shown, " is above MaxValue"), explanation());
  }

  std::string explanation() { return text("ConstraintDescription").value_or(""); }

  const Entry& entry_;
  Report& report_;
  std::string where_;
  bool numeric_ = false;
  bool list_ = false;
  bool secret_ = false;
  Node broken_;
};

}  // namespace

Parameters read_parameters(const Node* section, const std::map<std::string, std::string>& given, Report& report) {
  Parameters parameters;
  std::vector<std::string_view> names;
  if (section != nullptr && section->map() == nullptr) {
    report.problem(section->at, "Parameters", cat("must be a mapping, is ", section->kind()));
    return parameters;
  }
  if (section != nullptr)
    for (const auto& entry : *section->map()) {
      names.push_back(entry.key);
      parameters.emplace(entry.key, Declaration(entry, report).value(given));
    }
  for (const auto& [name, value] : given) {
    if (parameters.contains(name)) continue;
    const auto like = nearest(name, names);
    report.problem({}, cat("--parameter ", name), "the template declares no such parameter",
                   like.empty() ? "" : cat("did you mean ", like, "?"));
  }
  return parameters;
}

}  // namespace sallyport::cloudformation
