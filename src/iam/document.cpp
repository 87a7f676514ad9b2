#include "iam/document.hpp"

#include <algorithm>

#include "iam/errors.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"

namespace sallyport::iam {
namespace {

/// Calls `each` with every statement object. REQUIRES: nothing of the document's form.
template <class Value, class Each>
void for_each_statement(Value& document, Each each) {
  auto* members = document.object();
  if (!members) return;
  for (auto& [name, value] : *members) {
    if (name != "Statement") continue;
    if (auto* list = value.array())
      for (auto& statement : *list) each(statement);
    else
      each(value);
  }
}

/// Calls `each` with every string of the `AWS` member of Principal and NotPrincipal.
template <class Value, class Each>
void for_each_aws_principal(Value& document, Each each) {
  for_each_statement(document, [&](auto& statement) {
    auto* members = statement.object();
    if (!members) return;
    for (auto& [name, value] : *members) {
      auto* kinds = name == "Principal" || name == "NotPrincipal" ? value.object() : nullptr;
      if (!kinds) continue;
      for (auto& [kind, names] : *kinds) {
        if (kind != "AWS") continue;
        if (auto* text = names.string()) each(*text);
        if (auto* list = names.array())
          for (auto& item : *list)
            if (auto* text = item.string()) each(*text);
      }
    }
  });
}

/// What stands between `${` and `}`, up to the comma of a default. `${*}`, `${?}` and `${$}` are characters and no keys.
void add_variables_of(std::string_view text, std::set<std::string, CaseBlindLess>& out) {
  for (auto at = text.find("${"); at != text.npos; at = text.find("${", at + 2)) {
    const auto end = text.find('}', at);
    if (end == text.npos) return;
    const auto name = trim(text.substr(at + 2, text.find(',', at) < end ? text.find(',', at) - at - 2 : end - at - 2));
    if (!name.empty() && name != "*" && name != "?" && name != "$") out.emplace(name);
  }
}

void add_variables(const json::Value& value, std::set<std::string, CaseBlindLess>& out) {
  if (const auto* text = value.string()) add_variables_of(*text, out);
  if (const auto* list = value.array())
    for (const auto& item : *list)
      if (const auto* text = item.string()) add_variables_of(*text, out);
}

/// Our compiler's reason in the words of AWS's service, where these are known.
std::string in_aws_words(std::string_view reason) {
  const auto has = [&](std::string_view part) { return reason.find(part) != reason.npos; };
  if (has("has no place in an identity policy")) return "Policy document should not specify a principal.";
  if (has("a trust policy has no Resource")) return "Has prohibited field Resource";
  if (has("wants either Principal or NotPrincipal")) return "Missing required field Principal";
  if (has("wants either Action or NotAction")) return "Policy statement must contain actions.";
  if (has("wants either Resource or NotResource")) return "Policy statement must contain resources.";
  if (has("Effect: missing")) return "Missing required field Effect";
  if (has("is neither `*` nor service:action")) return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
  if (const auto at = reason.find("` is neither `*` nor an ARN"); at != reason.npos) {
    const auto from = reason.substr(0, at).rfind('`') + 1;
    return cat("Resource ", reason.substr(from, at - from), " must be in ARN format or \"*\".");
  }
  if (const auto at = reason.find("Principal: "); at != reason.npos) return cat("Invalid principal in policy: ", reason.substr(at + 11));
  return cat("Syntax errors in policy. ", reason);
}

}  // namespace

std::size_t counted_bytes(std::string_view document) {
  return static_cast<std::size_t>(std::ranges::count_if(document, [](char c) { return c != ' ' && c != '\t' && c != '\n' && c != '\r'; }));
}

control::Answer<policy::Document> check_document(std::string_view text, policy::DocumentKind kind) {
  if (const auto value = json::parse(text, json::limits::document_depth_max); !value || !value->object())
    return malformed_policy("This policy contains invalid Json");
  auto document = policy::Document::parse(text, kind);
  if (!document) return malformed_policy(in_aws_words(document.error().message));
  if (document->statement_count() == 0) return malformed_policy("Syntax errors in policy. Statement: is an empty list");
  return std::move(*document);
}

std::vector<std::string> named_principals(std::string_view document) {
  std::vector<std::string> out;
  const auto value = json::parse(document, json::limits::document_depth_max);
  if (!value) return out;
  for_each_aws_principal(*value, [&](const std::string& text) {
    const auto arn = aws::parse_arn(text);
    if (arn && arn->resource != "root") out.push_back(text);
  });
  return out;
}

std::string with_principals_replaced(std::string_view document, const TextMap& ids) {
  auto value = json::parse(document, json::limits::document_depth_max);
  if (!value || ids.empty()) return std::string(document);
  for_each_aws_principal(*value, [&](std::string& text) {
    if (const auto found = ids.find(text); found != ids.end()) text = found->second;
  });
  return json::to_text(*value);
}

std::set<std::string, CaseBlindLess> context_keys(std::string_view document) {
  std::set<std::string, CaseBlindLess> out;
  const auto value = json::parse(document, json::limits::document_depth_max);
  if (!value) return out;
  const auto* version = value->find("Version");
  const bool has_variables = version && version->string() && *version->string() == "2012-10-17";
  for_each_statement(*value, [&](const json::Value& statement) {
    for (const auto* element : {"Resource", "NotResource"})
      if (const auto* resource = statement.find(element); resource && has_variables) add_variables(*resource, out);
    const auto* conditions = statement.find("Condition");
    if (!conditions || !conditions->object()) return;
    for (const auto& [name, keys] : *conditions->object()) {
      if (!keys.object()) continue;
      for (const auto& [key, operands] : *keys.object()) {
        out.insert(key);
        if (has_variables) add_variables(operands, out);
      }
    }
  });
  return out;
}

std::vector<StatementPlace> statement_places(std::string_view document) {
  std::vector<StatementPlace> out;
  if (!json::parse(document, json::limits::document_depth_max)) return out;
  // Well-formed from here on: a string at depth 1 before a colon is the name of a member of the document.
  int depth = 0;
  int statement_depth = 0;  // around the braces of a statement; 0 outside of `Statement`
  std::string_view name;
  for (std::size_t i = 0; i < document.size(); ++i) {
    const char c = document[i];
    if (c == '"') {
      const auto from = i + 1;
      for (++i; document[i] != '"'; ++i)
        if (document[i] == '\\') ++i;
      if (depth == 1) name = document.substr(from, i - from);
    } else if (c == ':' && depth == 1) {
      statement_depth = name == "Statement" ? 1 : 0;
    } else if (c == '{' || c == '[') {
      if (c == '[' && depth == 1 && statement_depth == 1) statement_depth = 2;
      if (c == '{' && depth != 0 && depth == statement_depth) out.push_back({i, 0});
      ++depth;
    } else if (c == '}' || c == ']') {
      --depth;
      if (c == '}' && depth != 0 && depth == statement_depth) out.back().end = i + 1;
    }
  }
  return out;
}

}  // namespace sallyport::iam
