#include "iam/aws_managed.hpp"

#include <algorithm>
#include <vector>

#include "base/time_text.hpp"
#include "crypto/digest.hpp"

namespace sallyport::iam {
namespace {

struct Row {
  const char* path;
  const char* name;
  const char* created;
  const char* description;
  const char* statements;
};

constexpr const char* write_logs = R"("logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents")";

constexpr Row rows[] =
    {
        {"/", "AWSLambda_FullAccess", "2020-11-17T21:14:08Z",
         "Grants full access to AWS Lambda service, AWS Lambda console features, and other related AWS services.",
         R"({"Effect":"Allow","Action":["cloudformation:DescribeStacks","cloudformation:ListStackResources","cloudwatch:ListMetrics","cloudwatch:GetMetricData","ec2:DescribeSecurityGroups","ec2:DescribeSubnets","ec2:DescribeVpcs","kms:ListAliases","iam:GetPolicy","iam:GetPolicyVersion","iam:GetRole","iam:GetRolePolicy","iam:ListAttachedRolePolicies","iam:ListRolePolicies","iam:ListRoles","lambda:*","logs:DescribeLogGroups","states:DescribeStateMachine","states:ListStateMachines","tag:GetResources","xray:GetTraceSummaries","xray:BatchGetTraces"],"Resource":"*"},)"
         R"({"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"lambda.amazonaws.com"}}},)"
         R"({"Effect":"Allow","Action":["logs:DescribeLogStreams","logs:GetLogEvents","logs:FilterLogEvents"],"Resource":"arn:aws:logs:*:*:log-group:/aws/lambda/*"})"},
        {"/", "AWSLambda_ReadOnlyAccess", "2020-11-17T21:10:15Z",
         "Grants read-only access to AWS Lambda service, AWS Lambda console features, and other related AWS services.",
         R"({"Effect":"Allow","Action":["cloudformation:DescribeStacks","cloudformation:ListStackResources","cloudwatch:GetMetricData","cloudwatch:ListMetrics","ec2:DescribeSecurityGroups","ec2:DescribeSubnets","ec2:DescribeVpcs","kms:ListAliases","iam:GetPolicy","iam:GetPolicyVersion","iam:GetRole","iam:GetRolePolicy","iam:ListAttachedRolePolicies","iam:ListRolePolicies","iam:ListRoles","logs:DescribeLogGroups","lambda:Get*","lambda:List*","states:DescribeStateMachine","states:ListStateMachines","tag:GetResources","xray:GetTraceSummaries","xray:BatchGetTraces"],"Resource":"*"},)"
         R"({"Effect":"Allow","Action":["logs:DescribeLogStreams","logs:GetLogEvents","logs:FilterLogEvents"],"Resource":"arn:aws:logs:*:*:log-group:/aws/lambda/*"})"},
        {"/", "AWSXRayDaemonWriteAccess", "2018-08-28T23:00:33Z",
         "Allow the AWS X-Ray Daemon to relay raw trace segments data to the service's API and retrieve sampling data (rules, targets, "
         "etc.) to be "
         "used by the X-Ray SDK.",
         R"({"Effect":"Allow","Action":["xray:PutTraceSegments","xray:PutTelemetryRecords","xray:GetSamplingRules","xray:GetSamplingTargets","xray:GetSamplingStatisticSummaries"],"Resource":"*"})"},
        {"/", "AdministratorAccess", "2015-02-06T18:39:46Z", "Provides full access to AWS services and resources.",
         R"({"Effect":"Allow","Action":"*","Resource":"*"})"},
        {"/", "AmazonAPIGatewayAdministrator", "2015-07-09T17:34:45Z",
         "Provides full access to create/edit/delete APIs in Amazon API Gateway via the AWS Management Console.",
         R"({"Effect":"Allow","Action":"apigateway:*","Resource":"arn:aws:apigateway:*::/*"})"},
        {"/", "AmazonAPIGatewayInvokeFullAccess", "2015-07-09T17:36:12Z", "Provides full access to invoke APIs in Amazon API Gateway.",
         R"({"Effect":"Allow","Action":["execute-api:Invoke","execute-api:ManageConnections"],"Resource":"arn:aws:execute-api:*:*:*"})"},
        {"/", "CloudWatchLogsFullAccess", "2015-02-06T18:40:02Z", "Provides full access to CloudWatch Logs",
         R"({"Effect":"Allow","Action":["logs:*","cloudwatch:GenerateQuery"],"Resource":"*"})"},
        {"/", "CloudWatchLogsReadOnlyAccess", "2015-02-06T18:40:03Z", "Provides read only access to CloudWatch Logs",
         R"({"Effect":"Allow","Action":["logs:Describe*","logs:Get*","logs:List*","logs:StartQuery","logs:StopQuery","logs:TestMetricFilter","logs:FilterLogEvents","logs:StartLiveTail","logs:StopLiveTail","cloudwatch:GenerateQuery"],"Resource":"*"})"},
        {"/", "IAMFullAccess", "2015-02-06T18:40:38Z", "Provides full access to IAM via the AWS Management Console.",
         R"({"Effect":"Allow","Action":["iam:*","organizations:DescribeAccount","organizations:DescribeOrganization","organizations:DescribeOrganizationalUnit","organizations:DescribePolicy","organizations:ListChildren","organizations:ListParents","organizations:ListPoliciesForTarget","organizations:ListRoots","organizations:ListPolicies","organizations:ListTargetsForPolicy"],"Resource":"*"})"},
        {"/", "IAMReadOnlyAccess", "2015-02-06T18:40:39Z", "Provides read only access to IAM via the AWS Management Console.",
         R"({"Effect":"Allow","Action":["iam:GenerateCredentialReport","iam:GenerateServiceLastAccessedDetails","iam:Get*","iam:List*","iam:SimulateCustomPolicy","iam:SimulatePrincipalPolicy"],"Resource":"*"})"},
        {"/", "PowerUserAccess", "2015-02-06T18:39:47Z",
         "Provides full access to AWS services and resources, but does not allow management of Users and groups.",
         R"({"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"},)"
         R"({"Effect":"Allow","Action":["account:GetAccountInformation","account:GetPrimaryEmail","account:ListRegions","iam:CreateServiceLinkedRole","iam:DeleteServiceLinkedRole","iam:ListRoles","organizations:DescribeOrganization"],"Resource":"*"})"},
        {"/",
         "ReadOnlyAccess", "2015-02-06T18:39:48Z", "Provides read-only access to AWS services and resources.", R"({"Effect":"Allow","Action":["apigateway:GET","cloudformation:Describe*","cloudformation:Get*","cloudformation:List*","cloudwatch:Describe*","cloudwatch:Get*","cloudwatch:List*","cognito-identity:Describe*","cognito-identity:Get*","cognito-identity:List*","cognito-idp:AdminGet*","cognito-idp:AdminList*","cognito-idp:Describe*","cognito-idp:Get*","cognito-idp:List*","iam:Generate*","iam:Get*","iam:List*","iam:Simulate*","lambda:Get*","lambda:List*","logs:Describe*","logs:FilterLogEvents","logs:Get*","logs:ListTagsForResource","logs:ListTagsLogGroup","logs:StartQuery","logs:StopQuery","logs:TestMetricFilter","sts:GetAccessKeyInfo","sts:GetCallerIdentity","sts:GetSessionToken","tag:Get*","xray:BatchGet*","xray:Get*"],"Resource":"*"})"},
        {"/service-role/", "AWSLambdaBasicExecutionRole", "2015-04-09T15:03:43Z", "Provides write permissions to CloudWatch Logs.",
         R"({"Effect":"Allow","Action":[%logs%],"Resource":"*"})"},
        {"/service-role/", "AWSLambdaRole", "2015-02-06T18:41:28Z", "Default policy for AWS Lambda service role.",
         R"({"Effect":"Allow","Action":["lambda:InvokeFunction"],"Resource":["*"]})"},
        {"/service-role/", "AWSLambdaVPCAccessExecutionRole", "2016-02-11T23:15:26Z",
         "Provides minimum permissions for a Lambda function to execute while accessing a resource within a VPC - create, describe, delete "
         "network "
         "interfaces and write permissions to CloudWatch Logs.",
         R"({"Effect":"Allow","Action":[%logs%,"ec2:CreateNetworkInterface","ec2:DescribeNetworkInterfaces","ec2:DescribeSubnets","ec2:DeleteNetworkInterface","ec2:AssignPrivateIpAddresses","ec2:UnassignPrivateIpAddresses"],"Resource":"*"})"},
        {"/service-role/", "AmazonAPIGatewayPushToCloudWatchLogs", "2015-11-11T23:41:46Z",
         "Allows API Gateway to push logs to user's account.",
         R"({"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:DescribeLogGroups","logs:DescribeLogStreams","logs:PutLogEvents","logs:GetLogEvents","logs:FilterLogEvents"],"Resource":"*"})"},
};

/// The same in every process, and not a secret.
std::string unique_id(std::string_view name) {
  std::string out = "ANPA";
  for (const unsigned char byte : crypto::sha256(name).substr(0, 17)) out += "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[byte % 32];
  return out;
}

std::vector<ManagedPolicy> make_policies() {
  std::vector<ManagedPolicy> out;
  for (const auto& row : rows) {
    ManagedPolicy policy;
    policy.name = row.name;
    policy.id = unique_id(row.name);
    policy.path = row.path;
    policy.arn = cat("arn:aws:iam::aws:policy", row.path, row.name);
    policy.description = row.description;
    policy.created = policy.updated = parse_iso8601(row.created).value_or(WallTime());
    policy.versions[1] = {cat(R"({"Version":"2012-10-17","Statement":[)", replace_all(row.statements, "%logs%", write_logs), "]}"),
                          policy.created};
    out.push_back(std::move(policy));
  }
  std::ranges::sort(out, {}, &ManagedPolicy::arn);
  return out;
}

}  // namespace

std::span<const ManagedPolicy> aws_managed_policies() {
  static const std::vector<ManagedPolicy> policies = make_policies();
  return policies;
}

const ManagedPolicy* find_aws_managed(std::string_view arn) {
  const auto policies = aws_managed_policies();
  const auto found = std::ranges::lower_bound(policies, arn, {}, [](const ManagedPolicy& policy) { return std::string_view(policy.arn); });
  return found == policies.end() || found->arn != arn ? nullptr : &*found;
}

bool is_aws_managed(std::string_view arn) { return arn.starts_with("arn:aws:iam::aws:policy/"); }

}  // namespace sallyport::iam
