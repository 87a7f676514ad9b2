// For tests: the client's side. Writes an input as the SDKs do, from the model alone and sharing no code with the decoder, and makes up
// values that fit a shape.
#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "http/message.hpp"
#include "json/write.hpp"
#include "wire/model.hpp"

namespace sallyport::wire::testing {

/// A request in parts that tests can change.
struct Draft {
  std::string method = "POST", target = "/";
  std::vector<http::Header> headers = {};
  std::string body = {};

  http::Request request() const { return http::assemble_request(method, target, headers); }
  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
};

inline std::string scope_header(const ServiceModel& service) {
  return cat("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/", service.signing_name,
             "/aws4_request, SignedHeaders=host, Signature=00");
}

class Client {
 public:
  explicit Client(const ServiceModel& service) : service_(service) {}

  /// With the credential scope of the service, as if signed.
  Draft write(const Operation& operation, const json::Value& input) const {
    Draft draft;
    draft.headers.emplace_back("Host", "127.0.0.1:4566");
    draft.headers.emplace_back("Authorization", scope_header(service_));
    switch (service_.protocol) {
      case Protocol::query: write_query(draft, operation, input); break;
      case Protocol::json_1_1:
        draft.headers.emplace_back("X-Amz-Target", cat(service_.target_prefix, ".", operation.name));
        draft.body = operation.input ? json::to_text(to_json(*operation.input, input)) : "{}";
        break;
      default: write_rest(draft, operation, input);
    }
    return draft;
  }

 private:
  static std::string scalar(const Shape& shape, const json::Value& value) {
    switch (shape.kind) {
      case Kind::boolean: return *value.boolean() ? "true" : "false";
      case Kind::blob: return to_base64(*value.string());
      case Kind::timestamp: return iso8601_seconds(WallTime(std::chrono::seconds(*value.integer())));
      case Kind::string: return *value.string();
      default: return value.number()->text;
    }
  }

  static json::Value to_json(const Shape& shape, const json::Value& value) {
    if (value.is_null()) return value;
    if (shape.kind == Kind::blob) return to_base64(*value.string());
    if (shape.kind == Kind::structure) {
      json::Value out{json::Object{}};
      for (const auto& member : shape.members)
        if (const auto* item = value.find(member.name)) out.set(member.wire_name, to_json(*member.shape, *item));
      return out;
    }
    if (shape.kind == Kind::map) {
      json::Value out{json::Object{}};
      for (const auto& [key, item] : *value.object()) out.set(key, to_json(*shape.element, item));
      return out;
    }
    if (shape.kind == Kind::list) {
      json::Array out;
      for (const auto& item : *value.array()) out.push_back(to_json(*shape.element, item));
      return out;
    }
    return value;
  }

  static void write_rest(Draft& draft, const Operation& operation, const json::Value& input) {
    draft.method = operation.method;
    draft.target = operation.uri;
    json::Value body{json::Object{}};
    bool has_body = false;
    const auto add_query = [&draft](std::string_view name, std::string_view text) {
      draft.target += draft.target.find('?') == std::string::npos ? '?' : '&';
      draft.target += percent_encode(name) + "=" + percent_encode(text);
    };
    for (const auto& member : operation.input ? operation.input->members : std::span<const Member>()) {
      const auto* item = input.find(member.name);
      if (!item) continue;
      if (member.location == Location::uri) {
        draft.target = replace_all(draft.target, cat("{", member.wire_name, "}"), percent_encode(scalar(*member.shape, *item)));
      } else if (member.location == Location::header) {
        draft.headers.emplace_back(member.wire_name, scalar(*member.shape, *item));
      } else if (member.location == Location::query && member.shape->kind == Kind::list) {
        for (const auto& element : *item->array()) add_query(member.wire_name, scalar(*member.shape->element, element));
      } else if (member.location == Location::query && member.shape->kind == Kind::map) {
        for (const auto& [key, element] : *item->object()) add_query(key, scalar(*member.shape->element, element));
      } else if (member.location == Location::query) {
        add_query(member.wire_name, scalar(*member.shape, *item));
      } else if (&member == operation.input->payload) {
        draft.body = *item->string();
      } else {
        body.set(member.wire_name, to_json(*member.shape, *item));
        has_body = true;
      }
    }
    if (has_body) draft.body = json::to_text(body);
  }

  static void add_form(std::string& out, const std::string& name, const Shape& shape, const json::Value& value) {
    if (shape.kind == Kind::structure) {
      for (const auto& member : shape.members)
        if (const auto* item = value.find(member.name))
          add_form(out, cat(name, name.empty() ? "" : ".", member.wire_name), *member.shape, *item);
    } else if (shape.kind == Kind::list) {
      std::size_t number = 0;
      for (const auto& item : *value.array()) add_form(out, cat(name, shape.flattened ? "." : ".member.", ++number), *shape.element, item);
      if (number == 0) out += cat("&", percent_encode(name), "=");
    } else if (shape.kind == Kind::map) {
      std::size_t number = 0;
      for (const auto& [key, item] : *value.object()) {
        const auto entry = cat(name, shape.flattened ? "." : ".entry.", ++number);
        out += cat("&", percent_encode(entry + ".key"), "=", percent_encode(key));
        add_form(out, entry + ".value", *shape.element, item);
      }
    } else {
      out += cat("&", percent_encode(name), "=", percent_encode(scalar(shape, value)));
    }
  }

  void write_query(Draft& draft, const Operation& operation, const json::Value& input) const {
    draft.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    draft.body = cat("Action=", operation.name, "&Version=", service_.api_version);
    if (operation.input) add_form(draft.body, "", *operation.input, input);
  }

  const ServiceModel& service_;
};

/// Random values by shape. What a protocol cannot say is not made: an empty structure in a form, an empty list in a query.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : engine_(seed) {}

  json::Value input(const ServiceModel& service, const Operation& operation) {
    is_form_ = service.protocol == Protocol::query;
    json::Value out{json::Object{}};
    if (!operation.input) return out;
    for (const auto& member : operation.input->members) {
      if (!member.required && below(3) == 0) continue;
      if (member.location == Location::header)
        out.set(member.name, header_text());
      else if (member.location == Location::body)
        add(out, member, 3, &member == operation.input->payload);
      else
        add(out, member, 3, true);
    }
    return out;
  }

  json::Value output(const Shape& shape) {
    is_form_ = false;
    auto out = value(shape, 4);
    for (const auto& member : shape.members) {
      if (!out.find(member.name)) continue;
      if (member.location == Location::header) out.set(member.name, header_text());
      if (member.location == Location::status_code) out.set(member.name, 200 + below(7));
    }
    return out;
  }

 private:
  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(engine_); }

  std::string text(bool may_be_empty) {
    static constexpr std::string_view pieces[] = {"a", "Z", "0", "-",  "_",  "/",  ":", "%", "+",        " ",
                                                  "&", "=", "<", "\"", "\\", "\n", ".", "{", "\xC3\xA9", "\xF0\x9F\x98\x80"};
    std::string out;
    for (auto n = below(12) + (may_be_empty ? 0 : 1); n > 0; --n) out += pieces[below(std::size(pieces))];
    return out;
  }
  std::string header_text() { return cat("v", below(1000)); }

  void add(json::Value& out, const Member& member, int depth, bool is_filled) {
    auto made = value(*member.shape, depth, is_filled);
    if (is_form_ && says_nothing(*member.shape, made)) return;
    out.set(member.name, std::move(made));
  }
  static bool says_nothing(const Shape& shape, const json::Value& value) {
    return (shape.kind == Kind::structure || shape.kind == Kind::map) && value.object()->empty();
  }

  json::Value value(const Shape& shape, int depth, bool is_filled = false) {
    switch (shape.kind) {
      case Kind::boolean: return below(2) == 0;
      case Kind::integer: return std::int64_t(below(1000)) - 10;
      case Kind::real: return json::Number{cat(below(100), below(2) ? ".25" : ".5")};
      case Kind::timestamp: return std::int64_t(1'700'000'000 + below(1'000'000));
      case Kind::string:
      case Kind::blob: return text(!is_filled);
      case Kind::list: {
        json::Array out;
        for (auto n = depth > 0 ? below(3) + (is_filled ? 1 : 0) : 0; n > 0; --n) {
          auto item = value(*shape.element, depth - 1);
          if (!is_form_ || !says_nothing(*shape.element, item)) out.push_back(std::move(item));
        }
        return out;
      }
      case Kind::map: {
        json::Value out{json::Object{}};
        for (auto n = depth > 0 ? below(3) + (is_filled ? 1 : 0) : 0; n > 0; --n)
          out.set(text(false) + cat(n), value(*shape.element, depth - 1, is_form_));
        return out;
      }
      case Kind::structure: {
        json::Value out{json::Object{}};
        if (depth > 0)
          for (const auto& member : shape.members)
            if (below(3) != 0) add(out, member, depth - 1, false);
        return out;
      }
    }
    return {};
  }

  std::mt19937_64 engine_;
  bool is_form_ = false;
};

/// The same without regard to the order of members.
inline bool same(const json::Value& a, const json::Value& b) {
  if (const auto* object = a.object()) {
    if (!b.object() || b.object()->size() != object->size()) return false;
    return std::ranges::all_of(*object, [&](const json::Member& member) {
      const auto* other = b.find(member.first);
      return other && same(member.second, *other);
    });
  }
  if (const auto* array = a.array()) {
    return b.array() && std::ranges::equal(*array, *b.array(), same);
  }
  return a == b;
}

}  // namespace sallyport::wire::testing
