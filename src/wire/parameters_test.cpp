#include "wire/parameters.hpp"

#include <gtest/gtest.h>

namespace sallyport::wire {
namespace {

Parameters sample() {
  return Parameters(json::Object{{"Name", "f"},
                                 {"Size", 5},
                                 {"Tags", json::Object{{"a", "1"}}},
                                 {"VpcConfig", json::Object{{"SubnetIds", json::Array{"s"}}, {"Ipv6", false}}},
                                 {"Rules", json::Array{json::Object{{"A", 1}, {"B", 2}}}},
                                 {"Empty", json::Object{}},
                                 {"None", json::Value()}});
}

TEST(ParametersTest, WhatWasNotReadIsNamed) {
  const auto in = sample();
  EXPECT_EQ(in.required("Name"), "f");
  EXPECT_EQ(in.integer("Size"), 5);
  EXPECT_EQ(in.unread(), (std::vector<std::string>{"Tags", "VpcConfig", "Rules"}));
  EXPECT_EQ(in.text_map("Tags")->at("a"), "1");
  const auto vpc = in.structure("VpcConfig");
  EXPECT_EQ(in.unread(), (std::vector<std::string>{"VpcConfig.SubnetIds", "VpcConfig.Ipv6", "Rules"}));
  EXPECT_EQ(vpc->texts("SubnetIds"), std::vector<std::string>{"s"});
  EXPECT_EQ(vpc->boolean("Ipv6"), false);
  EXPECT_EQ(in.structures("Rules")->front().integer("A"), 1);
  EXPECT_EQ(in.unread(), std::vector<std::string>{"Rules[0].B"});
}

TEST(ParametersTest, AskingWhetherSomethingIsThereIsNotReading) {
  const auto in = sample();
  EXPECT_TRUE(in.has("Tags"));
  EXPECT_FALSE(in.has("None"));
  EXPECT_FALSE(in.has("Other"));
  EXPECT_EQ(in.unread().size(), 5u);
}

TEST(ParametersTest, ReadingAWholeStructureReadsWhatIsInIt) {
  const auto in = sample();
  for (auto name : {"Name", "Size", "Tags", "VpcConfig", "Rules"}) EXPECT_TRUE(in.value(name));
  EXPECT_TRUE(in.unread().empty());
}

TEST(ParametersTest, AnotherKindIsNothing) {
  const auto in = sample();
  EXPECT_FALSE(in.text("Size"));
  EXPECT_FALSE(in.integer("Name"));
  EXPECT_FALSE(in.structure("Name"));
  EXPECT_EQ(in.text_or("Other", "x"), "x");
}

}  // namespace
}  // namespace sallyport::wire
