// Reads the members of a mapping by name and type. What is read is known; what nobody read is refused: the calls of a handler are its table
// of properties.
#pragma once

#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cloudformation/node.hpp"

namespace sallyport::cloudformation {

/// The members of one mapping. One that is missing though required, of another type or out of range is reported with its place, reads as
/// nothing or empty, and makes `ok` false: here, in what this one was read from, and in what is read from it.
class Properties {
 public:
  using TextMap = std::map<std::string, std::string, std::less<>>;

  /// `node` may be null: no properties. `at` is where a missing one is reported, `where` the path of the mapping. All must outlive this
  /// object. `what` names it in messages: "AWS::Lambda::Function".
  Properties(const Node* node, Location at, std::string where, std::string what, Report& report);

  bool has(std::string_view name) const { return find(name) != nullptr; }
  /// All of it, and nothing marked as known; null where there is none.
  const Node* whole() const { return node_; }
  /// The value as it is, and marked as known.
  const Node* node(std::string_view name);
  /// Strings, numbers and booleans as text, as CloudFormation converts them.
  std::optional<std::string> text(std::string_view name);
  std::string required_text(std::string_view name);
  std::optional<int> integer(std::string_view name, int least, int most);
  std::optional<double> number(std::string_view name, double least, double most);
  std::optional<bool> boolean(std::string_view name);
  std::vector<std::string> texts(std::string_view name);
  TextMap text_map(std::string_view name);
  std::map<std::string, bool, std::less<>> boolean_map(std::string_view name);
  /// A mapping inside; nothing when absent. The caller calls its `finish`.
  std::optional<Properties> object(std::string_view name);
  /// A list of mappings.
  std::vector<Properties> objects(std::string_view name);

  /// Known to AWS and of no effect on what a client or a function sees.
  void no_effect(std::initializer_list<std::string_view> names);
  /// Known to AWS and absent here: any use is refused (or listed) with the hint.
  void unsupported(std::string_view name, std::string_view hint);
  /// The same, but the value AWS takes by default may be written out.
  void only_default(std::string_view name, std::string_view value, std::string_view hint);
  /// Refuses a value; `name` empty for the mapping itself.
  void refuse(std::string_view name, std::string message, std::string hint = {});
  /// Refuses (or lists) every member nobody asked for.
  void finish();
  /// The same where an unknown member may be a guard with its name misspelt: refused whatever the user wants ignored.
  void finish_guard();

  /// For a resource that cannot be made whatever its properties say: they are only checked.
  void give_up() { *ok_ = false; }
  /// False once something was refused or is broken: nothing must be made from these values.
  bool ok() const { return *ok_; }
  Location at() const { return at_; }
  Location at(std::string_view name) const;
  const std::string& where() const { return where_; }
  Report& report() const { return *report_; }

 private:
  void finish(bool is_guard);
  const Node* find(std::string_view name) const;
  std::string path(std::string_view name) const;
  void wrong_type(const Node& node, std::string_view name, std::string_view wanted);

  const Node* node_;
  Location at_;
  std::string where_;
  std::string what_;
  Report* report_;
  std::shared_ptr<bool> ok_ = std::make_shared<bool>(true);
  std::set<std::string, std::less<>> known_;
};

}  // namespace sallyport::cloudformation
