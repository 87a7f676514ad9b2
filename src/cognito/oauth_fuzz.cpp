// Any query, form or header sent to a pool's OAuth endpoints: reading it never breaks, what is granted is the client's own, and nothing
// that was sent stands unescaped in a page or splits a header. The input is an Authorization header, an empty line and parameters.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "base/text.hpp"
#include "cognito/oauth.hpp"
#include "cognito/oauth_pages.hpp"
#include "cognito/oauth_request.hpp"
#include "cognito/srp.hpp"

using namespace sallyport;

namespace {

void require(bool promise) {
  if (!promise) std::abort();
}

const cognito::UserPool& pool() {
  static const cognito::UserPool made = [] {
    cognito::UserPool out;
    out.id = "us-east-1_test00001";
    cognito::Client client;
    client.id = "web";
    client.oauth_enabled = true;
    client.oauth_flows = {"code", "implicit"};
    client.oauth_scopes = {"openid", "email", "pets/read"};
    client.callback_urls = {"https://app.example.com/back", "myapp://back"};
    client.supported_identity_providers = {"COGNITO"};
    out.clients.insert_or_assign("web", Shared<cognito::Client>(std::move(client)));
    return out;
  }();
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto end = text.find("\n\n");
  const auto header = text.substr(0, end), rest = end == text.npos ? std::string_view() : text.substr(end + 2);
  cognito::oauth_address(header, rest);
  cognito::srp::parse_timestamp(rest);
  const auto parameters = cognito::read_parameters(rest);
  if (!parameters) return 0;
  cognito::read_client_credentials(&header, *parameters);
  cognito::read_client_credentials(nullptr, *parameters);
  const auto& client = *pool().client("web");
  const auto wanted = cognito::read_authorization_request(pool(), *parameters);
  const auto is_callback = [&](const std::string& uri) {
    return std::ranges::find(client.callback_urls, uri) != client.callback_urls.end();
  };
  if (!wanted) {
    require(wanted.error().redirect_uri.empty() || is_callback(wanted.error().redirect_uri));
    return 0;
  }
  require(is_callback(wanted->redirect_uri));
  for (const auto& scope : wanted->scopes) require(std::ranges::find(client.oauth_scopes, scope) != client.oauth_scopes.end());
  const auto location = cognito::with_parameters(wanted->redirect_uri, {{"state", wanted->state}}, wanted->implicit);
  require(std::ranges::all_of(location, [](char c) { return c > ' ' && c < 0x7f; }));
  cognito::pages::Form form;
  form.title = "Sign in";
  form.problem = wanted->state;
  form.fields = {{"username", "Username", "text", wanted->login_hint}};
  const auto plain = cognito::pages::form_page({.title = "Sign in", .fields = {{"username", "Username"}}}, 200, wanted->redirect_uri);
  const auto page = cognito::pages::form_page(form, 200, wanted->redirect_uri);
  // One element more, for the text of the problem, and nothing of what was sent.
  const auto tags = [](const std::string& html) { return std::ranges::count(html, '<'); };
  require(tags(page.body) == tags(plain.body) + (wanted->state.empty() ? 0 : 2));
  return 0;
}
