// Parameters: what a caller sent, read by name. It remembers what was read: a member nobody asked for was not honoured, and a call with
// one is refused by name instead of being half obeyed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json/value.hpp"

namespace sallyport::wire {

/// The decoded input of one operation, or a structure inside it. Member names are the model's (`FunctionName`, `restApiId`), kinds are
/// checked against the model beforehand, so that a reader of the wrong kind finds nothing. Blobs are bytes, timestamps are numbers of
/// seconds since 1970 (with a fraction). Copies and nested readers share one record of what was read. One thread at a time.
class Parameters {
 public:
  explicit Parameters(json::Value value);

  bool has(std::string_view name) const;  // does not count as reading
  /// The member as it is; null when absent. Counts as reading all of it.
  const json::Value* value(std::string_view name) const;
  std::optional<std::string> text(std::string_view name) const;
  std::string text_or(std::string_view name, std::string_view otherwise) const;
  /// Of a required member: the model's check has seen to it that it is there; empty otherwise.
  std::string required(std::string_view name) const { return text_or(name, ""); }
  std::optional<std::int64_t> integer(std::string_view name) const;
  std::optional<double> number(std::string_view name) const;
  std::optional<bool> boolean(std::string_view name) const;
  /// nullopt when absent; an empty list is a list.
  std::optional<std::vector<std::string>> texts(std::string_view name) const;
  std::optional<std::map<std::string, std::string, std::less<>>> text_map(std::string_view name) const;
  std::optional<Parameters> structure(std::string_view name) const;
  std::optional<std::vector<Parameters>> structures(std::string_view name) const;
  /// A map of structures.
  std::optional<std::vector<std::pair<std::string, Parameters>>> structure_map(std::string_view name) const;

  /// The members that were sent and never read, as paths (`VpcConfig.SubnetIds`), in the order they were sent. Empty structures, lists and
  /// nulls ask for nothing and are left out.
  std::vector<std::string> unread() const;

 private:
  struct Record {
    json::Value value;
    std::set<const json::Value*> read;       // whole
    std::set<const json::Value*> descended;  // structures whose members are looked at one by one
  };
  Parameters(std::shared_ptr<Record> record, const json::Value* here) : record_(std::move(record)), here_(here) {}
  std::shared_ptr<Record> record_;
  const json::Value* here_;
};

}  // namespace sallyport::wire
