// Pieces of explanations that requests to every kind of API share.
#pragma once

#include <string_view>

#include "gateway/exchange.hpp"
#include "identity/refusal.hpp"
#include "json/value.hpp"
#include "policy/policy.hpp"

namespace sallyport::gateway {

/// How an authorizer's answer was come by, in words.
std::string_view text_of(CacheUse use);

/// One statement, whether it matched, and why not.
json::Value describe_statement(const policy::StatementReason& reason);

/// What the server made of a request whose signature was refused, to lay beside what the client made of it.
json::Value describe_signature(const identity::SigV4Detail& detail);

}  // namespace sallyport::gateway
