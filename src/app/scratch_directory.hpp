// ScratchDirectory: the folder everything is written below: the user's, or a temporary one that goes with the server.
#pragma once

#include <string>

#include "app/config.hpp"
#include "base/result.hpp"

namespace sallyport::app {

/// Owns the folder while the server runs: nobody else's server uses it.
class ScratchDirectory {
 public:
  /// Makes the folder and locks it. From here on nobody but this user reads what the process writes.
  static Result<ScratchDirectory> open(const Config& config);
  ScratchDirectory(ScratchDirectory&& other) noexcept;
  ScratchDirectory& operator=(ScratchDirectory&&) = delete;
  ~ScratchDirectory() { remove(); }
  /// Lets go of it; a temporary one is removed.
  void remove();
  const std::string& path() const { return path_; }

 private:
  ScratchDirectory(std::string path, bool temporary, int lock) : path_(std::move(path)), temporary_(temporary), lock_(lock) {}
  std::string path_;
  bool temporary_;
  int lock_;
};

}  // namespace sallyport::app
