// MOCK: answers made by the gateway itself.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.hpp"
#include "gateway/exchange.hpp"
#include "gateway/stage.hpp"
#include "http/message.hpp"

namespace sallyport::gateway {

/// The `statusCode` of a rendered request template. Read as leniently as AWS does: `{statusCode: 200}` will do. Nothing when there is none,
/// or it is no whole number from 100 to 599, or the text is no object.
std::optional<int> mock_status(std::string_view text);

/// The answer to a request with this body: its template, or the body itself where there is none, names a status.
Result<http::Response, Refusal> answer_mock(const MockIntegration& mock, const Exchange& exchange, std::string body);

}  // namespace sallyport::gateway
