#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <future>
#include <sstream>
#include <thread>

#include "store/backup.hpp"
#include "store/sqlite_store.hpp"
#include "store/testing.hpp"

namespace sallyport::store {
namespace {

namespace fs = std::filesystem;
using testing::all;
using testing::Commits;
using testing::Folder;
using testing::one;

std::string error_of(Result<> result) { return result ? "" : result.error().message; }

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class BackupTest : public ::testing::Test {
 public:
  BackupTest() {
    store = std::move(*open_store(data));
    EXPECT_EQ(Commits::run(*store, one("a", "1")), "");
    sealed = store->seal("secret", "id");
    fs::create_directories(data + "/code/abc/bin");
    std::ofstream(data + "/code/abc/bin/bootstrap") << "run";
    chmod((data + "/code/abc/bin/bootstrap").c_str(), 0755);
    fs::create_symlink("bin/bootstrap", data + "/code/abc/link");
    fs::create_directories(data + "/code/.unpacking-1");
    std::ofstream(data + "/lock") << "";
  }
  void expect_whole(const std::string& path) {
    auto opened = open_store(path);
    ASSERT_TRUE(opened) << opened.error().message;
    ASSERT_EQ(all(**opened).size(), 1u);
    EXPECT_EQ(all(**opened)[0].value, "1");
    EXPECT_EQ((*opened)->unseal(sealed, "id").value(), "secret");
    EXPECT_EQ(text_of(path + "/code/abc/bin/bootstrap"), "run");
    struct stat about{};
    EXPECT_EQ(stat((path + "/code/abc/bin/bootstrap").c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777, 0755u);
    EXPECT_EQ(fs::read_symlink(path + "/code/abc/link"), "bin/bootstrap");
    EXPECT_FALSE(fs::exists(path + "/code/.unpacking-1"));
    EXPECT_FALSE(fs::exists(path + "/lock"));
    EXPECT_FALSE(fs::exists(path + "/.restoring"));
  }
  /// Nothing lies beside what the test made itself.
  std::size_t entries(const std::string& path) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator()));
  }

  Folder folder;
  std::string data = folder / "data", backup = folder / "backup", target = folder / "target";
  std::unique_ptr<Store> store;
  std::string sealed;
};

TEST_F(BackupTest, ComesBackWithEverything) {
  EXPECT_EQ(error_of(back_up(data, backup)), "") << "while the store is open";
  EXPECT_EQ(Commits::run(*store, one("later", "2")), "");
  EXPECT_EQ(error_of(restore(backup, target)), "");
  expect_whole(target);
}

TEST_F(BackupTest, WaitsForWhoeverRemovesCode) {
  const int removing = open((data + "/code").c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(flock(removing, LOCK_EX), 0);
  auto saved = std::async(std::launch::async, [this] { return error_of(back_up(data, backup)); });
  EXPECT_EQ(saved.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  close(removing);
  EXPECT_EQ(saved.get(), "");
}

TEST_F(BackupTest, RestoresIntoAnEmptyFolder) {
  EXPECT_EQ(error_of(back_up(data, backup + "/")), "");
  fs::create_directory(target);
  EXPECT_EQ(error_of(restore(backup, target + "/")), "");
  expect_whole(target);
}

TEST_F(BackupTest, OfAServerThatWasKilled) {
  // A copy of the live files, log and all, is what a killed server leaves.
  fs::create_directory(folder / "killed");
  for (const auto* name : {"sallyport.db", "sallyport.db-wal", "master.key"})
    fs::copy_file(data + "/" + name, folder / "killed" + "/" + name);
  fs::copy(data + "/code", folder / "killed/code", fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  EXPECT_EQ(error_of(back_up(folder / "killed", backup)), "");
  EXPECT_EQ(error_of(restore(backup, target)), "");
  expect_whole(target);
}

TEST_F(BackupTest, IsOneMomentWhileWritingGoesOn) {
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (int i = 0; !stop; ++i) {
      Batch batch;
      batch.put(testing::key("left"), std::to_string(i));
      batch.put(testing::key("right"), std::to_string(i));
      EXPECT_EQ(Commits::run(*store, std::move(batch)), "");
    }
  });
  for (int i = 0; i < 10; ++i) {
    const auto name = cat(backup, i);
    EXPECT_EQ(error_of(back_up(data, name)), "");
    auto copy = open_store(name);
    ASSERT_TRUE(copy) << copy.error().message;
    EXPECT_EQ((*copy)->read(testing::key("left")).value(), (*copy)->read(testing::key("right")).value());
  }
  stop = true;
  writer.join();
}

TEST_F(BackupTest, NeverReplacesAnything) {
  fs::create_directory(backup);
  EXPECT_NE(error_of(back_up(data, backup)).find("exists"), std::string::npos);
  EXPECT_EQ(entries(backup), 0u);
  fs::remove(backup);
  EXPECT_EQ(error_of(back_up(data, backup)), "");
  EXPECT_NE(error_of(restore(backup, data)).find("is not empty"), std::string::npos);
  EXPECT_EQ(all(*store).size(), 1u);
}

TEST_F(BackupTest, LeavesNothingBehindWhenItFails) {
  fs::remove(data + "/master.key");
  EXPECT_NE(error_of(back_up(data, backup)).find("master.key"), std::string::npos);
  EXPECT_EQ(entries(folder.path), 1u) << "the data folder alone";
  EXPECT_NE(error_of(back_up(folder / "nothing", backup)), "");
  EXPECT_FALSE(fs::exists(folder / "nothing"));
}

TEST_F(BackupTest, DamageIsFoundBeforeAnythingIsRestored) {
  EXPECT_EQ(error_of(back_up(data, backup)), "");
  const auto path = backup + "/sallyport.db";
  auto bytes = text_of(path);
  std::string blank = bytes;
  for (std::size_t i = 4096 * 3; i < blank.size(); ++i) blank[i] = '\x55';
  std::ofstream(path) << blank;
  EXPECT_NE(error_of(restore(backup, target)), "");
  EXPECT_EQ(entries(target), 0u);
  std::ofstream(path) << bytes.substr(0, bytes.size() / 2);
  EXPECT_NE(error_of(restore(backup, target)), "");
  std::ofstream(path) << bytes;
  std::ofstream(backup + "/master.key") << std::string(32, 'k');
  EXPECT_NE(error_of(restore(backup, target)).find("not its own"), std::string::npos);
  EXPECT_EQ(entries(target), 0u);
}

TEST_F(BackupTest, HalfARestoreIsNotServed) {
  fs::create_directories(target + "/.restoring");
  auto opened = open_store(target);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("did not end"), std::string::npos);
  EXPECT_NE(error_of(restore(backup, target)).find("is not empty"), std::string::npos);
}

}  // namespace
}  // namespace sallyport::store
