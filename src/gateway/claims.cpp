#include "gateway/claims.hpp"

#include <array>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "json/write.hpp"

namespace sallyport::gateway {
namespace {

std::string plain_text(const json::Value& value) {
  if (const auto* text = value.string()) return *text;
  if (const auto* list = value.array()) {
    std::string all;
    for (const auto& each : *list) {
      if (!all.empty()) all += ',';
      all += plain_text(each);
    }
    return all;
  }
  return json::to_text(value);
}

std::string pool_claim(std::string_view name, const json::Value& value) {
  if (name == "exp" || name == "iat")
    if (const auto seconds = value.integer(); seconds && *seconds >= 0 && *seconds < 253'402'300'800)  // the year 10000
      return java_date(WallTime(std::chrono::seconds(*seconds)));
  return plain_text(value);
}

void append_unit(std::string& out, unsigned unit) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += digits[(unit >> shift) & 15];
}

/// JSON text with every character beyond ASCII as `\uXXXX`. What is no UTF-8 was no JSON either.
std::string ascii_json(const json::Value& value) {
  const auto text = json::to_text(value);
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      out += text[i++];
      continue;
    }
    const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    unsigned code = lead & (0xff >> (size + 1));
    for (std::size_t k = 1; k < size && i + k < text.size(); ++k) code = code << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3f);
    i += size;
    if (code < 0x10000) {
      append_unit(out, code);
    } else {
      append_unit(out, 0xd800 + ((code - 0x10000) >> 10));
      append_unit(out, 0xdc00 + ((code - 0x10000) & 0x3ff));
    }
  }
  return out;
}

}  // namespace

std::string java_date(WallTime time) {
  // Tue, 24 Nov 2026 08:09:10 GMT -> Tue Nov 24 08:09:10 UTC 2026
  const auto date = http_date(time);
  const std::string_view d = date;
  return cat(d.substr(0, 3), " ", d.substr(8, 3), " ", d.substr(5, 2), " ", d.substr(17, 8), " UTC ", d.substr(12, 4));
}

json::Object claims_for_event(AuthorizerType type, const json::Value& claims) {
  if (type == AuthorizerType::jwt) return *claims.object();
  json::Object out;
  for (const auto& [name, value] : *claims.object()) out.emplace_back(name, pool_claim(name, value));
  return out;
}

std::optional<std::string> claim_text(AuthorizerType type, const json::Value& claims, std::string_view name) {
  const auto* value = claims.find(name);
  if (!value) return std::nullopt;
  return type == AuthorizerType::jwt ? ascii_json(*value) : pool_claim(name, *value);
}

}  // namespace sallyport::gateway
