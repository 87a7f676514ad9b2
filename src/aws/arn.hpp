// AWS's vocabulary: account, region, ARN, and the error every AWS-shaped operation answers with.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sallyport::aws {

/// The account and region everything of one template or call lives in.
struct Scope {
  std::string account_id = "123456789012";
  std::string region = "us-east-1";
  std::string partition = "aws";
};

/// arn:partition:service:region:account:resource, split once. Views into the parsed text.
struct Arn {
  std::string_view partition, service, region, account_id, resource;
};
/// Nothing unless the text has six colon-separated parts and begins with `arn:`.
std::optional<Arn> parse_arn(std::string_view text);

/// arn:aws:lambda:region:account:function:name[:qualifier]
std::string function_arn(const Scope& scope, std::string_view name, std::string_view qualifier = {});

/// The answer of an AWS API operation that refuses. `code` is the exception's name, e.g. `ResourceNotFoundException`.
struct ApiError {
  std::string code;
  int status = 400;
  std::string message;
  /// Only for TooManyRequestsException: its `Reason` member.
  std::string reason = {};
  /// What AWS does not tell its callers: for whoever runs the server, in traces and problems of templates.
  std::string detail = {};
  /// AWS answers it without the `Type` that its model names: so do some checks of Lambda.
  bool untyped = false;
};

}  // namespace sallyport::aws
