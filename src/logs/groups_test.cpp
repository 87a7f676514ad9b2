#include <gtest/gtest.h>

#include "logs/testing.hpp"

namespace sallyport::logs {
namespace {

using testing::pluck;
using testing::string_of;
using testing::World;
using Strings = std::vector<std::string>;

constexpr auto group_arn_text = "arn:aws:logs:us-east-1:123456789012:log-group:g";

TEST(Groups, AreMadeDescribedAndDeleted) {
  World world;
  EXPECT_EQ(world.text("CreateLogGroup", R"({"logGroupName":"g","tags":{"a":"1"}})"), "{}");
  EXPECT_EQ(world.text("CreateLogGroup", R"({"logGroupName":"g"})"),
            "ResourceAlreadyExistsException: The specified log group already exists");
  EXPECT_EQ(world.text("DescribeLogGroups"),
            R"({"logGroups":[{"logGroupName":"g","creationTime":1700000000000,"metricFilterCount":0,)"
            R"("arn":"arn:aws:logs:us-east-1:123456789012:log-group:g:*","storedBytes":0,"logGroupClass":"STANDARD",)"
            R"("logGroupArn":"arn:aws:logs:us-east-1:123456789012:log-group:g"}]})");
  EXPECT_EQ(world.text("DeleteLogGroup", R"({"logGroupName":"g"})"), "{}");
  EXPECT_EQ(world.text("DeleteLogGroup", R"({"logGroupName":"g"})"), "ResourceNotFoundException: The specified log group does not exist.");
  EXPECT_EQ(world.text("DescribeLogGroups"), R"({"logGroups":[]})");
}

TEST(Groups, WhatIsNotHonouredIsRefused) {
  World world;
  const auto code = [&](std::string operation, const char* in) {
    auto answer = world.call(std::move(operation), in);
    return answer ? "" : cat(answer.error().code, " ", answer.error().status);
  };
  EXPECT_EQ(code("CreateLogGroup", R"({"logGroupName":"g","kmsKeyId":"k"})"), "UnsupportedOperationException 501");
  EXPECT_EQ(code("CreateLogGroup", R"({"logGroupName":"g","logGroupClass":"INFREQUENT_ACCESS"})"), "UnsupportedOperationException 501");
  EXPECT_EQ(code("CreateLogGroup", R"({"logGroupName":"g","deletionProtectionEnabled":true})"), "UnsupportedOperationException 501");
  EXPECT_EQ(code("DescribeLogGroups", R"({"accountIdentifiers":["1"]})"), "UnsupportedOperationException 501");
  EXPECT_EQ(world.text("DescribeLogGroups"), R"({"logGroups":[]})") << "and nothing was made";
  EXPECT_EQ(code("CreateLogGroup", R"({"logGroupName":"g","logGroupClass":"STANDARD","deletionProtectionEnabled":false})"), "");
}

TEST(Groups, Streams) {
  World world;
  EXPECT_EQ(world.text("CreateLogStream", R"({"logGroupName":"g","logStreamName":"s"})"),
            "ResourceNotFoundException: The specified log group does not exist.");
  world.make("g", {"s"});
  EXPECT_EQ(world.text("CreateLogStream", R"({"logGroupName":"g","logStreamName":"s"})"),
            "ResourceAlreadyExistsException: The specified log stream already exists");
  EXPECT_EQ(world.text("DescribeLogStreams", R"({"logGroupName":"g"})"),
            R"({"logStreams":[{"logStreamName":"s","creationTime":1700000000000,)"
            R"("arn":"arn:aws:logs:us-east-1:123456789012:log-group:g:log-stream:s","storedBytes":0}]})");
  EXPECT_EQ(world.text("DeleteLogStream", R"({"logGroupName":"g","logStreamName":"s"})"), "{}");
  EXPECT_EQ(world.text("DeleteLogStream", R"({"logGroupName":"g","logStreamName":"s"})"),
            "ResourceNotFoundException: The specified log stream does not exist.");
}

TEST(Groups, StreamsInBothOrders) {
  World world;
  world.make("g", {"a", "b", "c", "d"});
  const auto now = world.clock.now_ms.load();
  EXPECT_NE(world.put("g", "c", now - 3, {"x"}), "");
  EXPECT_NE(world.put("g", "a", now - 2, {"x"}), "");
  EXPECT_NE(world.put("g", "b", now - 1, {"x"}), "");
  const auto all = [&](json::Object in) {
    in.emplace_back("logGroupName", "g");
    in.emplace_back("limit", 1);
    Strings names;
    for (int i = 0; i < 9; ++i) {
      auto page = world.call("DescribeLogStreams", in);
      for (auto& name : pluck(page, "logStreams", "logStreamName")) names.push_back(name);
      const auto next = string_of(page, "nextToken");
      if (next.empty()) break;
      std::erase_if(in, [](const auto& member) { return member.first == "nextToken"; });
      in.emplace_back("nextToken", next);
    }
    return names;
  };
  EXPECT_EQ(all({}), (Strings{"a", "b", "c", "d"}));
  EXPECT_EQ(all({{"descending", true}}), (Strings{"d", "c", "b", "a"}));
  EXPECT_EQ(all({{"orderBy", "LastEventTime"}, {"descending", true}}), (Strings{"b", "a", "c", "d"}));
  EXPECT_EQ(all({{"orderBy", "LastEventTime"}}), (Strings{"d", "c", "a", "b"}));
  EXPECT_EQ(all({{"logStreamNamePrefix", "c"}}), (Strings{"c"}));
  EXPECT_EQ(world.text("DescribeLogStreams", R"({"logGroupName":"g","orderBy":"LastEventTime","logStreamNamePrefix":"a"})"),
            "InvalidParameterException: Cannot order by LastEventTime with a logStreamNamePrefix.");
}

TEST(Groups, Retention) {
  World world;
  world.make("g");
  EXPECT_EQ(world.text("PutRetentionPolicy", R"({"logGroupName":"g","retentionInDays":14})"), "{}");
  EXPECT_NE(world.text("DescribeLogGroups").find(R"("retentionInDays":14)"), std::string::npos);
  EXPECT_EQ(world.text("PutRetentionPolicy", R"({"logGroupName":"g","retentionInDays":15})").substr(0, 83),
            "InvalidParameterException: 1 validation error detected: Value '15' at 'retentionInD");
  EXPECT_EQ(world.text("PutRetentionPolicy", R"({"logGroupName":"h","retentionInDays":1})").substr(0, 25), "ResourceNotFoundException");
  EXPECT_EQ(world.text("DeleteRetentionPolicy", R"({"logGroupName":"g"})"), "{}");
  EXPECT_EQ(world.text("DescribeLogGroups").find("retentionInDays"), std::string::npos);
}

TEST(Groups, TagsByArnAndByName) {
  World world;
  world.make("g");
  const auto by_arn = [](std::string rest) { return json::parse(cat(R"({"resourceArn":")", group_arn_text, "\"", rest, "}")).value(); };
  EXPECT_EQ(world.text("TagResource", by_arn(R"(,"tags":{"a":"1","b":"2"})")), "{}");
  EXPECT_EQ(world.text("TagLogGroup", R"({"logGroupName":"g","tags":{"b":"3","c":"4"}})"), "{}");
  EXPECT_EQ(world.text("ListTagsForResource", by_arn("")), R"({"tags":{"a":"1","b":"3","c":"4"}})");
  EXPECT_EQ(world.text("UntagResource", by_arn(R"(,"tagKeys":["a","nothing"])")), "{}");
  EXPECT_EQ(world.text("UntagLogGroup", R"({"logGroupName":"g","tags":["c"]})"), "{}");
  EXPECT_EQ(world.text("ListTagsLogGroup", R"({"logGroupName":"g"})"), R"({"tags":{"b":"3"}})");
  EXPECT_EQ(world.text("ListTagsForResource", R"({"resourceArn":"arn:aws:logs:us-east-1:123456789012:log-group:g:*"})"),
            R"({"tags":{"b":"3"}})");
  EXPECT_EQ(world.text("ListTagsForResource", R"({"resourceArn":"arn:aws:logs:us-east-1:123456789012:log-group:h"})").substr(0, 25),
            "ResourceNotFoundException");
  EXPECT_EQ(world.text("ListTagsForResource", R"({"resourceArn":"arn:aws:logs:us-east-1:210987654321:log-group:g"})").substr(0, 25),
            "ResourceNotFoundException")
      << "another account's";
  EXPECT_EQ(world.text("ListTagsForResource", R"({"resourceArn":"arn:aws:lambda:us-east-1:123456789012:function:g"})").substr(0, 25),
            "InvalidParameterException");
  json::Object many;
  for (int i = 0; i < 50; ++i) many.emplace_back(cat("t", i), "v");
  EXPECT_EQ(world.text("TagLogGroup", json::Object{{"logGroupName", "g"}, {"tags", std::move(many)}}).substr(0, 20),
            "TooManyTagsException");
  EXPECT_EQ(world.text("TagLogGroup", R"({"logGroupName":"g","tags":{"aws:x":"1"}})").substr(0, 25), "InvalidParameterException");
}

TEST(Groups, ArePaged) {
  World world;
  for (const auto* name : {"a1", "a2", "b1", "a3"}) world.make(name);
  auto first = world.call("DescribeLogGroups", R"({"logGroupNamePrefix":"a","limit":2})");
  EXPECT_EQ(pluck(first, "logGroups", "logGroupName"), (Strings{"a1", "a2"}));
  auto second = world.call("DescribeLogGroups",
                           json::Object{{"logGroupNamePrefix", "a"}, {"limit", 2}, {"nextToken", string_of(first, "nextToken")}});
  EXPECT_EQ(pluck(second, "logGroups", "logGroupName"), (Strings{"a3"}));
  EXPECT_EQ(string_of(second, "nextToken"), "");
  EXPECT_EQ(pluck(world.call("DescribeLogGroups", R"({"logGroupNamePattern":"B"})"), "logGroups", "logGroupName"), (Strings{"b1"}));
  EXPECT_EQ(world.text("DescribeLogGroups", R"({"logGroupNamePattern":"B","logGroupNamePrefix":"a"})").substr(0, 25),
            "InvalidParameterException");
  EXPECT_EQ(world.text("DescribeLogGroups", R"({"nextToken":"?"})"), "InvalidParameterException: The specified nextToken is invalid.");
  EXPECT_EQ(world.text("DescribeLogGroups", R"({"limit":51})").substr(0, 25), "InvalidParameterException");
}

TEST(Groups, AccountsAndRegionsAreApart) {
  World world;
  world.make("g", {"s"});
  world.scope.region = "eu-west-1";
  EXPECT_EQ(world.text("DescribeLogGroups"), R"({"logGroups":[]})");
  world.make("g");
  world.scope.region = "us-east-1";
  world.scope.account_id = "210987654321";
  EXPECT_EQ(world.text("DescribeLogGroups"), R"({"logGroups":[]})");
}

TEST(Groups, SurviveARestart) {
  World world;
  EXPECT_EQ(world.text("CreateLogGroup", R"({"logGroupName":"/aws/lambda/f","tags":{"a":"1"}})"), "{}");
  EXPECT_EQ(world.text("CreateLogStream", R"({"logGroupName":"/aws/lambda/f","logStreamName":"2026/01/02/[$LATEST]ab"})"), "{}");
  EXPECT_EQ(world.text("PutRetentionPolicy", R"({"logGroupName":"/aws/lambda/f","retentionInDays":7})"), "{}");
  world.make("gone", {"s"});
  EXPECT_EQ(world.text("DeleteLogGroup", R"({"logGroupName":"gone"})"), "{}");
  const auto groups = world.text("DescribeLogGroups");
  const auto streams = world.text("DescribeLogStreams", R"({"logGroupName":"/aws/lambda/f"})");
  EXPECT_NE(streams.find("LATEST"), std::string::npos);
  world.start();
  EXPECT_EQ(world.text("DescribeLogGroups"), groups);
  EXPECT_EQ(world.text("DescribeLogStreams", R"({"logGroupName":"/aws/lambda/f"})"), streams);
  EXPECT_EQ(world.text("ListTagsLogGroup", R"({"logGroupName":"/aws/lambda/f"})"), R"({"tags":{"a":"1"}})");
}

TEST(Groups, AFailingStoreChangesNothing) {
  World world;
  world.make("g");
  world.store.fails = true;
  EXPECT_NE(world.text("CreateLogGroup", R"({"logGroupName":"h"})").find("could not be stored"), std::string::npos);
  world.store.fails = false;
  EXPECT_EQ(pluck(world.call("DescribeLogGroups"), "logGroups", "logGroupName"), Strings{"g"});
}

TEST(Groups, WhatACallNeeds) {
  World world;
  EXPECT_EQ(world.text("CreateLogGroup", R"({"logGroupName":"g","tags":{"team":"a"}})"), "{}");
  const auto needs = [&](std::string operation, const char* in) {
    Strings out;
    for (const auto& each : world.access(std::move(operation), in)) out.push_back(cat(each.action, " ", each.resource));
    return out;
  };
  const std::string arn = group_arn_text;
  EXPECT_EQ(needs("CreateLogGroup", R"({"logGroupName":"g"})"), Strings{"logs:CreateLogGroup " + arn + ":log-stream:"});
  EXPECT_EQ(needs("CreateLogGroup", R"({"logGroupName":"g","tags":{"a":"1"}})"),
            (Strings{"logs:CreateLogGroup " + arn + ":log-stream:", "logs:TagResource " + arn + ":log-stream:"}));
  EXPECT_EQ(needs("CreateLogStream", R"({"logGroupName":"g","logStreamName":"s"})"),
            Strings{"logs:CreateLogStream " + arn + ":log-stream:s"});
  EXPECT_EQ(needs("PutLogEvents", R"({"logGroupName":"g","logStreamName":"s"})"), Strings{"logs:PutLogEvents " + arn + ":log-stream:s"});
  EXPECT_EQ(needs("GetLogEvents", R"({"logGroupIdentifier":"arn:aws:logs:us-east-1:123456789012:log-group:g","logStreamName":"s"})"),
            Strings{"logs:GetLogEvents " + arn + ":log-stream:s"});
  EXPECT_EQ(needs("FilterLogEvents", R"({"logGroupName":"g","unmask":true})"),
            (Strings{"logs:FilterLogEvents " + arn + ":log-stream:", "logs:Unmask " + arn + ":log-stream:"}));
  EXPECT_EQ(needs("DescribeLogGroups", R"({"logGroupNamePrefix":"g"})"),
            Strings{"logs:DescribeLogGroups arn:aws:logs:us-east-1:123456789012:log-group::log-stream:"});
  EXPECT_EQ(needs("ListTagsForResource", R"({"resourceArn":"arn:aws:logs:us-east-1:123456789012:log-group:g"})"),
            Strings{"logs:ListTagsForResource " + arn});
  const auto tagging = world.access("TagLogGroup", R"({"logGroupName":"g","tags":{"x":"1"}})");
  using Context = decltype(tagging.front().context);
  EXPECT_EQ(tagging.front().context, (Context{{"aws:ResourceTag/team", {"a"}}, {"aws:RequestTag/x", {"1"}}, {"aws:TagKeys", {"x"}}}));
}

TEST(Groups, EveryOperationOfTheFirstTierIsThere) {
  World world;
  for (const auto* operation :
       {"CreateLogGroup", "CreateLogStream", "DeleteLogGroup", "DeleteLogStream", "DeleteRetentionPolicy", "DescribeLogGroups",
        "DescribeLogStreams", "FilterLogEvents", "GetLogEvents", "ListTagsForResource", "ListTagsLogGroup", "PutLogEvents",
        "PutRetentionPolicy", "TagLogGroup", "TagResource", "UntagLogGroup", "UntagResource"})
    EXPECT_TRUE(world.service->find(operation)) << operation;
}

}  // namespace
}  // namespace sallyport::logs
