#include <gtest/gtest.h>

#include <errno.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <mutex>
#include <optional>
#include <thread>

#include "store/sqlite_store.hpp"
#include "store/testing.hpp"

// SQLite syncs through this name, which a program may define itself: the tests count syncs and let them fail.
namespace {
std::atomic<int> syncs = 0;
std::atomic<bool> syncs_fail = false;
std::atomic<bool> database_syncs_fail = false;  // those of the file itself, not of its log

bool is_database(int file) {
  char path[4096];
  const auto length = readlink(("/proc/self/fd/" + std::to_string(file)).c_str(), path, sizeof path);
  return length > 0 && std::string_view(path, static_cast<std::size_t>(length)).ends_with(".db");
}
}  // namespace
extern "C" int fdatasync(int file) {
  ++syncs;
  if (syncs_fail || (database_syncs_fail && is_database(file))) {
    errno = EIO;
    return -1;
  }
  return static_cast<int>(syscall(SYS_fdatasync, file));
}

namespace sallyport::store {
namespace {

using testing::all;
using testing::Commits;
using testing::Folder;
using testing::key;
using testing::one;

std::unique_ptr<Store> open(const Folder& folder) {
  auto store = open_store(folder.path);
  EXPECT_TRUE(store) << store.error().message;
  return store ? std::move(*store) : nullptr;
}

std::string refusal(const Folder& folder) {
  auto store = open_store(folder.path);
  return store ? "" : store.error().message;
}

void run_sql(const Folder& folder, const char* sql) {
  sqlite3* connection = nullptr;
  ASSERT_EQ(sqlite3_open((folder / database_name).c_str(), &connection), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(connection, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(connection);
  sqlite3_close(connection);
}

/// Writes of SQLite find no space, from the moment it is made.
class NoSpace {
 public:
  NoSpace() {
    vfs_->xSetSystemCall(vfs_, "pwrite64", reinterpret_cast<sqlite3_syscall_ptr>(&refuse));
    vfs_->xSetSystemCall(vfs_, "pwrite", reinterpret_cast<sqlite3_syscall_ptr>(&refuse));
  }
  ~NoSpace() {
    vfs_->xSetSystemCall(vfs_, "pwrite64", nullptr);
    vfs_->xSetSystemCall(vfs_, "pwrite", nullptr);
  }

 private:
  static ssize_t refuse(int, const void*, size_t, off_t) {
    errno = ENOSPC;
    return -1;
  }
  sqlite3_vfs* vfs_ = sqlite3_vfs_find(nullptr);
};

/// What every store keeps to, on disk and in memory.
class ContractTest : public ::testing::TestWithParam<bool> {
 public:
  ContractTest() {
    auto made = GetParam() ? open_store(folder.path) : open_ephemeral_store();
    EXPECT_TRUE(made) << made.error().message;
    store = std::move(*made);
  }
  Folder folder;
  std::unique_ptr<Store> store;
};
INSTANTIATE_TEST_SUITE_P(, ContractTest, ::testing::Bool(), [](const auto& each) { return each.param ? "file" : "memory"; });

TEST_P(ContractTest, KeepsWhatWasCommitted) {
  Batch batch;
  batch.put(key("b"), "two");
  batch.put(key("a"), "one");
  batch.put(key("a"), "three");
  batch.put(key("gone"), "x");
  batch.erase(key("gone"));
  batch.put(key("a", "iam"), "other service");
  EXPECT_EQ(Commits::run(*store, std::move(batch)), "");
  const auto records = all(*store);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].key, key("a"));
  EXPECT_EQ(records[0].value, "three");
  EXPECT_EQ(records[1].value, "two");
  EXPECT_EQ(all(*store, "iam").size(), 1u);
  EXPECT_TRUE(all(*store, "sts").empty());
}

TEST_P(ContractTest, KeysDifferInEveryPart) {
  const Key first{"s", "1", "r", "k", "n"};
  Batch batch;
  batch.put(first, "0");
  for (auto part : {&Key::account_id, &Key::region, &Key::kind, &Key::name}) {
    auto other = first;
    other.*part = "";
    batch.put(other, "1");
  }
  EXPECT_EQ(Commits::run(*store, std::move(batch)), "");
  EXPECT_EQ(all(*store, "s").size(), 5u);
  Batch erase;
  erase.erase(first);
  EXPECT_EQ(Commits::run(*store, std::move(erase)), "");
  EXPECT_EQ(all(*store, "s").size(), 4u);
}

TEST_P(ContractTest, AnyBytesComeBack) {
  const std::string odd("a\0b'\";--\xff\xfe\n", 12);
  EXPECT_EQ(Commits::run(*store, one(odd, odd)), "");
  EXPECT_EQ(Commits::run(*store, one("empty", "")), "");
  EXPECT_EQ(Commits::run(*store, one("large", std::string(3'000'000, 'x'))), "");
  EXPECT_EQ(store->read(key(odd)).value(), odd);
  EXPECT_EQ(store->read(key("empty")).value(), "");
  EXPECT_EQ(store->read(key("large")).value()->size(), 3'000'000u);
  EXPECT_EQ(all(*store).size(), 3u);
}

TEST_P(ContractTest, ReadFindsOneRecord) {
  EXPECT_EQ(store->read(key("a")).value(), std::nullopt);
  EXPECT_EQ(Commits::run(*store, one("a", "1")), "");
  EXPECT_EQ(store->read(key("a")).value(), "1");
  EXPECT_EQ(Commits::run(*store, one("a", "2")), "");
  EXPECT_EQ(store->read(key("a")).value(), "2") << "a reader sees every commit that was reported";
}

TEST_P(ContractTest, LoadStopsAtTheFirstError) {
  for (const auto* name : {"a", "b", "c"}) EXPECT_EQ(Commits::run(*store, one(name, "")), "");
  int seen = 0;
  auto loaded = store->load("lambda", [&](const Record& record) -> Result<> {
    ++seen;
    if (record.key.name == "b") return fail("enough");
    return {};
  });
  EXPECT_EQ(loaded.error().message, "enough");
  EXPECT_EQ(seen, 2);
  EXPECT_EQ(all(*store).size(), 3u) << "and can be asked again";
}

TEST_P(ContractTest, ReportsInTheOrderOfQueueing) {
  Commits commits(*store);
  for (int i = 0; i < 500; ++i) commits.start(one("same", std::to_string(i)));
  commits.wait();
  for (std::size_t i = 0; i < 500; ++i) ASSERT_EQ(commits.order[i], i);
  EXPECT_EQ(all(*store).front().value, "499");
}

TEST_P(ContractTest, TakesCommitsFromManyThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      Commits commits(*store);
      for (int i = 0; i < 50; ++i) commits.start(one(cat(t, "-", i), "v"));
      commits.wait();
      for (const auto& error : commits.errors) EXPECT_EQ(error, "");
      EXPECT_EQ(store->read(key(cat(t, "-", 49))).value(), "v");
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(all(*store).size(), 200u);
}

TEST_P(ContractTest, ADoneMayCommit) {
  std::atomic<bool> second = false;
  store->commit(one("a", "1"), [&](Result<>) { store->commit(one("b", "2"), [&](Result<>) { second = true; }); });
  for (int i = 0; i < 5000 && !second; ++i) usleep(1000);
  EXPECT_TRUE(second);
  EXPECT_EQ(all(*store).size(), 2u);
}

TEST_P(ContractTest, EndsOnlyWhenAllIsWritten) {
  std::atomic<int> good = 0;
  for (int i = 0; i < 100; ++i) store->commit(one(std::to_string(i), ""), [&](Result<> result) { good += result.has_value(); });
  store.reset();
  EXPECT_EQ(good, 100);
}

TEST_P(ContractTest, SealedTextOpensForItsRecordAlone) {
  const auto sealed = store->seal("secret", "iam/key/AKIA1");
  EXPECT_EQ(store->unseal(sealed, "iam/key/AKIA1").value(), "secret");
  EXPECT_EQ(sealed.find("secret"), std::string::npos);
  EXPECT_NE(store->seal("secret", "iam/key/AKIA1"), sealed) << "two sealings of one secret do not show that they are equal";
  EXPECT_FALSE(store->unseal(sealed, "iam/key/AKIA2")) << "swapped between records";
  EXPECT_FALSE(store->unseal(sealed, ""));
  EXPECT_EQ(store->unseal(store->seal("", "x"), "x").value(), "");
  const std::string odd("\0\xff", 2);
  EXPECT_EQ(store->unseal(store->seal(odd, odd), odd).value(), odd);
}

TEST_P(ContractTest, DamagedSealedTextIsRefused) {
  const auto sealed = store->seal("secret", "id");
  for (std::size_t length = 0; length < sealed.size(); ++length) ASSERT_FALSE(store->unseal(sealed.substr(0, length), "id")) << length;
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    auto changed = sealed;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    ASSERT_FALSE(store->unseal(changed, "id")) << at;
  }
  EXPECT_FALSE(store->unseal(sealed + "A", "id"));
  EXPECT_FALSE(open_ephemeral_store().value()->unseal(sealed, "id")) << "another key";
}

TEST(Store, SurvivesItsObject) {
  Folder folder;
  std::string sealed;
  {
    auto store = open(folder);
    EXPECT_EQ(Commits::run(*store, one("a", "1")), "");
    sealed = store->seal("secret", "id");
  }
  auto store = open(folder);
  EXPECT_EQ(all(*store).front().value, "1");
  EXPECT_EQ(store->unseal(sealed, "id").value(), "secret");
}

TEST(Store, FilesAreTheOwnersAlone) {
  Folder folder;
  const auto before = umask(0);
  auto store = open_store(folder / "made/on/demand");
  umask(before);
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ(Commits::run(**store, one("a", "1")), "");
  int seen = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path)) {
    struct stat about{};
    ASSERT_EQ(stat(entry.path().c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777, entry.is_directory() ? 0700u : 0600u) << entry.path();
    seen += !entry.is_directory();
  }
  EXPECT_EQ(seen, 4) << "database, log, its index, master key";
}

TEST(Store, GroupsWhatArrivesMeanwhile) {
  Folder folder;
  auto store = open(folder);
  EXPECT_EQ(Commits::run(*store, one("first", "")), "");
  const int before = syncs;
  Commits commits(*store);
  for (int i = 0; i < 2000; ++i) commits.start(one(std::to_string(i), "v"));
  commits.wait();
  EXPECT_LT(syncs - before, 200) << "one sync each would be 2000";
  EXPECT_GT(syncs - before, 0) << "acknowledged means on disk";
}

TEST(Store, SyncsBeforeEveryAcknowledgement) {
  Folder folder;
  auto store = open(folder);
  for (int i = 0; i < 5; ++i) {
    const int before = syncs;
    EXPECT_EQ(Commits::run(*store, one("a", std::to_string(i))), "");
    EXPECT_GT(syncs, before);
  }
}

TEST(Store, AFullDiskFailsAndDamagesNothing) {
  Folder folder;
  auto store = open(folder);
  EXPECT_EQ(Commits::run(*store, one("a", "1")), "");
  {
    NoSpace no_space;
    EXPECT_EQ(Commits::run(*store, one("a", "2")), "the disk is full");
    EXPECT_EQ(all(*store).front().value, "1") << "reading goes on, and sees what was acknowledged";
    EXPECT_EQ(Commits::run(*store, one("b", "2")), "the disk is full");
  }
  EXPECT_EQ(Commits::run_after_failure(*store, one("c", "3")), "") << "with space again, writing goes on";
  store.reset();
  store = open(folder);
  ASSERT_EQ(all(*store).size(), 2u);
  EXPECT_EQ(all(*store)[0].value, "1");
  EXPECT_EQ(all(*store)[1].value, "3");
}

TEST(Store, AFailureTakesAlongWhatWasQueuedBehindIt) {
  Folder folder;
  auto store = open(folder);
  std::optional<NoSpace> no_space(std::in_place);
  std::vector<std::string> errors;
  std::atomic<bool> both = false;
  // While the failure is reported there is space again, and more is queued that may build on the failed change.
  store->commit(one("a", "1"), [&](Result<> first) {
    errors.push_back(first ? "" : first.error().message);
    no_space.reset();
    store->commit(one("b", "2"), [&](Result<> second) {
      errors.push_back(second ? "" : second.error().message);
      both = true;
    });
  });
  for (int i = 0; i < 5000 && !both; ++i) usleep(1000);
  ASSERT_TRUE(both);
  EXPECT_EQ(errors, (std::vector<std::string>{"the disk is full", "the disk is full"}));
  EXPECT_EQ(Commits::run_after_failure(*store, one("c", "3")), "");
  EXPECT_EQ(all(*store).size(), 1u);
}

TEST(Store, AfterAFailedSyncNothingIsWrittenAnyMore) {
  Folder folder;
  auto store = open(folder);
  EXPECT_EQ(Commits::run(*store, one("a", "1")), "");
  syncs_fail = true;
  const auto failed = Commits::run(*store, one("b", "2"));
  syncs_fail = false;
  EXPECT_NE(failed.find("no more is written until a restart"), std::string::npos) << failed;
  EXPECT_EQ(Commits::run(*store, one("c", "3")), failed) << "although syncing would work again";
  EXPECT_EQ(all(*store).size(), 1u) << "reading goes on";
  store.reset();
  store = open(folder);
  EXPECT_EQ(Commits::run(*store, one("d", "4")), "") << "a restart looks at the disk anew";
  EXPECT_EQ(store->read(key("a")).value(), "1");
  EXPECT_EQ(store->read(key("c")).value(), std::nullopt);
}

TEST(Store, AFailedSyncOfACheckpointCountsToo) {
  Folder folder;
  auto store = open(folder);
  const std::string value(6'000'000, 'x');
  database_syncs_fail = true;
  EXPECT_EQ(Commits::run(*store, one("large", value)), "") << "the log has it";
  std::string later;
  for (int i = 0; i < 500 && later.empty(); ++i) later = Commits::run(*store, one("b", std::to_string(i)));
  database_syncs_fail = false;
  EXPECT_NE(later.find("no more is written"), std::string::npos) << "moving the log into the file did not work";
  EXPECT_EQ(Commits::run(*store, one("c", "")), later);
  store.reset();
  EXPECT_EQ(open(folder)->read(key("large")).value(), value) << "acknowledged";
}

TEST(Store, ABatchThatFailsHalfwayLeavesNothing) {
  Folder folder;
  open(folder).reset();
  run_sql(folder, "CREATE TRIGGER odd BEFORE INSERT ON objects WHEN new.name = 'bad' BEGIN SELECT RAISE(FAIL, 'bad name'); END");
  auto store = open(folder);
  Batch batch;
  batch.put(key("good"), "1");
  batch.put(key("bad"), "2");
  EXPECT_EQ(Commits::run(*store, std::move(batch)), "bad name");
  EXPECT_TRUE(all(*store).empty());
  EXPECT_EQ(Commits::run_after_failure(*store, one("good", "3")), "");
  EXPECT_EQ(all(*store).size(), 1u);
}

TEST(Store, TheLogDoesNotGrowForEver) {
  Folder folder;
  auto store = open(folder);
  for (int i = 0; i < 40; ++i) EXPECT_EQ(Commits::run(*store, one("same", std::string(500'000, static_cast<char>('A' + i)))), "");
  EXPECT_LT(std::filesystem::file_size(folder / "sallyport.db-wal"), 12'000'000u) << "20 MB were written";
}

TEST(Store, RefusesWhatANewerVersionWrote) {
  Folder folder;
  open(folder).reset();
  run_sql(folder, "PRAGMA user_version = 1000");
  const auto message = refusal(folder);
  EXPECT_NE(message.find("newer version of Sallyport (schema 1000"), std::string::npos) << message;
  run_sql(folder, "PRAGMA user_version = 1");
  EXPECT_EQ(refusal(folder), "") << "and leaves it as it is";
}

TEST(Store, RefusesOtherFiles) {
  Folder folder;
  run_sql(folder, "CREATE TABLE other (x)");
  EXPECT_NE(refusal(folder).find("another program"), std::string::npos);
  std::ofstream(folder / database_name) << std::string(10'000, 'x');
  EXPECT_NE(refusal(folder).find("the file is no database"), std::string::npos);
}

TEST(Store, RefusesAKeyThatIsNotSafe) {
  Folder folder;
  open(folder).reset();
  const auto path = folder / master_key_name;
  chmod(path.c_str(), 0640);
  EXPECT_NE(refusal(folder).find("may be read by others"), std::string::npos);
  chmod(path.c_str(), 0600);
  EXPECT_EQ(refusal(folder), "");
  std::filesystem::rename(path, folder / "elsewhere");
  std::filesystem::create_symlink(folder / "elsewhere", path);
  EXPECT_NE(refusal(folder).find("cannot read"), std::string::npos);
}

TEST(Store, RefusesAMissingWrongOrShortKey) {
  Folder folder;
  open(folder).reset();
  const auto path = folder / master_key_name;
  std::filesystem::rename(path, folder / "own.key");
  EXPECT_NE(refusal(folder).find("master.key is missing"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(path)) << "a new key would hide the loss";
  {
    Folder other;
    open(other).reset();
    std::filesystem::copy_file(other / master_key_name, path);
  }
  EXPECT_NE(refusal(folder).find("is not the key of this database"), std::string::npos);
  std::filesystem::resize_file(path, 31);
  EXPECT_NE(refusal(folder).find("is not 32 bytes long"), std::string::npos);
  std::filesystem::rename(folder / "own.key", path);
  EXPECT_EQ(refusal(folder), "");
}

TEST(Store, AnInterruptedFirstStartIsNone) {
  Folder folder;
  std::ofstream(folder / "master.key.new") << "half";
  std::ofstream(folder / database_name);
  EXPECT_EQ(refusal(folder), "");
  EXPECT_FALSE(std::filesystem::exists(folder / "master.key.new"));
}

}  // namespace
}  // namespace sallyport::store
