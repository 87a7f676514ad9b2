#include "gateway/expression.hpp"

#include <re2/re2.h>

#include "base/text.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::int64_t memory_bytes_max = 1 << 20;

RE2::Options options() {
  RE2::Options result(RE2::Quiet);
  result.set_max_mem(memory_bytes_max);
  result.set_encoding(RE2::Options::EncodingLatin1);  // header values are bytes; what is not UTF-8 must not match by accident
  return result;
}

}  // namespace

struct Expression::Compiled {
  explicit Compiled(std::string_view text) : expression(re2::StringPiece(text.data(), text.size()), options()) {}
  RE2 expression;
};

Result<Expression> Expression::compile(std::string_view text) {
  auto compiled = std::make_shared<const Compiled>(text);
  if (!compiled->expression.ok())
    return fail(cat("the expression `", text, "` is not usable: ", compiled->expression.error(),
                    " (look-around, back-references and possessive quantifiers are not supported)"));
  return Expression(std::move(compiled));
}

bool Expression::matches_whole(std::string_view text) const {
  return RE2::FullMatch(re2::StringPiece(text.data(), text.size()), compiled_->expression);
}

bool Expression::matches_somewhere(std::string_view text) const {
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), compiled_->expression);
}

}  // namespace sallyport::gateway
