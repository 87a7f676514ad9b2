// From a path to a stage, a route and its variables; query strings; and the templates that paths and queries are put into. The input's
// first line is a path, the second a query, the third a route, the rest a template.
#include <cstdint>
#include <cstdlib>

#include "base/text.hpp"
#include "gateway/exchange.hpp"
#include "gateway/router.hpp"
#include "gateway/template.hpp"
#include "http/message.hpp"

using namespace sallyport;

namespace {

void require(bool promise) {
  if (!promise) std::abort();
}

bool lies_in(std::string_view part, std::string_view whole) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void route(std::string_view path, const std::string& own) {
  static constexpr std::string_view routes[] = {"/",      "/pets",          "/pets/{id}", "/pets/{id}/toys", "/pets/mine/toys",
                                                "/{any}", "/files/{path+}", "/{proxy+}"};
  gateway::Router router;
  std::uint32_t method = 0;
  for (const auto template_path : routes)
    for (const auto* verb : {"GET", "ANY"}) router.add(template_path, verb, method++);
  for (const auto* verb : {"GET", "POST", "ANY", ""}) {
    std::vector<std::string_view> values, again;
    const auto found = router.find(verb, path, values);
    require(found == router.find(verb, path, again) && values == again);
    if (!found) continue;
    require(*found < method);
    require(values.size() == gateway::path_variables(routes[*found / 2]).size());
    for (const auto value : values) require(lies_in(value, path));
  }
  // What a template says literally is found by it. Braces would make variables of it.
  if (own.empty() || own[0] != '/' || own.find_first_of("{}") != own.npos || own.find("//") != own.npos ||
      (own.size() > 1 && own.back() == '/'))
    return;
  router.add(own, "DELETE", 999);
  std::vector<std::string_view> values;
  require(router.find("DELETE", own, values) == 999 && values.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto line = [&] {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto text = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return std::string(text);
  };
  const auto path = cat("/", line()), query = line(), own = line();
  const auto address = gateway::locate("a1b2c3d4e5", path, "a1b2c3d4e5.execute-api.localhost");
  require(address.path.starts_with('/'));
  require(address.path == "/" || lies_in(address.path, path));
  require(address.stage.find('/') == address.stage.npos);
  route(address.path, own);

  http::parse_query(query);

  const gateway::TextMap variables{{"v", "value"}, {"empty", ""}};
  gateway::Template::compile(rest, variables);
  return 0;
}
