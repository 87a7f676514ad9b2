#include "cognito/schema.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "cognito/errors.hpp"

namespace sallyport::cognito {
namespace {

constexpr std::size_t custom_attributes_max = 50;
constexpr int value_length_max = 2048;

SchemaAttribute text_attribute(std::string name, std::string min = "0", std::string max = "2048") {
  SchemaAttribute out;
  out.name = std::move(name);
  out.has_string_constraints = true;
  out.min_length = std::move(min);
  out.max_length = std::move(max);
  return out;
}

SchemaAttribute flag_attribute(std::string name) {
  SchemaAttribute out;
  out.name = std::move(name);
  out.type = AttributeType::boolean;
  return out;
}

std::vector<SchemaAttribute> make_standard_attributes() {
  std::vector<SchemaAttribute> out;
  for (const auto* name : {"profile", "address"}) out.push_back(text_attribute(name));
  out.push_back(text_attribute("birthdate", "10", "10"));
  for (const auto* name : {"gender", "preferred_username"}) out.push_back(text_attribute(name));
  SchemaAttribute updated_at;
  updated_at.name = "updated_at";
  updated_at.type = AttributeType::number;
  updated_at.has_number_constraints = true;
  updated_at.min_value = "0";
  out.push_back(std::move(updated_at));
  for (const auto* name : {"website", "picture"}) out.push_back(text_attribute(name));
  out.push_back(text_attribute("identities", "", ""));
  auto sub = text_attribute("sub", "1");
  sub.is_mutable = false;
  sub.required = true;
  out.push_back(std::move(sub));
  out.push_back(text_attribute("phone_number"));
  out.push_back(flag_attribute("phone_number_verified"));
  for (const auto* name : {"zoneinfo", "locale", "email"}) out.push_back(text_attribute(name));
  out.push_back(flag_attribute("email_verified"));
  for (const auto* name : {"given_name", "family_name", "middle_name", "name", "nickname"}) out.push_back(text_attribute(name));
  return out;
}

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::size_t characters_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

control::Answer<> check_constraints(const SchemaAttribute& attribute) {
  const auto length = [&](const std::string& text) -> control::Answer<std::optional<std::int64_t>> {
    if (text.empty()) return std::nullopt;
    const auto number = parse_number<std::int64_t>(text);
    if (!number || *number < 0) return invalid_parameter(cat("Invalid StringAttributeConstraints for schema attribute ", attribute.name));
    if (*number > value_length_max)
      return invalid_parameter(cat("user.", attribute.name, ": String attributes cannot have a length of more than 2048"));
    return number;
  };
  const auto least = length(attribute.min_length), most = length(attribute.max_length);
  if (!least) return std::unexpected(least.error());
  if (!most) return std::unexpected(most.error());
  if (*least && *most && **most < **least)
    return invalid_parameter(cat("user.", attribute.name, ": Max length cannot be less than min length."));
  for (const auto* text : {&attribute.min_value, &attribute.max_value})
    if (!text->empty() && !number_of(*text))
      return invalid_parameter(cat("Invalid NumberAttributeConstraints for schema attribute ", attribute.name));
  if (!attribute.min_value.empty() && !attribute.max_value.empty() && *number_of(attribute.max_value) < *number_of(attribute.min_value))
    return invalid_parameter(cat("user.", attribute.name, ": Max value cannot be less than min value."));
  return {};
}

control::Answer<> change_standard(SchemaAttribute& standard, const SchemaAttribute& asked) {
  if (asked.type != standard.type || asked.developer_only)
    return invalid_parameter(
        cat("You can not change AttributeDataType or set developerOnlyAttribute for standard schema attribute ", standard.name));
  if (standard.name == "sub") return invalid_parameter("You can not change the standard schema attribute sub");
  standard.is_mutable = asked.is_mutable;
  standard.required = asked.required;
  if (!asked.min_length.empty()) standard.min_length = asked.min_length;
  if (!asked.max_length.empty()) standard.max_length = asked.max_length;
  if (!asked.min_value.empty()) standard.min_value = asked.min_value;
  if (!asked.max_value.empty()) standard.max_value = asked.max_value;
  return check_constraints(standard);
}

std::unexpected<aws::ApiError> does_not_conform(std::string_view why) {
  return invalid_parameter(cat("Attributes did not conform to the schema: ", why));
}

control::Answer<> check_length(const SchemaAttribute& attribute, std::string_view value) {
  const auto length = static_cast<std::int64_t>(characters_of(value));
  const auto least = parse_number<std::int64_t>(attribute.min_length), most = parse_number<std::int64_t>(attribute.max_length);
  if (least && length < *least) return does_not_conform(cat(attribute.name, ": String must be at least ", *least, " characters long\n"));
  if (length > most.value_or(value_length_max))
    return does_not_conform(cat(attribute.name, ": String must be at most ", most.value_or(value_length_max), " characters long\n"));
  return {};
}

control::Answer<> check_number(const SchemaAttribute& attribute, std::string_view value) {
  const auto number = number_of(value);
  if (!number) return does_not_conform(cat(attribute.name, ": Attribute must be a number\n"));
  if (!attribute.min_value.empty() && *number < number_of(attribute.min_value).value_or(*number))
    return does_not_conform(cat(attribute.name, ": Number must be at least ", attribute.min_value, "\n"));
  if (!attribute.max_value.empty() && *number > number_of(attribute.max_value).value_or(*number))
    return does_not_conform(cat(attribute.name, ": Number must be at most ", attribute.max_value, "\n"));
  return {};
}

control::Answer<> check_value(const SchemaAttribute& attribute, std::string& value) {
  // An empty value takes the attribute away.
  if (value.empty()) return {};
  if (attribute.name == "email" && !is_email(value)) return invalid_parameter("Invalid email address format.");
  if (attribute.name == "phone_number" && !is_phone_number(value)) return invalid_parameter("Invalid phone number format.");
  switch (attribute.type) {
    case AttributeType::string: return check_length(attribute, value);
    case AttributeType::number: return check_number(attribute, value);
    case AttributeType::boolean:
      if (!equals_ignoring_case(value, "true") && !equals_ignoring_case(value, "false"))
        return does_not_conform(cat(attribute.name, ": Attribute must be true or false\n"));
      value = lower(value);
      return {};
    case AttributeType::date_time: return check_length(attribute, value);
  }
  return {};
}

bool contains(const std::vector<std::string>& list, std::string_view text) { return std::ranges::find(list, text) != list.end(); }

bool says_what_is_verified(std::string_view name) { return name == "email_verified" || name == "phone_number_verified"; }

}  // namespace

const std::vector<SchemaAttribute>& standard_attributes() {
  static const auto all = make_standard_attributes();
  return all;
}

control::Answer<std::vector<SchemaAttribute>> make_schema(const std::vector<SchemaAttribute>& asked) {
  auto schema = standard_attributes();
  std::vector<SchemaAttribute> custom;
  for (const auto& each : asked) {
    const auto standard = std::ranges::find(schema, each.name, &SchemaAttribute::name);
    if (standard == schema.end()) {
      custom.push_back(each);
    } else if (auto changed = change_standard(*standard, each); !changed) {
      return std::unexpected(std::move(changed.error()));
    }
  }
  if (auto added = add_custom_attributes(schema, custom); !added) return std::unexpected(std::move(added.error()));
  return schema;
}

control::Answer<> add_custom_attributes(std::vector<SchemaAttribute>& schema, const std::vector<SchemaAttribute>& asked) {
  for (auto each : asked) {
    if (each.name.empty()) return invalid_parameter("Invalid attribute name: a custom attribute needs a name");
    if (each.required) return invalid_parameter("Required custom attributes are not supported currently.");
    if (each.developer_only) return unsupported("DeveloperOnlyAttribute is not supported: use the clients' WriteAttributes instead");
    const auto base = each.name;
    each.name = cat("custom:", base);
    if (std::ranges::find(schema, each.name, &SchemaAttribute::name) != schema.end())
      return invalid_parameter(cat("custom:", base, ": Existing attribute already has name ", each.name, "."));
    each.has_string_constraints = each.type == AttributeType::string;
    each.has_number_constraints = each.type == AttributeType::number;
    if (auto checked = check_constraints(each); !checked) return checked;
    schema.push_back(std::move(each));
  }
  const auto custom = std::ranges::count_if(schema, [](const auto& each) { return each.name.starts_with("custom:"); });
  if (static_cast<std::size_t>(custom) > custom_attributes_max)
    return invalid_parameter(cat("The number of custom attributes exceeds the limit of ", custom_attributes_max));
  return {};
}

control::Answer<> check_attributes(const UserPool& pool, TextMap& written, const Client* client) {
  for (auto& [name, value] : written) {
    const auto* attribute = pool.schema_attribute(name);
    if (!attribute) return does_not_conform(cat("Type for attribute {", name, "} could not be determined"));
    if (name == "sub") return invalid_parameter("user.sub: Attribute cannot be updated.\n");
    if (name == "identities") return unsupported("identities: there are no other identity providers");
    if (client && !may_write(*client, name)) return not_authorized("A client attempted to write unauthorized attribute");
    if (auto checked = check_value(*attribute, value); !checked) return checked;
  }
  return {};
}

control::Answer<> check_mutable(const UserPool& pool, const User& user, const TextMap& written) {
  std::string frozen;
  for (const auto& [name, value] : written) {
    const auto* attribute = pool.schema_attribute(name);
    const auto* before = user.attribute(name);
    if (attribute && !attribute->is_mutable && (!before || *before != value))
      frozen += cat("user.", name, ": Attribute cannot be updated.\n");
  }
  if (!frozen.empty()) return invalid_parameter(frozen);
  return {};
}

control::Answer<> check_required(const UserPool& pool, const TextMap& attributes) {
  std::string missing;
  for (const auto& each : *pool.schema) {
    if (!each.required || each.name == "sub") continue;
    const auto found = attributes.find(each.name);
    if (found == attributes.end() || found->second.empty()) missing += cat(each.name, ": The attribute is required\n");
  }
  if (!missing.empty()) return does_not_conform(missing);
  return {};
}

bool is_email(std::string_view text) {
  const auto at = text.rfind('@');
  if (at == std::string_view::npos || at == 0 || text.find('@') != at) return false;
  const auto host = text.substr(at + 1);
  const auto dot = host.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || host.size() - dot < 3 || host.find("..") != std::string_view::npos) return false;
  const auto is_plain = [](char c) {
    return static_cast<unsigned char>(c) > ' ' && c != 0x7F && std::string_view("\"(),:;<>[\\]").find(c) == std::string_view::npos;
  };
  return std::ranges::all_of(text, is_plain);
}

bool is_phone_number(std::string_view text) {
  return text.size() >= 2 && text.size() <= 16 && text.front() == '+' && std::ranges::all_of(text.substr(1), is_digit);
}

bool may_read(const Client& client, std::string_view attribute) {
  return !client.limits_reading || attribute == "sub" || contains(client.read_attributes, attribute);
}

bool may_write(const Client& client, std::string_view attribute) {
  if (says_what_is_verified(attribute) || attribute == "sub") return false;
  return !client.limits_writing || contains(client.write_attributes, attribute);
}

}  // namespace sallyport::cognito
