// Reading what callers and templates send: members by the model's names, into the requests of `Operations`. What has no effect here is
// refused, unless it says "off".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cognito/operations.hpp"
#include "wire/parameters.hpp"

namespace sallyport::cognito {

/// The members CreateUserPool and UpdateUserPool share. `base`: what members that are left out fall back to.
Answer<PoolSettings> read_pool_settings(const wire::Parameters& in, PoolSettings base);
/// What an update that leaves a member out begins with: AWS's defaults, and what `choices` say stays.
PoolSettings update_base(const PoolSettings& present);
/// `Schema` or `CustomAttributes`.
Answer<std::vector<SchemaAttribute>> read_schema(const wire::Parameters& in, std::string_view member);
/// All of CreateUserPool but the keys. The name is not read: API and templates call it differently.
Answer<CreateUserPoolRequest> read_create_user_pool(const wire::Parameters& in);
/// SetUserPoolMfaConfig.
struct MfaSettings {
  MfaMode mode = MfaMode::off;
  bool software_token = false;
};
Answer<MfaSettings> read_mfa(const wire::Parameters& in, const PoolSettings& present);

/// CreateUserPoolClient and UpdateUserPoolClient: everything but ClientId.
Answer<ClientRequest> read_client(const wire::Parameters& in);
GroupRequest read_group(const wire::Parameters& in);
ResourceServerRequest read_resource_server(const wire::Parameters& in);
DomainRequest read_domain(const wire::Parameters& in);
/// `[{"Name", "Value"}]`; a member without value counts as empty.
TextMap read_attributes(const wire::Parameters& in, std::string_view member);

}  // namespace sallyport::cognito
