// The schema of a pool: which attributes its users have, and what may be written into them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cognito/state.hpp"
#include "control/service.hpp"

namespace sallyport::cognito {

/// What every pool has, in AWS's order, before anything is asked for.
const std::vector<SchemaAttribute>& standard_attributes();

/// The schema of a new pool: the standard attributes, changed by those of `asked` that name one, and the custom ones. `asked` has names
/// without prefix.
control::Answer<std::vector<SchemaAttribute>> make_schema(const std::vector<SchemaAttribute>& asked);
/// AddCustomAttributes.
control::Answer<> add_custom_attributes(std::vector<SchemaAttribute>& schema, const std::vector<SchemaAttribute>& asked);

/// Checks what is about to be written: it exists, it is of its type and within its constraints. `client`: null for an administrator. Values
/// are put into the form they are kept in.
control::Answer<> check_attributes(const UserPool& pool, TextMap& written, const Client* client);
/// Refuses writing what may not change any more.
control::Answer<> check_mutable(const UserPool& pool, const User& user, const TextMap& written);
/// Refuses a new user without what the schema requires.
control::Answer<> check_required(const UserPool& pool, const TextMap& attributes);

bool is_email(std::string_view text);         // somebody@somewhere.tld
bool is_phone_number(std::string_view text);  // E.164: + and up to 15 digits

/// May this client's users read, or write, the attribute?
bool may_read(const Client& client, std::string_view attribute);
bool may_write(const Client& client, std::string_view attribute);

}  // namespace sallyport::cognito
