// A map that shares what it copies behaves as any map, and knows what was touched.
#include "cognito/chunked_map.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace sallyport::cognito {
namespace {

TEST(ChunkedMapTest, BehavesAsAMapDoes) {
  std::mt19937 random(7);
  ChunkedMap<int> map;
  std::map<std::string, int> expected;
  for (int i = 0; i < 20'000; ++i) {
    const auto key = std::to_string(random() % 3'000);
    const int value = static_cast<int>(random() % 1'000);
    switch (random() % 4) {
      case 0: EXPECT_EQ(map.erase(key), expected.erase(key) == 1); break;
      case 1:
        if (auto* found = map.edit(key))
          *found = expected.at(key) = value;
        else
          EXPECT_FALSE(expected.contains(key));
        break;
      default: map.put(key, value), expected[key] = value;
    }
  }
  EXPECT_EQ(map.size(), expected.size());
  std::map<std::string, int> seen;
  std::string last;
  map.walk([&](const std::string& key, int value) {
    EXPECT_LT(last, key);
    last = key;
    seen[key] = value;
    return true;
  });
  EXPECT_EQ(seen, expected);
  for (const auto& [key, value] : expected) EXPECT_EQ(*map.find(key), value);
  EXPECT_EQ(map.find("no such key"), nullptr);
}

TEST(ChunkedMapTest, WalksOnFromAnyKey) {
  ChunkedMap<int> map;
  std::map<std::string, int> expected;
  for (int i = 0; i < 1'000; ++i) map.put(std::to_string(i), i), expected[std::to_string(i)] = i;
  for (const std::string after : {"", "0", "5", "500", "5000", "999", "zzz"}) {
    std::vector<std::string> seen, wanted;
    map.walk(after, [&](const std::string& key, int) {
      seen.push_back(key);
      return seen.size() < 20;
    });
    for (auto at = after.empty() ? expected.begin() : expected.upper_bound(after); at != expected.end() && wanted.size() < 20; ++at)
      wanted.push_back(at->first);
    EXPECT_EQ(seen, wanted) << after;
  }
}

TEST(ChunkedMapTest, ACopyKeepsItsValuesAndTheDifferenceIsWhatWasTouched) {
  std::mt19937 random(11);
  ChunkedMap<int> map;
  for (int i = 0; i < 5'000; ++i) map.put(std::to_string(i), 0);
  for (int round = 0; round < 50; ++round) {
    const auto before = map;
    std::map<std::string, std::pair<bool, bool>> touched;  // key -> was there, is there
    for (int i = 0; i < 30; ++i) {
      const auto key = std::to_string(random() % 8'000);
      touched.try_emplace(key, before.contains(key), false);
      if (random() % 3 == 0)
        map.erase(key);
      else
        map.put(key, round);
    }
    for (auto& [key, states] : touched) states.second = map.contains(key);
    std::erase_if(touched, [](const auto& each) { return !each.second.first && !each.second.second; });
    std::map<std::string, std::pair<bool, bool>> seen;
    ChunkedMap<int>::compare(before, map, [&](const std::string& key, const int* old, const int* now) {
      seen.emplace(key, std::pair(old != nullptr, now != nullptr));
      if (old) EXPECT_LT(*old, round + (round == 0));
    });
    EXPECT_EQ(seen, touched);
  }
}

TEST(ChunkedMapTest, UntouchedChunksAreNotLookedAt) {
  ChunkedMap<int> map;
  for (int i = 0; i < 100'000; ++i) map.put(std::to_string(1'000'000 + i), i);
  const auto before = map;
  *map.edit("1050000") = -1;
  int seen = 0;
  ChunkedMap<int>::compare(before, map, [&](const std::string& key, const int* old, const int* now) {
    ++seen;
    EXPECT_EQ(key, "1050000");
    EXPECT_EQ(*old, 50'000);
    EXPECT_EQ(*now, -1);
  });
  EXPECT_EQ(seen, 1);
  EXPECT_EQ(*before.find("1050000"), 50'000);
}

}  // namespace
}  // namespace sallyport::cognito
