#include "vtl/template.hpp"

#include "base/text.hpp"
#include "vtl/renderer.hpp"

namespace sallyport::vtl {

Result<Template> Template::compile(std::string_view text) {
  auto program = vtl::compile(text);
  if (!program) return std::unexpected(std::move(program.error()));
  return Template(std::move(*program));
}

Result<Rendered> Template::render(const Context& context) const { return Renderer(*program_, context).run(); }

std::optional<int> Overrides::response_status() const {
  const auto* status = response.find("status");
  if (!status) return std::nullopt;
  const auto number = status->string() ? parse_number<std::int64_t>(*status->string()) : status->integer();
  if (!number || *number < 100 || *number > 599) return std::nullopt;
  return static_cast<int>(*number);
}

}  // namespace sallyport::vtl
