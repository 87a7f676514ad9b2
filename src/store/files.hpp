// A few file operations whose errors are values and whose effects last.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"

namespace sallyport::store {

/// A file descriptor that is closed with it.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor();
  explicit operator bool() const { return number_ >= 0; }
  int number() const { return number_; }

 private:
  int number_;
};

/// "cannot write PATH: No space left on device", from errno.
std::unexpected<Error> fail_with_errno(std::string_view what, const std::string& path);

Result<> write_all(const Descriptor& file, std::string_view bytes, const std::string& path);
/// Makes names created, renamed or removed in the folder last.
Result<> sync_directory(const std::string& path);
/// The folder and what is missing above it, for the owner alone.
Result<> make_directory(const std::string& path);
/// Everything written so far on the file system that holds the folder.
Result<> sync_file_system(const std::string& path);
/// The folder a path lies in; `.` for a bare name.
std::string parent_of(const std::string& path);

}  // namespace sallyport::store
