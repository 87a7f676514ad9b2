// The role SAM makes for a function, and what may stand in its Policies. Source: AWS SAM developer guide, "AWS::Serverless::Function" and
// "AWS SAM policy templates".
#include <algorithm>

#include "base/text.hpp"
#include "cloudformation/sam_parts.hpp"
#include "iam/aws_managed.hpp"
#include "iam/operations.hpp"

namespace sallyport::cloudformation::sam {
namespace {

/// Policy templates for services that are not here: nobody can call those, so that nothing is missing without them.
constexpr std::string_view templates_without_effect[] = {"AMIDescribePolicy",
                                                         "AWSSecretsManagerGetSecretValuePolicy",
                                                         "AWSSecretsManagerRotationPolicy",
                                                         "AcmGetCertificatePolicy",
                                                         "AthenaQueryPolicy",
                                                         "CloudFormationDescribeStacksPolicy",
                                                         "CloudWatchDashboardPolicy",
                                                         "CloudWatchDescribeAlarmHistoryPolicy",
                                                         "CloudWatchPutMetricPolicy",
                                                         "CodeCommitCrudPolicy",
                                                         "CodeCommitReadPolicy",
                                                         "CodePipelineLambdaExecutionPolicy",
                                                         "CodePipelineReadOnlyPolicy",
                                                         "ComprehendBasicAccessPolicy",
                                                         "CostExplorerReadOnlyPolicy",
                                                         "DynamoDBBackupFullAccessPolicy",
                                                         "DynamoDBCrudPolicy",
                                                         "DynamoDBReadPolicy",
                                                         "DynamoDBReconfigurePolicy",
                                                         "DynamoDBRestoreFromBackupPolicy",
                                                         "DynamoDBStreamReadPolicy",
                                                         "DynamoDBWritePolicy",
                                                         "EC2CopyImagePolicy",
                                                         "EC2DescribePolicy",
                                                         "EFSWriteAccessPolicy",
                                                         "EKSDescribePolicy",
                                                         "EcsRunTaskPolicy",
                                                         "ElasticMapReduceAddJobFlowStepsPolicy",
                                                         "ElasticMapReduceCancelStepsPolicy",
                                                         "ElasticMapReduceModifyInstanceFleetPolicy",
                                                         "ElasticMapReduceModifyInstanceGroupsPolicy",
                                                         "ElasticMapReduceSetTerminationProtectionPolicy",
                                                         "ElasticMapReduceTerminateJobFlowsPolicy",
                                                         "ElasticsearchHttpPostPolicy",
                                                         "EventBridgePutEventsPolicy",
                                                         "FirehoseCrudPolicy",
                                                         "FirehoseWritePolicy",
                                                         "KMSDecryptPolicy",
                                                         "KMSEncryptPolicy",
                                                         "KMSEncryptPolicy_v2",
                                                         "KinesisCrudPolicy",
                                                         "KinesisStreamReadPolicy",
                                                         "MobileAnalyticsWriteOnlyAccessPolicy",
                                                         "OrganizationsListAccountsPolicy",
                                                         "PinpointEndpointAccessPolicy",
                                                         "PollyFullAccessPolicy",
                                                         "RekognitionDetectOnlyPolicy",
                                                         "RekognitionFacesManagementPolicy",
                                                         "RekognitionFacesPolicy",
                                                         "RekognitionLabelsPolicy",
                                                         "RekognitionNoDataAccessPolicy",
                                                         "RekognitionReadPolicy",
                                                         "RekognitionWriteOnlyAccessPolicy",
                                                         "Route53ChangeResourceRecordSetsPolicy",
                                                         "S3CrudPolicy",
                                                         "S3FullAccessPolicy",
                                                         "S3ReadPolicy",
                                                         "S3WritePolicy",
                                                         "SESBulkTemplatedCrudPolicy",
                                                         "SESBulkTemplatedCrudPolicy_v2",
                                                         "SESCrudPolicy",
                                                         "SESEmailTemplateCrudPolicy",
                                                         "SESSendBouncePolicy",
                                                         "SNSCrudPolicy",
                                                         "SNSPublishMessagePolicy",
                                                         "SQSPollerPolicy",
                                                         "SQSSendMessagePolicy",
                                                         "SSMParameterReadPolicy",
                                                         "SSMParameterWithSlashPrefixReadPolicy",
                                                         "SageMakerCreateEndpointConfigPolicy",
                                                         "SageMakerCreateEndpointPolicy",
                                                         "ServerlessRepoReadWriteAccessPolicy",
                                                         "StepFunctionsCallbackPolicy",
                                                         "StepFunctionsExecutionPolicy",
                                                         "StepFunctionsExecutionPolicy_v2",
                                                         "TextractDetectAnalyzePolicy",
                                                         "TextractGetResultPolicy",
                                                         "TextractPolicy",
                                                         "VPCAccessPolicy"};

/// A policy template that has an effect: one statement about one thing.
struct Template {
  std::string_view name, parameter, action, resource;
};
constexpr Template templates[] = {{"FilterLogEventsPolicy", "LogGroupName", "logs:FilterLogEvents",
                                   "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${__Name__}:log-stream:*"},
                                  {"LambdaInvokePolicy", "FunctionName", "lambda:InvokeFunction",
                                   "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${__Name__}*"}};

Node sub(Location at, std::string_view text, Node variables) {
  return make_map(at, {{"Fn::Sub", Node(at, List{Node(at, text), std::move(variables)})}});
}

Node lambda_trust(Location at) {
  const auto list = [at](std::string_view item) { return Node(at, List{Node(at, item)}); };
  return make_map(at, {{"Version", Node(at, "2012-10-17")},
                       {"Statement", Node(at, List{make_map(at, {{"Effect", Node(at, "Allow")},
                                                                 {"Principal", make_map(at, {{"Service", list("lambda.amazonaws.com")}})},
                                                                 {"Action", list("sts:AssumeRole")}})})}});
}

/// The ARN of one of AWS's own policies by its name, as Fn::Sub; a text that is none stays as it is.
Node managed_policy(Location at, std::string_view name) {
  const auto policies = iam::aws_managed_policies();
  const auto found = std::ranges::find(policies, name, &iam::ManagedPolicy::name);
  if (found == policies.end()) return {at, name};
  return sub(at, cat("arn:${AWS::Partition}", std::string_view(found->arn).substr(std::string_view("arn:aws").size())), Node(at, Map{}));
}

/// What Policies asks for, gathered into the two properties of the role.
class Policies {
 public:
  Policies(const std::string& role_id, Properties& properties, Output& out) : role_id_(role_id), properties_(properties), out_(out) {}

  void read() {
    const auto at = properties_.at();
    arns_.push_back(managed_policy(at, "AWSLambdaBasicExecutionRole"));
    const auto* node = properties_.node("Policies");
    if (node == nullptr || node->is_broken()) return;
    if (node->list() == nullptr) return add(*node, 0);
    for (std::size_t i = 0; i < node->list()->size(); ++i) add((*node->list())[i], i);
  }

  Node arns(Location at) { return {at, std::move(arns_)}; }
  List& documents() { return documents_; }

 private:
  std::string where(std::size_t index) const { return cat(properties_.where(), ".Policies[", index, "]"); }

  void refuse(const Node& node, std::size_t index, std::string message, std::string hint = {}) {
    properties_.give_up();
    out_.report().problem(node.at, where(index), std::move(message), std::move(hint));
  }

  void add(const Node& node, std::size_t index) {
    if (node.is_broken() || node.is_null()) return;
    if (const auto* name = node.string()) return add_managed(node, *name, index);
    if (as_intrinsic(node)) return arns_.push_back(node);
    if (node.map() == nullptr) return refuse(node, index, cat("must be a name, an ARN, a document or a policy template, is ", node.kind()));
    if (node.find("Statement") != nullptr) return add_document(node, index);
    if (node.map()->size() == 1) return add_template(node.map()->front(), index);
    refuse(node, index, "is neither a policy document nor a policy template", "a document has a Statement");
  }

  void add_managed(const Node& node, std::string_view name, std::size_t index) {
    auto arn = managed_policy(node.at, name);
    if (arn.string() != nullptr && !name.starts_with("arn:")) {
      auto message = cat("`", name, "` is none of AWS's own policies that are known here");
      constexpr auto hint = "docs/iam.md lists them; write its statements as a document instead";
      if (!iam::is_unknown_grant(cat("arn:aws:iam::aws:policy/", name))) return refuse(node, index, std::move(message), hint);
      return out_.report().unsupported(node.at, where(index), std::move(message), hint);
    }
    if (name != "AWSLambdaBasicExecutionRole" && !name.ends_with(":policy/service-role/AWSLambdaBasicExecutionRole"))
      arns_.push_back(std::move(arn));
  }

  void add_document(Node document, std::size_t index) {
    const auto at = document.at;
    documents_.push_back(make_map(at, {{"PolicyName", Node(at, cat(role_id_, "Policy", index))}, {"PolicyDocument", std::move(document)}}));
  }

  void add_template(const Entry& entry, std::size_t index) {
    const Node named(entry.key_at, std::string_view(entry.key));
    if (std::ranges::find(templates_without_effect, entry.key) != std::end(templates_without_effect)) return;
    const auto found = std::ranges::find(templates, entry.key, &Template::name);
    if (found == std::end(templates)) {
      std::vector<std::string_view> names(std::begin(templates_without_effect), std::end(templates_without_effect));
      for (const auto& each : templates) names.push_back(each.name);
      const auto like = nearest(entry.key, names);
      return refuse(named, index, cat("there is no policy template `", entry.key, "`"),
                    like.empty() ? "a policy document has a Statement" : cat("did you mean ", like, "?"));
    }
    Properties parameters(&entry.value, entry.key_at, cat(where(index), ".", entry.key), entry.key, out_.report());
    const auto* value = parameters.node(found->parameter);
    if (value == nullptr) parameters.refuse(found->parameter, "missing");
    parameters.finish();
    if (!parameters.ok()) return properties_.give_up();
    const auto at = entry.key_at;
    auto statement = make_map(at, {{"Effect", Node(at, "Allow")},
                                   {"Action", Node(at, List{Node(at, found->action)})},
                                   {"Resource", sub(at, found->resource, make_map(at, {{"__Name__", *value}}))}});
    add_document(make_map(at, {{"Statement", Node(at, List{std::move(statement)})}}), index);
  }

  const std::string& role_id_;
  Properties& properties_;
  Output& out_;
  List arns_;
  List documents_;
};

}  // namespace

void add_role(const ResourceDeclaration& function, Properties& properties, Output& out) {
  const auto at = function.at;
  const auto role_id = function.logical_id + "Role";
  Policies policies(role_id, properties, out);
  policies.read();
  for (auto& policy : destination_policies(function, properties)) policies.documents().push_back(std::move(policy));
  Node role(at, Map{});
  if (properties.has("AssumeRolePolicyDocument"))
    copy(properties, "AssumeRolePolicyDocument", role);
  else
    role.set("AssumeRolePolicyDocument", lambda_trust(at));
  role.set("ManagedPolicyArns", policies.arns(at));
  if (!policies.documents().empty())
    role.map()->push_back({"Policies", properties.at("Policies"), Node(properties.at("Policies"), std::move(policies.documents()))});
  copy(properties, "PermissionsBoundary", role);
  copy(properties, "RolePath", role, "Path");
  out.add(role_id, "AWS::IAM::Role", at, function.where, std::move(role));
}

}  // namespace sallyport::cloudformation::sam
