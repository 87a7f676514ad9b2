// AWS::Cognito::UserPool, UserPoolClient, UserPoolDomain, UserPoolGroup, UserPoolUser, UserPoolUserToGroupAttachment and
// UserPoolResourceServer. Their properties are the members of the API's calls, so the API's own readers read them.
#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "cloudformation/handlers.hpp"
#include "cognito/api_input.hpp"
#include "cognito/description.hpp"
#include "cognito/schema.hpp"
#include "cognito/signing_keys.hpp"
#include "crypto/digest.hpp"
#include "wire/model.hpp"

namespace sallyport::cloudformation {
namespace {

using json::Value;

/// Properties as the input of an operation, converted as CloudFormation does. What is not of the model's kind is refused where it stands.
class Input {
 public:
  /// `renamed`: properties that the operation calls differently; the others it knows are taken under their own name.
  Input(Properties& properties, const Node* node, std::string_view operation,
        std::initializer_list<std::pair<std::string_view, std::string_view>> renamed = {})
      : properties_(properties) {
    const auto* model = wire::find_model("cognito-idp");
    const auto* shape = model->find_operation(operation)->input;
    json::Object out;
    for (const auto& entry : node == nullptr || node->map() == nullptr ? Map{} : *node->map()) {
      const auto as = std::ranges::find(renamed, std::string_view(entry.key), &std::pair<std::string_view, std::string_view>::first);
      const auto* member = shape->find(as == renamed.end() ? std::string_view(entry.key) : as->second);
      const bool clashes =
          as == renamed.end() &&
          std::ranges::find(renamed, std::string_view(entry.key), &std::pair<std::string_view, std::string_view>::second) != renamed.end();
      if (member == nullptr || clashes) continue;  // `finish` has a word for it
      const auto* value = properties.node(entry.key);
      if (value->is_broken()) continue;
      out.emplace_back(member->name, convert(*value, *member->shape, cat(properties.where(), ".", entry.key)));
    }
    // Known, so that a misspelt one is told what it is like.
    for (const auto& [property, member] : renamed) properties.node(property);
    for (const auto& member : shape->members)
      if (std::ranges::find(renamed, member.name, &std::pair<std::string_view, std::string_view>::second) == renamed.end())
        properties.node(member.name);
    read_.emplace(Value(std::move(out)));
  }

  const wire::Parameters& operator*() const { return *read_; }

  /// After everything was read.
  void refuse_unread() {
    for (const auto& path : read_->unread()) {
      const auto dot = std::min(path.find('.'), path.find('['));
      properties_.refuse(path.substr(0, dot), cat(path, " is not supported"), "leave it out");
    }
  }

 private:
  void wrong(const Node& node, const std::string& where, std::string_view wanted) {
    properties_.give_up();
    if (!node.is_broken()) properties_.report().problem(node.at, where, cat("must be ", wanted, ", is ", node.kind()));
  }

  Value convert(const Node& node, const wire::Shape& shape, const std::string& where) {
    switch (shape.kind) {
      case wire::Kind::structure: return structure(node, shape, where);
      case wire::Kind::list: {
        json::Array out;
        if (node.list() == nullptr) return wrong(node, where, "a list"), Value();
        for (std::size_t i = 0; i < node.list()->size(); ++i)
          out.push_back(convert((*node.list())[i], *shape.element, cat(where, "[", i, "]")));
        return out;
      }
      case wire::Kind::map: {
        json::Object out;
        if (node.map() == nullptr) return wrong(node, where, "a mapping"), Value();
        for (const auto& entry : *node.map()) out.emplace_back(entry.key, convert(entry.value, *shape.element, cat(where, ".", entry.key)));
        return out;
      }
      default: return scalar(node, shape, where);
    }
  }

  Value structure(const Node& node, const wire::Shape& shape, const std::string& where) {
    if (node.map() == nullptr) return wrong(node, where, "a mapping"), Value();
    json::Object out;
    for (const auto& entry : *node.map()) {
      const auto inside = cat(where, ".", entry.key);
      const auto* member = shape.find(entry.key);
      if (member != nullptr) {
        out.emplace_back(entry.key, convert(entry.value, *member->shape, inside));
        continue;
      }
      std::vector<std::string_view> names;
      for (const auto& each : shape.members) names.push_back(each.name);
      const auto like = nearest(entry.key, names);
      properties_.give_up();
      properties_.report().problem(entry.key_at, inside, "not a property that is known here",
                                   like.empty() ? "" : cat("did you mean ", like, "?"));
    }
    return out;
  }

  Value scalar(const Node& node, const wire::Shape& shape, const std::string& where) {
    const auto text = node.scalar();
    if (!text) return wrong(node, where, "a single value"), Value();
    switch (shape.kind) {
      case wire::Kind::boolean:
        if (text != "true" && text != "false") return wrong(node, where, "true or false"), Value();
        return text == "true";
      case wire::Kind::integer:
      case wire::Kind::real: {
        const auto number = parse_number<long>(*text);
        if (!number) return wrong(node, where, "a whole number"), Value();
        const auto value = static_cast<double>(*number);
        if ((shape.min && value < *shape.min) || (shape.max && value > *shape.max)) refuse_range(node, where, *text);
        return *number;
      }
      default: {
        if (!shape.values.empty() && std::ranges::find(shape.values, std::string_view(*text)) == shape.values.end()) {
          properties_.give_up();
          properties_.report().problem(node.at, where,
                                       cat("`", *text, "` is none of ", join({shape.values.begin(), shape.values.end()}, ", ")),
                                       node.boolean() != nullptr ? "YAML takes ON and OFF for true and false: put it into quotes" : "");
        }
        const auto size = static_cast<double>(text->size());
        if ((shape.min && size < *shape.min) || (shape.max && size > *shape.max))
          refuse_range(node, where, cat("a text of ", text->size(), " bytes"));
        return *text;
      }
    }
  }

  void refuse_range(const Node& node, const std::string& where, std::string_view what) {
    properties_.give_up();
    properties_.report().problem(node.at, where, cat(what, " is out of the range AWS takes"));
  }

  Properties& properties_;
  std::optional<wire::Parameters> read_;
};

/// A UUID that is the same in every run.
std::string fixed_uuid(std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  const auto bytes = crypto::sha256(text);
  std::string out;
  for (std::size_t i = 0; i < 16; ++i) {
    auto byte = static_cast<unsigned char>(bytes[i]);
    if (i == 6) byte = static_cast<unsigned char>((byte & 0x0f) | 0x40);
    if (i == 8) byte = static_cast<unsigned char>((byte & 0x3f) | 0x80);
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

/// The keys the account's pool of that id signs with, or new ones.
std::vector<cognito::SigningKey> signing_keys(const Workshop& workshop, std::string_view pool_id) {
  std::vector<cognito::SigningKey> out;
  const auto* pool = workshop.options.present_pools ? cognito::find_pool(*workshop.options.present_pools, pool_id) : nullptr;
  if (pool)
    for (const auto& key : pool->signing_keys) out.push_back(*key);
  while (out.size() < 2) out.push_back(cognito::make_signing_key(workshop.options.now));
  return out;
}

/// Second factors: EnabledMfas names them, the API has them in a call of its own.
void read_enabled_mfas(Properties& properties, cognito::PoolSettings& settings) {
  for (const auto& name : properties.texts("EnabledMfas")) {
    if (name == "SOFTWARE_TOKEN_MFA")
      settings.software_token_mfa = true;
    else
      properties.refuse("EnabledMfas", cat("`", name, "` is not supported"),
                        "nothing is sent by mail or text message: use SOFTWARE_TOKEN_MFA");
  }
  // Without EnabledMfas AWS means text messages.
  if (settings.mfa != cognito::MfaMode::off && !settings.software_token_mfa)
    properties.refuse("MfaConfiguration", "means text messages without EnabledMfas: [SOFTWARE_TOKEN_MFA], and none are sent",
                      "add EnabledMfas: [SOFTWARE_TOKEN_MFA], or set it to OFF");
}

template <class T>
bool good(Workshop& workshop, const ResourceDeclaration& resource, const Node* node, const T& answer) {
  if (!answer) workshop.refused(resource, node, answer.error());
  return static_cast<bool>(answer);
}

}  // namespace

std::optional<Attributes> make_user_pool(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  const auto* node = properties.whole();
  Input input(properties, node, "CreateUserPool", {{"UserPoolName", "PoolName"}});
  auto request = cognito::read_create_user_pool(*input);
  if (!request) {
    if (properties.ok()) workshop.refused(resource, node, request.error());
    properties.no_effect({"EnabledMfas", "WebAuthnRelyingPartyID", "WebAuthnUserVerification", "WebAuthnFactorConfiguration",
                          "EmailAuthenticationMessage", "EmailAuthenticationSubject"});
    properties.finish();
    return std::nullopt;
  }
  request->name = (*input).text_or("PoolName", "");
  if (request->name.empty()) request->name = workshop.physical_name(resource.logical_id, 128);
  input.refuse_unread();
  read_enabled_mfas(properties, request->settings);
  for (const auto name : {"WebAuthnRelyingPartyID", "WebAuthnUserVerification", "WebAuthnFactorConfiguration"})
    properties.unsupported(name, "there are no passkeys");
  for (const auto name : {"EmailAuthenticationMessage", "EmailAuthenticationSubject"})
    properties.unsupported(name, "nothing is mailed: there are no one-time codes to sign in with");
  properties.finish();
  if (!properties.ok()) return std::nullopt;

  request->id = cat(workshop.scope.region, "_", workshop.physical_id(resource.logical_id, 9));
  request->signing_keys = signing_keys(workshop, request->id);
  const auto made = workshop.user_pools.create_user_pool(std::move(*request));
  if (!good(workshop, resource, node, made)) return std::nullopt;
  const auto& pool = **made;
  workshop.stack.sources.user_pools.emplace(pool.id, resource.at);
  auto out = named(resource, pool.id, {"UserPoolId"});
  const auto issuer = cognito::issuer_of(pool);
  out.attributes.emplace("Arn", Node(resource.at, std::string_view(pool.arn)));
  out.attributes.emplace("ProviderURL", Node(resource.at, std::string_view(issuer)));
  out.attributes.emplace("ProviderName", Node(resource.at, std::string_view(issuer).substr(issuer.find("://") + 3)));
  return out;
}

std::optional<Attributes> make_user_pool_client(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  const auto* node = properties.whole();
  properties.required_text("UserPoolId");
  if (properties.has("ClientSecret"))
    properties.refuse("ClientSecret", "secrets do not belong into templates",
                      "set GenerateSecret: true, and refer to !GetAtt Client.ClientSecret");
  Input input(properties, node, "CreateUserPoolClient");
  auto request = cognito::read_client(*input);
  if (!request && properties.ok()) workshop.refused(resource, node, request.error());
  if (request) input.refuse_unread();
  properties.finish();
  if (!request || !properties.ok()) return std::nullopt;
  if (request->name.empty()) request->name = workshop.physical_name(resource.logical_id, 128);
  request->id = workshop.physical_id(resource.logical_id, 26);
  // A secret somebody configured a client with stays the same from run to run; it cannot come from names that everybody knows.
  const auto* pool = workshop.options.present_pools ? cognito::find_pool(*workshop.options.present_pools, request->pool_id) : nullptr;
  const auto* present = pool ? pool->client(request->id) : nullptr;
  if (request->generate_secret && present && !present->secret.empty()) {
    request->generate_secret = false;
    request->secret = std::string(present->secret.reveal());
  }
  const auto pool_id = request->pool_id;
  const auto made = workshop.user_pools.create_user_pool_client(std::move(*request));
  if (!good(workshop, resource, node, made)) return std::nullopt;
  workshop.stack.sources.clients.emplace((*made)->id, resource.at);
  auto out = named(resource, (*made)->id, {"ClientId"});
  out.attributes.emplace("Name", Node(resource.at, std::string_view((*made)->name)));
  if (!(*made)->secret.empty()) out.attributes.emplace("ClientSecret", Node(resource.at, std::string_view((*made)->secret.reveal())));
  return out;
}

std::optional<Attributes> make_user_pool_domain(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  const auto* node = properties.whole();
  properties.required_text("UserPoolId");
  properties.required_text("Domain");
  Input input(properties, node, "CreateUserPoolDomain");
  auto request = cognito::read_domain(*input);
  input.refuse_unread();
  properties.unsupported("Routing", "there is one region");
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  const auto made = workshop.user_pools.create_user_pool_domain(std::move(request));
  if (!good(workshop, resource, node, made)) return std::nullopt;
  auto out = named(resource, (*made)->name);
  const auto distribution = (*made)->is_custom() ? cognito::distribution_of((*made)->name) : std::string();
  out.attributes.emplace("CloudFrontDistribution", Node(resource.at, std::string_view(distribution)));
  return out;
}

std::optional<Attributes> make_user_pool_group(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  const auto* node = properties.whole();
  properties.required_text("UserPoolId");
  Input input(properties, node, "CreateGroup");
  auto request = cognito::read_group(*input);
  input.refuse_unread();
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  if (request.name.empty()) request.name = workshop.physical_name(resource.logical_id, 128);
  const auto made = workshop.user_pools.create_group(std::move(request));
  if (!good(workshop, resource, node, made)) return std::nullopt;
  return named(resource, (*made)->name);
}

std::optional<Attributes> make_user_pool_user(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  const auto* node = properties.whole();
  cognito::AdminCreateUserRequest request;
  request.pool_id = properties.required_text("UserPoolId");
  Input input(properties, node, "AdminCreateUser");
  request.username = (*input).text_or("Username", "");
  request.attributes = cognito::read_attributes(*input, "UserAttributes");
  request.force_alias_creation = (*input).boolean("ForceAliasCreation").value_or(false);
  // Nothing is sent, and the user has no password before somebody sets one: the API's AdminSetUserPassword.
  for (const auto name : {"UserPoolId", "MessageAction", "DesiredDeliveryMediums", "ClientMetadata", "ValidationData"})
    (*input).value(name);
  input.refuse_unread();
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  if (request.username.empty()) request.username = workshop.physical_name(resource.logical_id, 128);
  request.sub = fixed_uuid(cat(workshop.stack.name, "\n", resource.logical_id, "\nsub"));
  const auto made = workshop.user_pools.admin_create_user(std::move(request));
  if (!good(workshop, resource, node, made)) return std::nullopt;
  return named(resource, (*made)->username);
}

std::optional<Attributes> add_user_to_pool_group(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  const auto pool = properties.required_text("UserPoolId");
  const auto user = properties.required_text("Username");
  const auto group = properties.required_text("GroupName");
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  if (!good(workshop, resource, nullptr, workshop.user_pools.add_user_to_group(pool, user, group))) return std::nullopt;
  return named(resource, workshop.physical_name(resource.logical_id));
}

std::optional<Attributes> make_resource_server(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  const auto* node = properties.whole();
  properties.required_text("UserPoolId");
  properties.required_text("Identifier");
  properties.required_text("Name");
  Input input(properties, node, "CreateResourceServer");
  auto request = cognito::read_resource_server(*input);
  input.refuse_unread();
  properties.finish();
  if (!properties.ok()) return std::nullopt;
  const auto made = workshop.user_pools.create_resource_server(std::move(request));
  if (!good(workshop, resource, node, made)) return std::nullopt;
  return named(resource, (*made)->identifier);
}

}  // namespace sallyport::cloudformation
