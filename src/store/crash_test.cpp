// Killed at any moment, a store has everything it acknowledged, every batch whole or not at all, in the order of queueing.
#include <gtest/gtest.h>

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <random>

#include "store/sqlite_store.hpp"
#include "store/testing.hpp"

namespace sallyport::store {
namespace {

constexpr std::int64_t places = 32;  // batch n writes its number to the places n % 32 and, in another service, n % 7

Batch batch_of(std::int64_t number) {
  Batch batch;
  batch.put(testing::key(std::to_string(number % places)), std::to_string(number));
  batch.put(testing::key(std::to_string(number % 7), "iam"), cat(number, " ", std::string(static_cast<std::size_t>(number % 3000), 'x')));
  return batch;
}

/// The child: commits without end, sixteen under way at a time, and writes each acknowledged number to the pipe.
[[noreturn]] void write_until_killed(const std::string& directory, std::int64_t next, int acknowledgements) {
  auto store = open_store(directory);
  if (!store) {
    std::fprintf(stderr, "%s\n", store.error().message.c_str());
    _exit(1);
  }
  std::mutex mutex;
  std::condition_variable room;
  int under_way = 0;
  for (;; ++next) {
    {
      std::unique_lock lock(mutex);
      room.wait(lock, [&] { return under_way < 16; });
      ++under_way;
    }
    (*store)->commit(batch_of(next), [&, next](Result<> result) {
      if (!result || write(acknowledgements, &next, sizeof next) != sizeof next) _exit(2);
      std::scoped_lock lock(mutex);
      --under_way;
      room.notify_one();
    });
  }
}

struct Seen {
  std::int64_t acknowledged = 0;
  int exit_status = 0;
};

Seen run_and_kill(const std::string& directory, std::int64_t next, std::chrono::microseconds after) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const auto child = fork();
  if (child == 0) {
    close(ends[0]);
    write_until_killed(directory, next, ends[1]);
  }
  close(ends[1]);
  usleep(static_cast<useconds_t>(after.count()));
  kill(child, SIGKILL);
  Seen seen;
  std::int64_t number = 0;
  while (read(ends[0], &number, sizeof number) == sizeof number) seen.acknowledged = std::max(seen.acknowledged, number);
  close(ends[0]);
  waitpid(child, &seen.exit_status, 0);
  return seen;
}

/// The number of the newest batch. Fails when what is there is not exactly batches 0 to that number.
std::int64_t check(Store& store, std::int64_t first) {
  std::map<std::string, std::int64_t> lambda, iam;
  std::int64_t newest = first - 1;
  for (const auto& record : testing::all(store)) newest = std::max(newest, lambda[record.key.name] = std::stoll(record.value));
  for (const auto& record : testing::all(store, "iam")) iam[record.key.name] = std::stoll(record.value);
  for (std::int64_t number = std::max<std::int64_t>(1, newest - places + 1); number <= newest; ++number)
    EXPECT_EQ(lambda[std::to_string(number % places)], number) << "of " << newest;
  for (std::int64_t number = std::max<std::int64_t>(1, newest - 6); number <= newest; ++number)
    EXPECT_EQ(iam[std::to_string(number % 7)], number) << "half a batch, of " << newest;
  return newest;
}

TEST(Crash, KilledAtAnyMomentLosesNothingAcknowledged) {
  const auto* asked = getenv("SALLYPORT_KILLS");
  const int kills = asked ? atoi(asked) : 200;
  testing::Folder folder;
  std::mt19937 random(std::random_device{}());
  std::int64_t next = 1, acknowledged_in_all = 0;
  for (int i = 0; i < kills && !HasFailure(); ++i) {
    const auto seen = run_and_kill(folder.path, next, std::chrono::microseconds(std::uniform_int_distribution(0, 25'000)(random)));
    ASSERT_TRUE(WIFSIGNALED(seen.exit_status)) << "the child ended by itself";
    auto store = open_store(folder.path);
    ASSERT_TRUE(store) << store.error().message;
    const auto newest = check(**store, next);
    ASSERT_GE(newest, seen.acknowledged) << "kill " << i;
    acknowledged_in_all += std::max<std::int64_t>(0, seen.acknowledged - next + 1);
    next = newest + 1;
  }
  EXPECT_GT(acknowledged_in_all, kills) << "the children had no time to write";
}

}  // namespace
}  // namespace sallyport::store
