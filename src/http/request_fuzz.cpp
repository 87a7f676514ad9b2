// A request head or a chunked body is the same whether its bytes arrive together or one by one, and every view lies inside its storage.
#include <cstdint>
#include <cstdlib>

#include "http/parse.hpp"

using namespace sallyport;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  constexpr http::HeadLimits limits{10'240, 10'240, 128, 48 * 1024};
  auto whole = http::RequestParser(limits).parse(text);
  http::RequestParser stepwise(limits);
  Result<std::optional<http::Head>, http::ParseError> step = std::nullopt;
  for (std::size_t i = 0; i <= size && step && !*step; ++i) step = stepwise.parse(text.substr(0, i));
  if (whole && *whole) {
    if (!step || !*step || (*step)->size != (*whole)->size) std::abort();
    const auto& request = (*whole)->request;
    for (const auto& field : request.headers)
      if (field.value.data() < request.storage->data() ||
          field.value.data() + field.value.size() > request.storage->data() + request.storage->size())
        std::abort();
  }
  if (!whole && step && *step) std::abort();

  http::ChunkDecoder decoder;
  std::string out;
  std::size_t used = 0;
  const auto state = decoder.decode(text, out, 4096, used);
  if (out.size() > 4096 || used > size) std::abort();
  http::ChunkDecoder bytewise;
  std::string pieces;
  std::size_t eaten = 0;
  auto piecewise = http::ChunkDecoder::State::more;
  while (eaten < size && piecewise == http::ChunkDecoder::State::more) {
    std::size_t one = 0;
    piecewise = bytewise.decode(text.substr(eaten, 1), pieces, 4096, one);
    if (piecewise == http::ChunkDecoder::State::more && one != 1) std::abort();
    eaten += one;
  }
  if (piecewise != state) std::abort();
  if ((state == http::ChunkDecoder::State::done || state == http::ChunkDecoder::State::more) && (pieces != out || eaten != used))
    std::abort();
  if (state == http::ChunkDecoder::State::done && decoder.trailers() != bytewise.trailers()) std::abort();
  for (const auto& [name, value] : decoder.trailers())
    if (!http::is_token(name) || !http::is_field_value(value)) std::abort();
  http::parse_query(text);
  (void)http::parse_response_head(text, 4096);
  return 0;
}
