#include "app/role_sessions.hpp"

namespace sallyport::app {

namespace {

constexpr std::chrono::minutes shared_for{10};

}  // namespace

Result<lambda::RoleCredentials::Session> RoleSessions::credentials_for(std::string_view role_arn, std::string_view session_name) {
  iam::RoleSessionRequest request;
  request.role_arn = std::string(role_arn);
  request.session_name = std::string(session_name);
  request.shared_for = shared_for;
  auto issued = directory_.issue_role_session(request, clock_.wall_now());
  if (!issued) return fail(issued.error().message);
  return Session{std::move(issued->access_key_id), std::move(issued->secret_access_key), std::string(issued->session_token.reveal())};
}

Result<> RoleSessions::check_role(std::string_view role_arn) const {
  iam::RoleSessionRequest request;
  request.role_arn = std::string(role_arn);
  if (auto good = directory_.check_service_role(request, clock_.wall_now()); !good) return fail(good.error().message);
  return {};
}

}  // namespace sallyport::app
