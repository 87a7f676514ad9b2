// One request to a pool's endpoints, and what answers it: the pages in oauth_login.cpp, the endpoints for programs in oauth_tokens.cpp.
#pragma once

#include <string>
#include <string_view>

#include "cognito/oauth.hpp"
#include "cognito/oauth_codes.hpp"
#include "cognito/oauth_request.hpp"
#include "cognito/sign_in.hpp"
#include "http/message.hpp"

namespace sallyport::cognito {

struct OauthCall {
  io::Loop& loop;
  SignIn& sign_in;
  CodeTable& codes;
  FoundPool place;
  OauthAddress address;
  const http::Request& request;
  std::string origin;  // http://host:port, as the client addressed us
  bool is_secure = false;
  TextMap form = {};  // of a POST
  WallTime now;
};

/// Answers that are JSON, never kept by anybody.
http::Response oauth_json(int status, std::string body);
/// `{"error": ...}` with 400.
http::Response oauth_error(std::string_view error);
http::Response redirect_to(std::string_view location);

/// GET /oauth2/authorize
http::Response answer_authorize(OauthCall& call);
/// GET /login
http::Response answer_login_page(OauthCall& call);
/// POST /login
Task<http::Response> answer_login(OauthCall& call);
/// GET /logout
http::Response answer_logout(OauthCall& call);

/// POST /oauth2/token
Task<http::Response> answer_token(OauthCall& call);
/// GET and POST /oauth2/userInfo
http::Response answer_user_info(OauthCall& call);
/// POST /oauth2/revoke
Task<http::Response> answer_revoke(OauthCall& call);

}  // namespace sallyport::cognito
