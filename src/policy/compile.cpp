#include "policy/compile.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "json/parse.hpp"

namespace sallyport::policy {
namespace {

/// Reads a document; every message is prefixed with the place it speaks of.
class Compiler {
 public:
  Compiler(DocumentKind kind) { compiled_.kind = kind; }

  Result<CompiledDocument> compile(const json::Value& document) {
    const auto* members = document.object();
    if (!members) return fail(cat("a policy document is an object, not ", document.kind()));
    for (const auto& [name, value] : *members) {
      if (name != "Version" && name != "Id" && name != "Statement") return fail(cat("unknown element `", name, "`"));
      if (name != "Statement" && !value.string()) return fail(cat(name, ": wants a string, not ", value.kind()));
    }
    // Only this version of the language reads policy variables; the older one is the default.
    if (const auto* version = document.find("Version")) {
      if (*version->string() != "2012-10-17" && *version->string() != "2008-10-17")
        return fail(cat("Version: `", *version->string(), "` is neither 2012-10-17 nor 2008-10-17"));
      variables_ = *version->string() == "2012-10-17";
    }
    const auto* statements = document.find("Statement");
    if (!statements) return fail("Statement: missing");
    if (statements->object()) {
      if (auto done = add_statement(*statements, "Statement"); !done) return fail(done.error().message);
    } else if (const auto* list = statements->array()) {
      for (std::size_t i = 0; i < list->size(); ++i)
        if (auto done = add_statement((*list)[i], cat("Statement[", i, "]")); !done) return fail(done.error().message);
    } else {
      return fail(cat("Statement: wants an object or a list of objects, not ", statements->kind()));
    }
    return std::move(compiled_);
  }

 private:
  bool names_principals() const { return compiled_.kind == DocumentKind::resource || compiled_.kind == DocumentKind::trust; }

  Result<> add_statement(const json::Value& value, const std::string& place) {
    const auto at = [&](std::string_view element, std::string_view message) { return fail(cat(place, ".", element, ": ", message)); };
    const auto* members = value.object();
    if (!members) return fail(cat(place, ": wants an object, not ", value.kind()));
    Statement statement;
    for (const auto& [name, member] : *members) {
      Result<> read;
      if (name == "Sid")
        read = read_sid(statement, member);
      else if (name == "Effect")
        read = read_effect(statement, member);
      else if (name == "Action" || name == "NotAction")
        read = read_actions(statement, member);
      else if (name == "Resource" || name == "NotResource")
        read = read_resources(statement, member);
      else if (name == "Principal" || name == "NotPrincipal")
        read = read_principal(statement, member, name, place);
      else if (name == "Condition")
        read = read_conditions(statement, member);
      else
        return fail(cat(place, ": unknown element `", name, "`"));
      if (!read) return at(name, read.error().message);
    }
    const auto count = [&](std::string_view positive, std::string_view negative) {
      return (value.find(positive) ? 1 : 0) + (value.find(negative) ? 1 : 0);
    };
    if (!value.find("Effect")) return at("Effect", "missing");
    if (count("Action", "NotAction") != 1) return fail(cat(place, ": wants either Action or NotAction"));
    statement.not_action = value.find("NotAction") != nullptr;
    if (compiled_.kind == DocumentKind::trust) {
      if (statement.resources) return fail(cat(place, ": a trust policy has no Resource"));
    } else if (count("Resource", "NotResource") != 1) {
      return fail(cat(place, ": wants either Resource or NotResource"));
    }
    statement.not_resource = value.find("NotResource") != nullptr;
    if (names_principals() && count("Principal", "NotPrincipal") != 1) return fail(cat(place, ": wants either Principal or NotPrincipal"));
    compiled_.statements.push_back(std::move(statement));
    return {};
  }

  static Result<> read_sid(Statement& statement, const json::Value& value) {
    if (!value.string()) return fail(cat("wants a string, not ", value.kind()));
    statement.sid = *value.string();
    return {};
  }

  static Result<> read_effect(Statement& statement, const json::Value& value) {
    const auto* effect = value.string();
    if (!effect || (*effect != "Allow" && *effect != "Deny")) return fail("is neither `Allow` nor `Deny`");
    statement.allow = *effect == "Allow";
    return {};
  }

  /// A string or a list of them, with at least one, and none empty.
  static Result<std::vector<std::string>> read_strings(const json::Value& value) {
    std::vector<std::string> texts;
    if (const auto* text = value.string()) {
      texts.push_back(*text);
    } else if (const auto* list = value.array()) {
      for (const auto& item : *list) {
        if (!item.string()) return fail(cat("wants strings, not ", item.kind()));
        texts.push_back(*item.string());
      }
    } else {
      return fail(cat("wants a string or a list of strings, not ", value.kind()));
    }
    if (texts.empty()) return fail("is an empty list");
    if (std::ranges::any_of(texts, &std::string::empty)) return fail("has an empty string");
    return texts;
  }

  static Result<> read_actions(Statement& statement, const json::Value& value) {
    auto texts = read_strings(value);
    if (!texts) return fail(texts.error().message);
    for (const auto& text : *texts) {
      if (text != "*") {
        const auto colon = text.find(':');
        const auto service = std::string_view(text).substr(0, colon);
        if (colon == text.npos || service.empty() || colon + 1 == text.size())
          return fail(cat("`", text, "` is neither `*` nor service:action"));
        if (service != "*" && service.find_first_of("*?") != service.npos) return fail(cat("`", text, "` has a wildcard in the service"));
      }
      statement.actions.push_back(*Pattern::compile(text, {.wildcards = Wildcards::free, .ignore_case = true}));
    }
    return {};
  }

  Result<> read_resources(Statement& statement, const json::Value& value) {
    auto texts = read_strings(value);
    if (!texts) return fail(texts.error().message);
    statement.resources.emplace();
    for (const auto& text : *texts) {
      if (auto checked = check_resource(text); !checked) return checked;
      auto pattern = Pattern::compile(text, {.wildcards = Wildcards::resource, .variables = variables_});
      if (!pattern) return fail(pattern.error().message);
      statement.resources->push_back(std::move(*pattern));
    }
    return {};
  }

  Result<> check_resource(std::string_view text) const {
    if (text == "*") return {};
    if (!text.starts_with("arn:")) return fail(cat("`", text, "` is neither `*` nor an ARN"));
    const auto arn = arn_subject(text);
    const auto header = text.substr(0, arn.fifth_colon);
    if (variables_ && header.find("${") != header.npos)
      return fail(cat("`", text, "`: policy variables may stand only in the last part of an ARN"));
    if (!arn.is_arn() && !text.ends_with('*')) return fail(cat("`", text, "` is not an ARN of six parts"));
    const auto parts = split(header, ':');
    if (parts.size() > 2 && parts[2].find_first_of("*?") != parts[2].npos) return fail(cat("`", text, "` has a wildcard in the service"));
    return {};
  }

  Result<> read_principal(Statement& statement, const json::Value& value, std::string_view name, const std::string& place) {
    if (compiled_.kind == DocumentKind::authorizer) {
      compiled_.notes.push_back(cat(place, ".", name, ": ignored, because the answer of an authorizer is an identity policy"));
      return {};
    }
    if (!names_principals()) return fail("has no place in an identity policy");
    std::vector<std::string> notes;
    auto test = PrincipalTest::compile(value, name == "NotPrincipal", notes);
    if (!test) return fail(test.error().message);
    for (const auto& note : notes) compiled_.notes.push_back(cat(place, ".", name, ": ", note));
    statement.principal = std::move(*test);
    return {};
  }

  Result<> read_conditions(Statement& statement, const json::Value& value) const {
    const auto* lines = value.object();
    if (!lines) return fail(cat("wants an object, not ", value.kind()));
    std::vector<std::string> seen;
    for (const auto& [operator_name, keys] : *lines) {
      if (!keys.object()) return fail(cat(operator_name, ": wants an object, not ", keys.kind()));
      for (const auto& [key, values] : *keys.object()) {
        const auto at = [&](std::string_view message) { return fail(cat(operator_name, " ", key, ": ", message)); };
        seen.push_back(lower(cat(operator_name, " ", key)));
        if (std::find(seen.begin(), seen.end() - 1, seen.back()) != seen.end() - 1) return at("stands twice, names are case-blind");
        auto texts = read_values(values);
        if (!texts) return at(texts.error().message);
        auto condition = Condition::compile(operator_name, key, *texts, variables_);
        if (!condition) return at(condition.error().message);
        statement.conditions.push_back(std::move(*condition));
      }
      // An operator without keys asks nothing; it still has to be one.
      if (keys.object()->empty())
        if (auto known = Condition::compile(operator_name, "aws:any", {}, false); !known) return fail(known.error().message);
    }
    return {};
  }

  static Result<std::vector<std::string>> read_values(const json::Value& value) {
    std::vector<std::string> texts;
    const auto add = [&](const json::Value& item) {
      if (const auto* text = item.string())
        texts.push_back(*text);
      else if (const auto* flag = item.boolean())
        texts.push_back(*flag ? "true" : "false");
      else if (const auto* number = item.number())
        texts.push_back(number->text);
      else
        return false;
      return true;
    };
    if (const auto* list = value.array()) {
      for (const auto& item : *list)
        if (!add(item)) return fail(cat("wants strings, numbers or booleans, not ", item.kind()));
    } else if (!add(value)) {
      return fail(cat("wants a string, a number, a boolean or a list of them, not ", value.kind()));
    }
    return texts;
  }

  CompiledDocument compiled_;
  bool variables_ = false;
};

/// The characters a stored policy may have: tab, line feed, carriage return and U+0020 to U+00FF. REQUIRES: well-formed UTF-8.
bool has_policy_characters_only(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 ? byte < 0xC4 : c == '\t' || c == '\n' || c == '\r';
  });
}

// Each text becomes a pattern or an operand with its tokens, each mapping a statement or a condition: what documents of few and of many
// of either measure, rounded up.
std::size_t compiled_size(const json::Value& value) {
  constexpr std::size_t of_text = 224, of_mapping = 512;
  if (const auto* text = value.string()) return of_text + 2 * text->size();
  std::size_t size = of_text;
  if (const auto* list = value.array())
    for (const auto& element : *list) size += compiled_size(element);
  if (const auto* members = value.object()) {
    size += of_mapping;
    for (const auto& [name, member] : *members) size += compiled_size(member);
  }
  return size;
}

}  // namespace

Result<Document> Document::compile(const json::Value& document, DocumentKind kind) {
  auto compiled = Compiler(kind).compile(document);
  if (!compiled) return fail(compiled.error().message);
  compiled->byte_count = compiled_size(document);
  return Document(std::make_shared<const CompiledDocument>(std::move(*compiled)));
}

Result<Document> Document::parse(std::string_view text, DocumentKind kind) {
  auto value = json::parse(text, json::limits::document_depth_max);
  if (!value) return fail(value.error().message);
  if (kind != DocumentKind::authorizer && !has_policy_characters_only(text))
    return fail("a policy document has tab, line feed, carriage return and U+0020 to U+00FF only");
  return compile(*value, kind);
}

std::size_t Document::byte_count() const { return compiled_->byte_count; }
std::size_t Document::statement_count() const { return compiled_->statements.size(); }
std::string_view Document::sid(std::size_t statement) const { return compiled_->statements[statement].sid; }
const std::vector<std::string>& Document::notes() const { return compiled_->notes; }

}  // namespace sallyport::policy
