#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <optional>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "json/write.hpp"
#include "wire/codec.hpp"

namespace sallyport::wire {
namespace {

/// Is it a value of that kind? What is not is left out of an answer: a client must not read it as something else.
bool fits(const Shape& shape, const json::Value& value) {
  switch (shape.kind) {
    case Kind::structure:
    case Kind::map: return value.object() != nullptr;
    case Kind::list: return value.array() != nullptr;
    case Kind::string:
    case Kind::blob: return value.string() != nullptr;
    case Kind::integer: return value.integer().has_value();
    case Kind::real:
    case Kind::timestamp: return value.number() != nullptr;
    case Kind::boolean: return value.boolean() != nullptr;
  }
  return false;
}

/// Calls `use(member, value)` for what of an output goes on the wire.
template <class Use>
void for_each_member(const Shape& shape, const json::Value& value, Use use) {
  for (const auto& [name, item] : *value.object()) {
    const auto* member = shape.find(name);
    if (member && fits(*member->shape, item)) use(*member, item);
  }
}

std::optional<WallTime> to_time(const json::Value& seconds) {
  const auto& text = seconds.number()->text;
  double number = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc() || std::abs(number) > 1e11) return std::nullopt;
  return WallTime(std::chrono::microseconds(std::llround(number * 1e6)));
}

std::string iso8601(const json::Value& seconds) {
  const auto time = to_time(seconds);
  if (!time) return {};
  return time->time_since_epoch().count() % 1'000'000 == 0 ? iso8601_seconds(*time) : iso8601_millis(*time);
}

/// A scalar as text, for headers and XML.
std::string to_text(const Shape& shape, const json::Value& value) {
  switch (shape.kind) {
    case Kind::boolean: return *value.boolean() ? "true" : "false";
    case Kind::integer:
    case Kind::real: return value.number()->text;
    case Kind::blob: return to_base64(*value.string());
    case Kind::timestamp: return iso8601(value);
    default: return *value.string();
  }
}

// --- JSON

void write_json(json::Writer& out, const Shape& shape, const json::Value& value);

/// `at_top`: members that travel elsewhere are left to that place.
void write_json_members(json::Writer& out, const Shape& shape, const json::Value& value, bool at_top) {
  out.begin_object();
  for_each_member(shape, value, [&](const Member& member, const json::Value& item) {
    if (at_top && member.location != Location::body) return;
    out.key(member.wire_name);
    write_json(out, *member.shape, item);
  });
  out.end_object();
}

void write_json(json::Writer& out, const Shape& shape, const json::Value& value) {
  switch (shape.kind) {
    case Kind::structure: return write_json_members(out, shape, value, false);
    case Kind::list:
      out.begin_array();
      for (const auto& item : *value.array())
        if (fits(*shape.element, item)) write_json(out, *shape.element, item);
      out.end_array();
      return;
    case Kind::map:
      out.begin_object();
      for (const auto& [key, item] : *value.object())
        if (fits(*shape.element, item)) write_json(out.key(key), *shape.element, item);
      out.end_object();
      return;
    case Kind::blob: out.string(to_base64(*value.string())); return;
    case Kind::timestamp:
      if (shape.iso8601)
        out.string(iso8601(value));
      else
        out.value(value);
      return;
    default: out.value(value);
  }
}

void write_payload(std::string& body, const Shape& shape, json::Value& value) {
  if (shape.kind == Kind::blob) {
    body = std::move(*value.string());
    return;
  }
  json::Writer writer(body);
  write_json(writer, shape, value);
}

void encode_rest(http::Response& response, const Operation& operation, json::Value& output) {
  const auto& shape = *operation.output;
  bool has_body = false;
  for (const auto& member : shape.members) has_body = has_body || (member.location == Location::body && &member != shape.payload);
  for_each_member(shape, output, [&](const Member& member, const json::Value& item) {
    if (member.location == Location::status_code) response.status = static_cast<int>(*item.integer());
    if (member.location != Location::header) return;
    const auto text = to_text(*member.shape, item);
    if (http::is_field_value(text)) response.add(member.wire_name, text);
  });
  if (const auto* payload = shape.payload) {
    for (auto& [name, item] : *output.object())
      if (name == payload->name && fits(*payload->shape, item)) write_payload(response.body, *payload->shape, item);
  } else if (has_body) {
    json::Writer writer(response.body);
    write_json_members(writer, shape, output, true);
  }
  if (!response.body.empty() && !response.find("content-type")) response.add("Content-Type", "application/json");
}

// --- XML

void append_xml_text(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto valid = valid_utf8_prefix(text);
    for (const char c : text.substr(0, valid)) {
      switch (c) {
        case '&': out += "&amp;"; break;
        case '<': out += "&lt;"; break;
        case '>': out += "&gt;"; break;
        case '"': out += "&quot;"; break;
        case '\r': out += "&#xD;"; break;
        default: {
          const bool is_allowed = static_cast<unsigned char>(c) >= 0x20 || c == '\t' || c == '\n';
          out += is_allowed ? std::string_view(&c, 1) : std::string_view("\xEF\xBF\xBD");
        }
      }
    }
    text.remove_prefix(valid);
    if (text.empty()) return;
    out += "\xEF\xBF\xBD";
    text.remove_prefix(1);
  }
}

void append_xml_element(std::string& out, std::string_view name, std::string_view text) {
  append(out, cat("<", name, ">"));
  append_xml_text(out, text);
  append(out, cat("</", name, ">"));
}

void write_xml(std::string& out, std::string_view name, const Shape& shape, const json::Value& value);

void write_xml_members(std::string& out, const Shape& shape, const json::Value& value) {
  for_each_member(shape, value,
                  [&](const Member& member, const json::Value& item) { write_xml(out, member.wire_name, *member.shape, item); });
}

void write_xml_map(std::string& out, std::string_view entry_name, const Shape& shape, const json::Value& value) {
  for (const auto& [key, item] : *value.object()) {
    if (!fits(*shape.element, item)) continue;
    append(out, cat("<", entry_name, ">"));
    append_xml_element(out, "key", key);
    write_xml(out, "value", *shape.element, item);
    append(out, cat("</", entry_name, ">"));
  }
}

void write_xml_list(std::string& out, std::string_view element_name, const Shape& shape, const json::Value& value) {
  for (const auto& item : *value.array())
    if (fits(*shape.element, item)) write_xml(out, element_name, *shape.element, item);
}

void write_xml(std::string& out, std::string_view name, const Shape& shape, const json::Value& value) {
  if (shape.flattened) return shape.kind == Kind::list ? write_xml_list(out, name, shape, value) : write_xml_map(out, name, shape, value);
  const bool has_elements = shape.kind == Kind::structure || shape.kind == Kind::list || shape.kind == Kind::map;
  if (!has_elements) return append_xml_element(out, name, to_text(shape, value));
  append(out, cat("<", name, ">"));
  if (shape.kind == Kind::structure) write_xml_members(out, shape, value);
  if (shape.kind == Kind::list) write_xml_list(out, "member", shape, value);
  if (shape.kind == Kind::map) write_xml_map(out, "entry", shape, value);
  append(out, cat("</", name, ">"));
}

void encode_query(http::Response& response, const ServiceModel& service, const Operation& operation, const json::Value& output,
                  std::string_view request_id) {
  auto& out = response.body;
  append(out, cat("<", operation.name, "Response xmlns=\"", service.xml_namespace, "\">"));
  if (operation.output) {
    append(out, cat("<", operation.result_wrapper, ">"));
    write_xml_members(out, *operation.output, output);
    append(out, cat("</", operation.result_wrapper, ">"));
  }
  out += "<ResponseMetadata>";
  append_xml_element(out, "RequestId", request_id);
  append(out, cat("</ResponseMetadata></", operation.name, "Response>"));
  response.add("Content-Type", "text/xml");
}

// --- errors

/// The names of what an error's body says, by its model: some of Lambda's have `message`, some `Message`.
struct ErrorBody {
  std::string_view message = "message";
  bool has_type = false, has_reason = false;
};

ErrorBody body_of(const ServiceModel* service, const aws::ApiError& error) {
  ErrorBody out;
  if (const auto* shape = service ? service->find_error(error.code) : nullptr) {
    if (shape->find("Message")) out.message = "Message";
    out.has_type = shape->find("Type") != nullptr && !error.untyped;
    out.has_reason = shape->find("Reason") != nullptr;
  } else if (error.code == "AccessDeniedException" || error.code == "RequestEntityTooLargeException") {
    out.message = "Message";
  }
  return out;
}

http::Response error_json(const ServiceModel* service, Protocol protocol, const aws::ApiError& error, std::string_view request_id) {
  const auto body = body_of(service, error);
  http::Response response{.status = error.status};
  response.add("x-amzn-RequestId", request_id);
  response.add("x-amzn-ErrorType", error.code);
  response.add("Content-Type", protocol == Protocol::json_1_1 ? "application/x-amz-json-1.1" : "application/json");
  json::Writer out(response.body);
  out.begin_object();
  if (protocol == Protocol::json_1_1) out.key("__type").string(error.code);
  if (body.has_reason && !error.reason.empty()) out.key("Reason").string(error.reason);
  if (body.has_type) out.key("Type").string(error.status < 500 ? "User" : "Service");
  out.key(body.message).string(error.message).end_object();
  return response;
}

http::Response error_query(const ServiceModel* service, const aws::ApiError& error, std::string_view request_id) {
  http::Response response{.status = error.status};
  response.add("x-amzn-RequestId", request_id);
  response.add("Content-Type", "text/xml");
  auto& out = response.body;
  out = service ? cat("<ErrorResponse xmlns=\"", service->xml_namespace, "\"><Error>") : "<ErrorResponse><Error>";
  append_xml_element(out, "Type", error.status < 500 ? "Sender" : "Receiver");
  append_xml_element(out, "Code", error.code);
  append_xml_element(out, "Message", error.message);
  out += "</Error>";
  append_xml_element(out, "RequestId", request_id);
  out += "</ErrorResponse>";
  return response;
}

http::Response error_rest_xml(const aws::ApiError& error, std::string_view request_id) {
  http::Response response{.status = error.status};
  response.add("x-amz-request-id", request_id);
  response.add("Content-Type", "application/xml");
  auto& out = response.body;
  out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>";
  append_xml_element(out, "Code", error.code);
  append_xml_element(out, "Message", error.message);
  append_xml_element(out, "RequestId", request_id);
  out += "</Error>";
  return response;
}

http::Response error_in(Protocol protocol, const ServiceModel* service, const aws::ApiError& error, std::string_view request_id) {
  switch (protocol) {
    case Protocol::query: return error_query(service, error, request_id);
    case Protocol::rest_xml: return error_rest_xml(error, request_id);
    default: return error_json(service, protocol, error, request_id);
  }
}

void find_problems(const Shape& shape, const json::Value& value, const std::string& path, std::vector<std::string>& out) {
  const auto where = [&path](std::string_view name) { return path.empty() ? std::string(name) : cat(path, ".", name); };
  if (value.is_null() || !fits(shape, value)) {
    out.push_back(cat(path, " is ", value.kind()));
    return;
  }
  if (shape.kind == Kind::structure) {
    for (const auto& member : shape.members)
      if (const auto* item = value.find(member.name); member.required && (!item || item->is_null()))
        out.push_back(cat(where(member.name), " is missing"));
    for (const auto& [name, item] : *value.object()) {
      const auto* member = shape.find(name);
      if (!member)
        out.push_back(cat(where(name), " is unknown"));
      else if (!item.is_null())
        find_problems(*member->shape, item, where(name), out);
    }
  } else if (shape.kind == Kind::map) {
    for (const auto& [key, item] : *value.object()) find_problems(*shape.element, item, where(key), out);
  } else if (shape.kind == Kind::list) {
    for (std::size_t i = 0; i < value.array()->size(); ++i) find_problems(*shape.element, (*value.array())[i], cat(path, "[", i, "]"), out);
  }
}

}  // namespace

http::Response encode(const ServiceModel& service, const Operation& operation, json::Value output, std::string_view request_id) {
  http::Response response{.status = operation.status};
  response.add("x-amzn-RequestId", request_id);
  if (!output.object()) output = json::Object{};
  switch (service.protocol) {
    case Protocol::query: encode_query(response, service, operation, output, request_id); break;
    case Protocol::json_1_1:
      response.add("Content-Type", "application/x-amz-json-1.1");
      if (operation.output) {
        json::Writer writer(response.body);
        write_json_members(writer, *operation.output, output, false);
      }
      break;
    default:
      if (operation.output) encode_rest(response, operation, output);
  }
  return response;
}

http::Response encode_error(const ServiceModel& service, const aws::ApiError& error, std::string_view request_id) {
  return error_in(service.protocol, &service, error, request_id);
}

http::Response encode_error(const Misroute& misroute, std::string_view request_id) {
  return error_in(misroute.protocol, misroute.model, misroute.error, request_id);
}

std::vector<std::string> output_problems(const Operation& operation, const json::Value& output) {
  std::vector<std::string> out;
  if (operation.output)
    find_problems(*operation.output, output.is_null() ? json::Value(json::Object{}) : output, "", out);
  else if (output.object() && !output.object()->empty())
    out.push_back(cat(output.object()->front().first, " is unknown"));
  return out;
}

}  // namespace sallyport::wire
