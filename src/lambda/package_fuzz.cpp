// No package, however made, leaves anything outside its folder: no file, and no link that leads there. What comes out is readable, and goes
// over another package as a layer does.
#include <stdlib.h>

#include <cstdint>
#include <filesystem>

#include "base/text.hpp"
#include "lambda/code_store.hpp"
#include "lambda/folder.hpp"

namespace {

namespace fs = std::filesystem;

void check_inside(const std::string& root) {
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    std::error_code error;
    if (entry.is_symlink()) {
      const auto target = fs::weakly_canonical(entry.path(), error).string();
      // A link in a circle leads nowhere.
      if (!error && target != root && !target.starts_with(root + "/")) abort();
      continue;
    }
    if (!entry.is_directory() && !entry.is_regular_file()) abort();
    const auto permissions = entry.symlink_status().permissions();
    if ((permissions & fs::perms::others_read) == fs::perms::none) abort();
    if ((permissions & (fs::perms::set_uid | fs::perms::set_gid)) != fs::perms::none) abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sallyport::lambda;
  static const std::string home = [] {
    char name[] = "/tmp/package-fuzz-XXXXXX";
    return fs::canonical(mkdtemp(name)).string();
  }();
  const auto work = home + "/work";
  CodeStore store(work + "/store");
  const auto stored = store.unpack_bytes({reinterpret_cast<const char*>(data), size});
  if (stored) {
    check_inside(stored->directory);
    fs::create_directories(work + "/all/lib");
    if (!overlay(stored->directory, work + "/all", true) || !overlay(stored->directory, work + "/all", true)) abort();
    check_inside(work + "/all");
  } else if (stored.error().message.empty()) {
    abort();
  }
  for (const auto& entry : fs::directory_iterator(work))
    if (entry.path().filename() != "store" && entry.path().filename() != "all") abort();
  for (const auto& entry : fs::directory_iterator(home))
    if (entry.path().filename() != "work") abort();
  fs::remove_all(work);
  return 0;
}
