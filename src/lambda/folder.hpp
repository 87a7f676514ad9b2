// Folders: what is in one, told without reading its files; and one made of several.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace sallyport::lambda {

struct FolderFacts {
  /// Base64. Another after any file was saved, came or went.
  std::string fingerprint;
  std::int64_t bytes = 0;   // of all files
  bool brings_sdk = false;  // holds boto3, botocore or the AWS SDK for JavaScript
};
/// Looks at every name and size below the folder; leaves `__pycache__` and `.git` out and follows no links to folders. Blocking.
FolderFacts survey(const std::string& directory);

/// Puts what is below `from` over what is below `to`: files take the place of whatever had their name, folders merge. Everything becomes
/// readable for everybody. `share`: files become further names of the same, which both sides then only read. Follows no links.
Result<> overlay(const std::string& from, const std::string& to, bool share);

}  // namespace sallyport::lambda
