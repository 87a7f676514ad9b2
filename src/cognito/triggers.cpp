#include "cognito/triggers.hpp"

#include <algorithm>
#include <exception>

#include "base/text.hpp"
#include "io/completion.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"
#include "lambda/trace_id.hpp"

namespace sallyport::cognito {
namespace {

using json::Value;
using Invoked = Result<lambda::InvokeResponse, aws::ApiError>;

constexpr std::string_view unknown_sdk = "aws-sdk-unknown-unknown";
constexpr const char* no_client = "CLIENT_ID_NOT_APPLICABLE";

Value object_of(const TextMap& map) {
  json::Object out;
  for (const auto& [name, value] : map) out.emplace_back(name, value);
  return out;
}

Value list_of(const std::vector<std::string>& texts) {
  json::Array out;
  for (const auto& text : texts) out.emplace_back(text);
  return out;
}

/// null where there are none, as AWS has it.
Value object_or_null(const TextMap& map) { return map.empty() ? Value() : object_of(map); }

Value history_of(const ChallengeHistory& history) {
  json::Array out;
  for (const auto& round : history) {
    Value each;
    each.set("challengeName", round.name);
    each.set("challengeResult", round.passed);
    each.set("challengeMetadata", round.metadata ? Value(*round.metadata) : Value());
    out.push_back(std::move(each));
  }
  return out;
}

/// The object a request begins with: the user's attributes.
Value request_of(const TriggerCall& call) {
  Value request;
  request.set("userAttributes", object_of(call.attributes));
  return request;
}

void add_metadata(Value& request, const TriggerCall& call) {
  if (!call.client_metadata.empty()) request.set("clientMetadata", object_of(call.client_metadata));
}

bool is_true(const Value& response, std::string_view name) {
  const auto* value = response.find(name);
  return value && value->boolean() && *value->boolean();
}

std::string text_of(const Value& response, std::string_view name) {
  const auto* value = response.find(name);
  return value && value->string() ? *value->string() : std::string();
}

std::unexpected<aws::ApiError> unreadable() {
  return fail(aws::ApiError{"InvalidLambdaResponseException", 400, "Unrecognizable lambda output"});
}

/// A map whose values may be text, or what is written as text.
Answer<TextMap> text_map(const Value& response, std::string_view name) {
  TextMap out;
  const auto* value = response.find(name);
  if (!value || value->is_null()) return out;
  if (!value->object()) return unreadable();
  for (const auto& [key, each] : *value->object()) {
    if (each.is_null()) continue;
    if (each.object() || each.array()) return unreadable();
    out[key] = each.string() ? *each.string() : json::to_text(each);
  }
  return out;
}

Answer<std::vector<std::string>> texts(const Value& response, std::string_view name) {
  std::vector<std::string> out;
  const auto* value = response.find(name);
  if (!value || value->is_null()) return out;
  if (!value->array()) return unreadable();
  for (const auto& each : *value->array()) {
    if (!each.string()) return unreadable();
    out.push_back(*each.string());
  }
  return out;
}

// Belongs to the loop and not to the call, which may give up waiting.
Task<void> run_to_the_end(io::Loop& loop, lambda::Invoker& invoker, lambda::InvokeRequest request,
                          io::Completion<std::optional<Invoked>> completion) {
  try {
    completion.deliver(co_await attempt(invoker.invoke(loop, std::move(request))));
  } catch (const std::exception& broken) {
    completion.deliver(fail(aws::ApiError{"ServiceException", 500, broken.what()}));
  }
}

/// What a function said about itself when it failed.
std::string error_message_of(std::string_view payload) {
  const auto value = json::parse(payload);
  const auto* message = value ? value->find("errorMessage") : nullptr;
  return message && message->string() ? *message->string() : std::string();
}

Answer<ClaimChanges> claim_changes(const Value& section) {
  ClaimChanges changes;
  if (const auto* add = section.find("claimsToAddOrOverride"); add && !add->is_null()) {
    if (!add->object()) return unreadable();
    changes.add = *add->object();
  }
  auto suppress = texts(section, "claimsToSuppress");
  if (!suppress) return std::unexpected(suppress.error());
  changes.suppress = std::move(*suppress);
  return changes;
}

Answer<std::optional<GroupsOfToken>> group_override(const Value& details) {
  const auto* section = details.find("groupOverrideDetails");
  if (!section || section->is_null()) return std::nullopt;
  if (!section->object()) return unreadable();
  auto names = texts(*section, "groupsToOverride");
  if (!names) return std::unexpected(names.error());
  auto roles = texts(*section, "iamRolesToOverride");
  if (!roles) return std::unexpected(roles.error());
  return GroupsOfToken{std::move(*names), std::move(*roles), text_of(*section, "preferredRole")};
}

Answer<TokenChanges> changes_of_first_version(const Value& details) {
  TokenChanges out;
  auto id = claim_changes(details);
  if (!id) return std::unexpected(id.error());
  // The first version knows text alone.
  for (const auto& [name, value] : id->add)
    if (!value.string()) return unreadable();
  out.id = std::move(*id);
  auto groups = group_override(details);
  if (!groups) return std::unexpected(groups.error());
  out.groups = std::move(*groups);
  return out;
}

Answer<TokenChanges> changes_of_second_version(const Value& details) {
  TokenChanges out;
  const Value none{json::Object{}};
  const auto section = [&](std::string_view name) -> const Value& {
    const auto* found = details.find(name);
    return found && !found->is_null() ? *found : none;
  };
  const auto &id = section("idTokenGeneration"), &access = section("accessTokenGeneration");
  if (!id.object() || !access.object()) return unreadable();
  auto id_changes = claim_changes(id), access_changes = claim_changes(access);
  auto added = texts(access, "scopesToAdd"), suppressed = texts(access, "scopesToSuppress");
  auto groups = group_override(details);
  if (!id_changes || !access_changes || !added || !suppressed || !groups) return unreadable();
  out.id = std::move(*id_changes);
  out.access = std::move(*access_changes);
  out.scopes_to_add = std::move(*added);
  out.scopes_to_suppress = std::move(*suppressed);
  out.groups = std::move(*groups);
  return out;
}

Answer<std::optional<MigratedUser>> migrated_user(const Value& response) {
  auto attributes = text_map(response, "userAttributes");
  if (!attributes) return std::unexpected(attributes.error());
  if (attributes->empty()) return unreadable();
  MigratedUser user{std::move(*attributes), text_of(response, "finalUserStatus"), text_of(response, "messageAction") == "SUPPRESS"};
  if (!user.final_user_status.empty() && user.final_user_status != "CONFIRMED" && user.final_user_status != "RESET_REQUIRED")
    return unreadable();
  return user;
}

const LambdaConfig& functions_of(const TriggerCall& call) {
  static const LambdaConfig none;
  const auto* pool = find_pool(*call.state, call.pool_id);
  return pool ? pool->settings->lambda : none;
}

}  // namespace

/// One call of one function.
struct LambdaTriggers::Trigger {
  std::string name;    // as error texts have it: PreSignUp
  std::string source;  // PreSignUp_SignUp
  std::string function_arn;
  Value request;
  Value response;
  std::string version = "1";
};

Task<Answer<Value>> LambdaTriggers::run(TriggerCall& call, Trigger trigger) {
  const auto* pool = find_pool(*call.state, call.pool_id);
  if (!pool) co_return fail(aws::ApiError{"ResourceNotFoundException", 400, cat("User pool ", call.pool_id, " does not exist.")});
  Value event, context;
  context.set("awsSdkVersion", unknown_sdk);
  context.set("clientId", call.client_id.empty() ? std::string(no_client) : call.client_id);
  event.set("version", trigger.version);
  event.set("triggerSource", trigger.source);
  event.set("region", call.state->scope.region);
  event.set("userPoolId", call.pool_id);
  event.set("userName", call.username);
  event.set("callerContext", std::move(context));
  event.set("request", std::move(trigger.request));
  event.set("response", std::move(trigger.response));

  lambda::InvokeRequest request;
  request.function_arn = trigger.function_arn;
  request.caller = {"cognito-idp.amazonaws.com", pool->arn, call.state->scope.account_id};
  request.payload = json::to_text(event);
  request.trace_id = lambda::make_trace_id(nullptr, clock_.wall_now(), random_);
  io::Completion<std::optional<Invoked>> completion;
  call.loop.scope().spawn(run_to_the_end(call.loop, invoker_, std::move(request), completion));
  std::optional<Invoked> invoked;
  {
    io::Deadline deadline(call.loop, time_limit_, [completion]() mutable { completion.deliver(std::nullopt); });
    auto waiting = completion.wait_on(call.loop);
    invoked = co_await waiting;
  }
  const auto failed = [&](std::string_view why) {
    return fail(aws::ApiError{"UnexpectedLambdaException", 400, cat(trigger.name, " invocation failed due to error ", why, ".")});
  };
  if (!invoked) co_return failed("Socket timeout while invoking Lambda function");
  if (!*invoked) co_return failed((*invoked).error().code);
  const auto& answer = **invoked;
  if (answer.function_error)
    co_return fail(aws::ApiError{"UserLambdaValidationException", 400,
                                 cat(trigger.name, " failed with error ", error_message_of(answer.payload), ".")});
  const auto value = json::parse(answer.payload);
  const auto* response = value ? value->find("response") : nullptr;
  if (!response || !response->object()) co_return unreadable();
  co_return *response;
}

Task<Answer<PreSignUpAnswer>> LambdaTriggers::pre_sign_up(TriggerCall call, std::string source, TextMap validation_data) {
  const auto arn = functions_of(call).pre_sign_up;
  if (arn.empty()) co_return PreSignUpAnswer{};
  auto request = request_of(call);
  request.set("validationData", object_or_null(validation_data));
  add_metadata(request, call);
  Value response;
  for (const auto* name : {"autoConfirmUser", "autoVerifyEmail", "autoVerifyPhone"}) response.set(name, false);
  const auto answer = co_await run(call, {"PreSignUp", std::move(source), arn, std::move(request), std::move(response)});
  for (const auto* name : {"autoConfirmUser", "autoVerifyEmail", "autoVerifyPhone"})
    if (const auto* value = answer.find(name); value && !value->is_null() && !value->boolean()) co_return unreadable();
  co_return PreSignUpAnswer{is_true(answer, "autoConfirmUser"), is_true(answer, "autoVerifyEmail"), is_true(answer, "autoVerifyPhone")};
}

Task<Answer<>> LambdaTriggers::post_confirmation(TriggerCall call, std::string source) {
  const auto arn = functions_of(call).post_confirmation;
  if (arn.empty()) co_return Answer<>();
  call.attributes["cognito:user_status"] = "CONFIRMED";
  auto request = request_of(call);
  add_metadata(request, call);
  co_await run(call, {"PostConfirmation", std::move(source), arn, std::move(request), json::Object{}});
  co_return Answer<>();
}

Task<Answer<std::optional<MigratedUser>>> LambdaTriggers::migrate_forgotten(TriggerCall call) {
  const auto arn = functions_of(call).user_migration;
  if (arn.empty()) co_return std::nullopt;
  Value request;
  request.set("validationData", Value());
  add_metadata(request, call);
  const auto answer = co_await run(call, {"UserMigration", "UserMigration_ForgotPassword", arn, std::move(request), json::Object{}});
  co_return migrated_user(answer);
}

Task<Answer<std::optional<MigratedUser>>> LambdaTriggers::migrate_signing_in(TriggerCall call, crypto::Secret password) {
  const auto arn = functions_of(call).user_migration;
  if (arn.empty()) co_return std::nullopt;
  Value request;
  request.set("password", password.reveal());
  request.set("validationData", object_or_null(call.client_metadata));
  request.set("userAttributes", Value());
  const auto answer = co_await run(call, {"UserMigration", "UserMigration_Authentication", arn, std::move(request), json::Object{}});
  co_return migrated_user(answer);
}

Task<Answer<>> LambdaTriggers::pre_authentication(TriggerCall call, bool user_not_found) {
  const auto arn = functions_of(call).pre_authentication;
  if (arn.empty()) co_return Answer<>();
  auto request = request_of(call);
  request.set("validationData", object_or_null(call.client_metadata));
  if (user_not_found) request.set("userNotFound", true);
  co_await run(call, {"PreAuthentication", "PreAuthentication_Authentication", arn, std::move(request), json::Object{}});
  co_return Answer<>();
}

Task<Answer<>> LambdaTriggers::post_authentication(TriggerCall call) {
  const auto arn = functions_of(call).post_authentication;
  if (arn.empty()) co_return Answer<>();
  auto request = request_of(call);
  request.set("newDeviceUsed", false);
  add_metadata(request, call);
  co_await run(call, {"PostAuthentication", "PostAuthentication_Authentication", arn, std::move(request), json::Object{}});
  co_return Answer<>();
}

Task<Answer<std::optional<TokenChanges>>> LambdaTriggers::pre_token_generation(TriggerCall call, std::string source, GroupsOfToken groups,
                                                                               std::vector<std::string> scopes) {
  const auto functions = functions_of(call);
  if (functions.pre_token_generation.empty()) co_return std::nullopt;
  const bool first = functions.pre_token_generation_version.empty() || functions.pre_token_generation_version == "V1_0";
  // Only the third version is told of clients that act for themselves.
  const bool machine = source == "TokenGeneration_ClientCredentials";
  if (machine && functions.pre_token_generation_version != "V3_0") co_return std::nullopt;
  auto request = request_of(call);
  Value configuration;
  configuration.set("groupsToOverride", list_of(groups.names));
  configuration.set("iamRolesToOverride", list_of(groups.roles));
  configuration.set("preferredRole", groups.preferred_role.empty() ? Value() : Value(groups.preferred_role));
  request.set("groupConfiguration", std::move(configuration));
  add_metadata(request, call);
  if (!first) request.set("scopes", list_of(scopes));
  const std::string member = first ? "claimsOverrideDetails" : "claimsAndScopeOverrideDetails";
  Value response;
  response.set(member, Value());
  const std::string version = first ? "1" : functions.pre_token_generation_version == "V2_0" ? "2" : "3";
  const auto answer = co_await run(
      call, {"PreTokenGeneration", std::move(source), functions.pre_token_generation, std::move(request), std::move(response), version});
  const auto* details = answer.find(member);
  if (!details || details->is_null()) co_return std::nullopt;
  if (!details->object()) co_return unreadable();
  auto changes = first ? changes_of_first_version(*details) : changes_of_second_version(*details);
  co_return std::optional(co_await std::move(changes));
}

Task<Answer<ChallengeDecision>> LambdaTriggers::define_auth_challenge(TriggerCall call, ChallengeHistory history, bool user_not_found) {
  const auto arn = functions_of(call).define_auth_challenge;
  auto request = request_of(call);
  request.set("session", history_of(history));
  add_metadata(request, call);
  if (user_not_found) request.set("userNotFound", true);
  Value response;
  response.set("challengeName", Value());
  response.set("issueTokens", Value());
  response.set("failAuthentication", Value());
  const auto answer =
      co_await run(call, {"DefineAuthChallenge", "DefineAuthChallenge_Authentication", arn, std::move(request), std::move(response)});
  for (const auto* name : {"issueTokens", "failAuthentication"})
    if (const auto* value = answer.find(name); value && !value->is_null() && !value->boolean()) co_return unreadable();
  co_return ChallengeDecision{text_of(answer, "challengeName"), is_true(answer, "issueTokens"), is_true(answer, "failAuthentication")};
}

Task<Answer<CreatedChallenge>> LambdaTriggers::create_auth_challenge(TriggerCall call, std::string challenge_name, ChallengeHistory history,
                                                                     bool user_not_found) {
  const auto arn = functions_of(call).create_auth_challenge;
  auto request = request_of(call);
  request.set("challengeName", std::move(challenge_name));
  request.set("session", history_of(history));
  add_metadata(request, call);
  if (user_not_found) request.set("userNotFound", true);
  Value response;
  for (const auto* name : {"publicChallengeParameters", "privateChallengeParameters", "challengeMetadata"}) response.set(name, Value());
  const auto answer =
      co_await run(call, {"CreateAuthChallenge", "CreateAuthChallenge_Authentication", arn, std::move(request), std::move(response)});
  CreatedChallenge created;
  created.public_parameters = co_await text_map(answer, "publicChallengeParameters");
  created.private_parameters = co_await text_map(answer, "privateChallengeParameters");
  if (const auto* metadata = answer.find("challengeMetadata"); metadata && metadata->string()) created.metadata = *metadata->string();
  co_return created;
}

Task<Answer<bool>> LambdaTriggers::verify_auth_challenge(TriggerCall call, TextMap private_parameters, std::string challenge_answer,
                                                         bool user_not_found) {
  const auto arn = functions_of(call).verify_auth_challenge_response;
  auto request = request_of(call);
  request.set("privateChallengeParameters", object_of(private_parameters));
  request.set("challengeAnswer", std::move(challenge_answer));
  add_metadata(request, call);
  if (user_not_found) request.set("userNotFound", true);
  Value response;
  response.set("answerCorrect", Value());
  const auto answer = co_await run(
      call, {"VerifyAuthChallengeResponse", "VerifyAuthChallengeResponse_Authentication", arn, std::move(request), std::move(response)});
  const auto* correct = answer.find("answerCorrect");
  if (correct && !correct->is_null() && !correct->boolean()) co_return unreadable();
  co_return is_true(answer, "answerCorrect");
}

Task<Answer<std::optional<CustomMessage>>> LambdaTriggers::custom_message(TriggerCall call, std::string source) {
  const auto arn = functions_of(call).custom_message;
  if (arn.empty()) co_return std::nullopt;
  auto request = request_of(call);
  request.set("codeParameter", "{####}");
  request.set("linkParameter", "{##Click Here##}");
  request.set("usernameParameter", source == "CustomMessage_AdminCreateUser" ? Value("{username}") : Value());
  add_metadata(request, call);
  Value response;
  for (const auto* name : {"smsMessage", "emailMessage", "emailSubject"}) response.set(name, Value());
  const auto answer = co_await run(call, {"CustomMessage", std::move(source), arn, std::move(request), std::move(response)});
  co_return CustomMessage{text_of(answer, "smsMessage"), text_of(answer, "emailMessage"), text_of(answer, "emailSubject")};
}

}  // namespace sallyport::cognito
