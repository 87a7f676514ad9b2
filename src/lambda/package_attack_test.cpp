// Hostile packages that no tool writes: headers that contradict each other, entries that share bytes, names with zeros, links by way of
// links.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>

#include "base/text.hpp"
#include "lambda/code_store.hpp"

namespace sallyport::lambda {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t plain_file = 0100644u << 16, link_mode = 0120777u << 16, unix_system = 3u << 8 | 20;

std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t crc = ~0u;
  for (const unsigned char byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
  }
  return ~crc;
}

void number(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i, value >>= 8) out.push_back(static_cast<char>(value & 0xff));
}

struct Entry {
  std::string name, data;
  std::uint32_t mode = plain_file;
  // What the two headers say; nothing: the truth.
  std::optional<std::string> local_name = {};
  std::optional<std::uint32_t> local_size = {}, central_size = {}, crc = {}, offset = {};
};

// A zip of entries that are not compressed.
class Zip {
 public:
  Zip& add(const Entry& entry) {
    const auto offset = static_cast<std::uint32_t>(bytes_.size());
    const auto& local_name = entry.local_name ? *entry.local_name : entry.name;
    const auto size = static_cast<std::uint32_t>(entry.data.size()), crc = entry.crc.value_or(crc32(entry.data));
    number(bytes_, 0x04034b50, 4);
    number(bytes_, 20, 2);
    for (const int field : {0, 0, 0, 0x21}) number(bytes_, static_cast<std::uint64_t>(field), 2);
    for (const auto value : {crc, entry.local_size.value_or(size), entry.local_size.value_or(size)}) number(bytes_, value, 4);
    number(bytes_, local_name.size(), 2);
    number(bytes_, 0, 2);
    bytes_ += local_name + entry.data;

    number(directory_, 0x02014b50, 4);
    for (const std::uint32_t field : {unix_system, 20u, 0u, 0u, 0u, 0x21u}) number(directory_, field, 2);
    for (const auto value : {crc, entry.central_size.value_or(size), entry.central_size.value_or(size)}) number(directory_, value, 4);
    for (const std::size_t field : {entry.name.size(), std::size_t{0}, std::size_t{0}, std::size_t{0}, std::size_t{0}})
      number(directory_, field, 2);
    number(directory_, entry.mode, 4);
    number(directory_, entry.offset.value_or(offset), 4);
    directory_ += entry.name;
    ++count_;
    return *this;
  }
  Zip& link(const std::string& name, const std::string& target) { return add({name, target, link_mode}); }
  std::string finish(std::optional<unsigned> says = {}) const {
    auto out = bytes_ + directory_;
    number(out, 0x06054b50, 4);
    for (const unsigned field : {0u, 0u, says.value_or(count_), says.value_or(count_)}) number(out, field, 2);
    number(out, directory_.size(), 4);
    number(out, bytes_.size(), 4);
    number(out, 0, 2);
    return out;
  }

 private:
  std::string bytes_, directory_;
  unsigned count_ = 0;
};

class PackageAttack : public ::testing::Test {
 public:
  void SetUp() override {
    ASSERT_TRUE(mkdtemp(folder.data()));
    fs::create_directories(folder + "/store");
    store.emplace(folder + "/store");
  }
  void TearDown() override { fs::remove_all(folder); }
  std::string error(const std::string& package) {
    const auto stored = store->unpack_bytes(package);
    if (stored) return "";
    EXPECT_TRUE(fs::is_empty(folder + "/store")) << "a refused package leaves nothing behind";
    return stored.error().message;
  }
  static bool says(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

  std::string folder = "/tmp/sallyport-package-XXXXXX";
  std::optional<CodeStore> store;
};

TEST_F(PackageAttack, TheWriterOfThisTestWritesProperZips) {
  const auto stored = store->unpack_bytes(Zip().add({"a/b", "text"}).link("l", "a/b").finish());
  ASSERT_TRUE(stored) << stored.error().message;
  std::string text;
  std::ifstream(stored->directory + "/l") >> text;
  EXPECT_EQ(text, "text");
}

TEST_F(PackageAttack, HeadersThatContradictEachOther) {
  EXPECT_NE(error(Zip().add({.name = "app.py", .data = "x", .local_name = "../app.py"}).finish()), "");
  EXPECT_NE(error(Zip().add({.name = "app.py", .data = "x", .local_name = "other.py"}).finish()), "");
  EXPECT_NE(error(Zip().add({.name = "app.py", .data = "xyz", .local_size = 1}).finish()), "");
  EXPECT_NE(error(Zip().add({.name = "app.py", .data = "xyz", .central_size = 100'000}).finish()), "");
  EXPECT_NE(error(Zip().add({.name = "app.py", .data = "xyz", .crc = 7}).finish()), "");
  EXPECT_NE(error(Zip().add({.name = "app.py", .data = "xyz", .offset = 0x7fffffff}).finish()), "");
  EXPECT_NE(error(Zip().add({.name = "a", .data = "x"}).finish(2)), "") << "fewer entries than it says";
  EXPECT_NE(error(Zip().add({.name = "a", .data = "x"}).add({.name = "b", .data = "x"}).finish(1)), "") << "more than it says";
}

TEST_F(PackageAttack, EntriesThatShareTheirBytes) {
  // Many names for the same large content: more than is in the package.
  Zip zip;
  const std::string large(1 << 20, 'x');
  const auto crc = crc32(large);
  zip.add({"0", large});
  for (int i = 1; i < 300; ++i) zip.add({.name = cat(i), .data = "", .central_size = 1 << 20, .crc = crc, .offset = 0});
  EXPECT_NE(error(zip.finish()), "");
}

TEST_F(PackageAttack, NoEntryIsHeldWhole) {
  const auto kib = [](std::string_view field) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
      if (line.starts_with(field)) return parse_number<long>(trim(line.substr(field.size(), line.size() - field.size() - 2))).value_or(0);
    return 0L;
  };
  constexpr long entry_kib = 8 * 1024;
  const auto package = Zip().add({"large", std::string(entry_kib * 1024, 'x')}).finish();
  if (!(std::ofstream("/proc/self/clear_refs") << "5" << std::flush)) GTEST_SKIP() << "the kernel does not reset the peak";
  const auto before = kib("VmRSS:");
  ASSERT_TRUE(store->unpack_bytes(package));
  EXPECT_LT(kib("VmHWM:") - before, entry_kib / 2);
  // A link's text is never longer than a name.
  EXPECT_TRUE(says(store->unpack_bytes(Zip().link("l", std::string(100'000, 'x')).finish()).error().message, "leaves the folder"));
}

TEST_F(PackageAttack, NamesThatMeanSomethingElse) {
  using namespace std::string_literals;
  EXPECT_NE(error(Zip().add({std::string(600, 'n'), "x"}).finish()), "");
  for (const auto& name : {"a\0/../../evil"s, "..\0"s, "a/\0b"s, "\x01"s, "a\nb"s, "a//b"s, "./a"s, "a/./b"s, ".."s, "/"s, "\\evil"s,
                           "..\\evil"s, "a/.."s, "../"s, "a/../b"s}) {
    const auto package = Zip().add({name, "x"}).finish();
    const auto stored = store->unpack_bytes(package);
    // A reader may end a name at its zero; what it then makes must still be inside.
    if (stored)
      for (const auto& made : fs::recursive_directory_iterator(folder))
        EXPECT_TRUE(says(made.path().string(), cat(folder, "/store"))) << name;
    EXPECT_FALSE(fs::exists(folder + "/evil")) << name;
    EXPECT_FALSE(fs::exists(folder + "/store/evil")) << name;
    if (name.find('\0') == std::string::npos) EXPECT_FALSE(stored) << name;
  }
}

TEST_F(PackageAttack, LinksByWayOfLinks) {
  // Each is harmless when only its own text is looked at.
  EXPECT_TRUE(says(error(Zip().link("a/b/c/up", "../../..").link("out", "a/b/c/up/../../etc").finish()), "leaves the folder"));
  EXPECT_NE(error(Zip().link("a/b/c/up", "../../..").link("a/b/c/up/out", "../../../../etc").finish()), "");
  EXPECT_NE(error(Zip().link("d", ".").add({"d/../evil", "x"}).finish()), "");
  EXPECT_NE(error(Zip().link("d", ".").link("d/d", "../evil").finish()), "");
  for (const auto* target : {"/etc/passwd", "..", "../x", "x/..", "", "//etc", "./../x"})
    EXPECT_NE(error(Zip().link("l", target).finish()), "") << target;
  EXPECT_NE(error(Zip().link("l", std::string("a\0b", 3)).add({"l", "x"}).finish()), "");
  // The kernel would read `l0/..` where `l0/..<NUL>a` is a name like any other.
  EXPECT_TRUE(says(error(Zip().link("d/l0", ".").link("l1", std::string("d/l0/..\0a", 9)).finish()), "control character"));
}

TEST_F(PackageAttack, ModesThatMeanDevicesOrPrivileges) {
  for (const std::uint32_t mode : {0020644u, 0060644u, 0010644u, 0140644u, 0104755u, 0102755u, 0106755u})
    EXPECT_NE(error(Zip().add({"x", "y", mode << 16}).finish()), "") << mode;
  const auto stored = store->unpack_bytes(Zip().add({"open", "x", 0100777u << 16}).add({"closed", "x", 0100000u << 16}).finish());
  ASSERT_TRUE(stored);
  struct stat info{};
  for (const auto* name : {"open", "closed"}) {
    ASSERT_EQ(stat(cat(stored->directory, "/", name).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07022, 0u) << "nobody else may write, and no bit gives privileges";
    EXPECT_TRUE(info.st_mode & 0004) << "a function's user may read it";
  }
}

TEST_F(PackageAttack, MoreFoldersThanEntries) {
  Zip zip;
  for (int i = 0; i < 2'000; ++i) {
    std::string name = cat(i);
    for (int depth = 0; depth < 29; ++depth) name += cat("/", depth);
    zip.add({name, "x"});
  }
  EXPECT_TRUE(says(error(zip.finish()), "folders"));
}

}  // namespace
}  // namespace sallyport::lambda
