// Random values by the models' shapes, for every operation with shapes.
#include <gtest/gtest.h>

#include "json/parse.hpp"
#include "wire/codec.hpp"
#include "wire/router.hpp"
#include "wire/testing.hpp"
#include "wire/validator.hpp"

namespace sallyport::wire {
namespace {

using testing::Client;
using testing::Generator;
using testing::same;

template <class Use>
void for_each_operation(Use use) {
  for (const auto* service : all_models())
    for (const auto& operation : service->operations)
      if (operation.has_shapes) use(*service, operation);
}

TEST(WireProperty, WhatAClientWritesIsRoutedAndDecodedToTheSameValue) {
  Generator random(20260101);
  for_each_operation([&](const ServiceModel& service, const Operation& operation) {
    for (int round = 0; round < 8; ++round) {
      const auto input = random.input(service, operation);
      const auto draft = Client(service).write(operation, input);
      const auto request = draft.request();
      const auto routed = route(request, draft.body);
      ASSERT_TRUE(routed) << operation.name << " " << draft.target;
      ASSERT_EQ(routed->operation, &operation) << draft.target;
      const auto decoded = decode(*routed, request, draft.body);
      ASSERT_TRUE(decoded) << operation.name << ": " << decoded.error().message << "\n" << draft.target << "\n" << draft.body;
      ASSERT_TRUE(same(input, *decoded)) << operation.name << "\n" << json::to_text(input) << "\n" << json::to_text(*decoded);
    }
  });
}

TEST(WireProperty, AnyDecodedInputCanBeValidated) {
  Generator random(7);
  const Validator validator;
  for_each_operation([&](const ServiceModel& service, const Operation& operation) {
    for (int round = 0; round < 4; ++round) {
      const auto input = random.input(service, operation);
      if (const auto checked = validator.check(service, operation, input); !checked) {
        EXPECT_EQ(checked.error().code, service.validation_code);
        EXPECT_FALSE(checked.error().message.empty());
      }
    }
  });
}

/// What of an output is in the body, decoded as if it were an input of the same shape.
TEST(WireProperty, EncodedJsonOutputsReadBackToTheSameValue) {
  Generator random(11);
  for_each_operation([&](const ServiceModel& service, const Operation& operation) {
    if (service.protocol == Protocol::query || !operation.output || operation.output->payload) return;
    Operation mirror = operation;
    mirror.input = operation.output;
    for (int round = 0; round < 8; ++round) {
      auto output = random.output(*operation.output);
      const auto response = encode(service, operation, output, "id");
      const auto request = http::assemble_request("POST", "/", {});
      const auto read = decode(Route{&service, &mirror}, request, response.body);
      ASSERT_TRUE(read) << operation.name << ": " << read.error().message << "\n" << response.body;
      json::Value expected{json::Object{}};
      for (const auto& [name, item] : *output.object())
        if (operation.output->find(name)->location == Location::body) expected.set(name, item);
      ASSERT_TRUE(same(expected, *read)) << operation.name << "\n" << json::to_text(expected) << "\n" << json::to_text(*read);
    }
  });
}

}  // namespace
}  // namespace sallyport::wire
