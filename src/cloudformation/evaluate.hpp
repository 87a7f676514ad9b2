// Intrinsic functions, conditions and pseudo parameters.
// Source: CloudFormation user guide, intrinsic function reference and pseudo parameters reference.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/arn.hpp"
#include "cloudformation/node.hpp"
#include "cloudformation/parameters.hpp"

namespace sallyport::cloudformation {

namespace limits {
// A few nested Fn::Sub double a text as often as they like, and one Fn::FindInMap copies a whole mapping.
inline constexpr std::size_t made_bytes_max = 64u << 20;
inline constexpr std::size_t mention_path_max = 512;
}  // namespace limits

/// What a made resource answers to Ref and GetAtt.
struct Attributes {
  Node ref;
  std::map<std::string, Node, std::less<>> attributes;
};
using AttributesByName = std::map<std::string, Attributes, std::less<>>;

/// One part of a Fn::Sub text: literal text, or the name between `${` and `}`.
struct SubPart {
  std::string text;
  bool is_name = false;
};
/// `${!x}` is the literal `${x}`; nothing when a `${` is not closed or names nothing that can be a name.
std::optional<std::vector<SubPart>> parse_sub(std::string_view text);

/// A mention of a resource: by Ref or GetAtt, by Fn::Sub, or in DependsOn.
struct Mention {
  std::string logical_id;
  std::optional<std::string> attribute;  // of GetAtt
  Location at;
  std::string where;
};

/// Gives the intrinsic functions of one template their values, in two passes: `constants` before resources are made, `values` after. Makes
/// `limits::made_bytes_max` bytes at most in its life. Source: CloudFormation user guide, intrinsic function reference.
class Evaluator {
 public:
  /// All must outlive this object; `sections` is the template's top mapping, of which Mappings and Conditions are read.
  Evaluator(const Node& sections, const Parameters& parameters, aws::Scope scope, std::string stack_name, Report& report);

  /// Everything that depends on no resource becomes its value; what does depend on one stays an intrinsic. Nothing for AWS::NoValue.
  /// `where` is the path for messages. Problems are reported once and leave a Broken node.
  std::optional<Node> constants(const Node& node, std::string_view where);
  /// The rest: every mention of a resource becomes its value. REQUIRES: every resource mentioned is in `made`, or its mention is reported.
  Node values(const Node& node, std::string_view where, const AttributesByName& made);
  /// The named condition; nothing when it does not exist or its problem has been reported.
  std::optional<bool> condition(std::string_view name, Location at, std::string_view where);
  /// Evaluates every condition of the template, so that a wrong one is reported though nobody uses it.
  void check_conditions();
  /// Value of AWS::Region and the like; nothing for a name that is none. REQUIRES: not AWS::NoValue.
  std::optional<Node> pseudo_parameter(std::string_view name, Location at) const;
  std::string stack_id() const;

  /// Every mention of a resource in a tree `constants` has gone over, or one of the same form.
  static std::vector<Mention> mentions(const Node& node, std::string_view where);

 private:
  using Value = std::optional<Node>;  // nothing: AWS::NoValue
  Value evaluate(const Node& node);
  Value intrinsic(const Node& node, std::string_view name, const Node& argument);
  Value ref(const Node& node, const Node& argument);
  Value get_att(const Node& node, const Node& argument);
  Value sub(const Node& node, const Node& argument);
  Value join(const Node& node, const Node& argument);
  Value select(const Node& node, const Node& argument);
  Value split_text(const Node& node, const Node& argument);
  Value find_in_map(const Node& node, const Node& argument);
  Value choose(const Node& node, const Node& argument);
  Value base64(const Node& node, const Node& argument);

  std::optional<bool> evaluate_condition(const Node& node);
  std::optional<std::vector<const Node*>> operands(const Node& argument, std::size_t least, std::size_t most, std::string_view usage);
  /// A resource's value where resources are known; the unchanged mention where they are not.
  Value resource(const Node& node, std::string_view logical_id, std::optional<std::string_view> attribute);
  Node broken(Location at, std::string message, std::string hint = {});
  /// False, and reported once, when intrinsic functions have made too much.
  bool spend(std::size_t bytes, Location at);
  Node at_place(Node value, Location at) const;

  class Step;
  Report& report_;
  const Parameters& parameters_;
  aws::Scope scope_;
  std::string stack_name_;
  const Node* mappings_;
  std::map<std::string_view, const Node*, std::less<>> conditions_;
  struct Known {
    bool running = false;
    std::optional<bool> value;
  };
  std::map<std::string, Known, std::less<>> known_conditions_;
  int condition_depth_ = 0;
  std::size_t budget_ = limits::made_bytes_max;
  std::string where_;
  const AttributesByName* made_ = nullptr;
};

}  // namespace sallyport::cloudformation
