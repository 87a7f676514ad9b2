# A function behind both of its doors: a function URL that wants a signature, and a REST API that asks a Lambda authorizer.
terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 5.0" }
  }
}

provider "aws" {
  region = "us-east-1"
}

resource "aws_iam_role" "lambda" {
  name = "my-lambda-role"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}

resource "aws_lambda_function" "my_lambda" {
  function_name    = "my-lambda-function"
  role             = aws_iam_role.lambda.arn
  runtime          = "python3.12"
  handler          = "my_lambda.handler"
  filename         = "${path.module}/my_lambda.zip"
  source_code_hash = filebase64sha256("${path.module}/my_lambda.zip")
}

# The first door.
resource "aws_lambda_function_url" "my_lambda_url" {
  function_name      = aws_lambda_function.my_lambda.function_name
  authorization_type = "AWS_IAM"
}

# Somebody who may use it: both permissions are needed.
resource "aws_iam_user" "caller" {
  name = "caller"
}

resource "aws_iam_access_key" "caller" {
  user = aws_iam_user.caller.name
}

resource "aws_iam_user_policy" "caller" {
  name = "may-call-my-lambda"
  user = aws_iam_user.caller.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"]
      Resource = aws_lambda_function.my_lambda.arn
    }]
  })
}

# The second door.
resource "aws_lambda_function" "authorizer" {
  function_name    = "my-authorizer"
  role             = aws_iam_role.lambda.arn
  runtime          = "python3.12"
  handler          = "authorizer.handler"
  filename         = "${path.module}/authorizer.zip"
  source_code_hash = filebase64sha256("${path.module}/authorizer.zip")
}

resource "aws_api_gateway_rest_api" "api" {
  name = "my-api"
}

resource "aws_api_gateway_authorizer" "token" {
  name            = "token"
  rest_api_id     = aws_api_gateway_rest_api.api.id
  type            = "TOKEN"
  authorizer_uri  = aws_lambda_function.authorizer.invoke_arn
  identity_source = "method.request.header.Authorization"
}

resource "aws_api_gateway_resource" "my_lambda" {
  rest_api_id = aws_api_gateway_rest_api.api.id
  parent_id   = aws_api_gateway_rest_api.api.root_resource_id
  path_part   = "my-lambda"
}

resource "aws_api_gateway_method" "post" {
  rest_api_id   = aws_api_gateway_rest_api.api.id
  resource_id   = aws_api_gateway_resource.my_lambda.id
  http_method   = "POST"
  authorization = "CUSTOM"
  authorizer_id = aws_api_gateway_authorizer.token.id
}

resource "aws_api_gateway_integration" "post" {
  rest_api_id             = aws_api_gateway_rest_api.api.id
  resource_id             = aws_api_gateway_resource.my_lambda.id
  http_method             = aws_api_gateway_method.post.http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = aws_lambda_function.my_lambda.invoke_arn
}

resource "aws_lambda_permission" "gateway" {
  for_each = {
    function   = { name = aws_lambda_function.my_lambda.function_name, source = "*/POST/my-lambda" }
    authorizer = { name = aws_lambda_function.authorizer.function_name, source = "authorizers/${aws_api_gateway_authorizer.token.id}" }
  }
  function_name = each.value.name
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.api.execution_arn}/${each.value.source}"
}

resource "aws_api_gateway_deployment" "api" {
  rest_api_id = aws_api_gateway_rest_api.api.id
  depends_on  = [aws_api_gateway_integration.post]
}

resource "aws_api_gateway_stage" "prod" {
  rest_api_id   = aws_api_gateway_rest_api.api.id
  deployment_id = aws_api_gateway_deployment.api.id
  stage_name    = "prod"
}

output "function_url" {
  value = aws_lambda_function_url.my_lambda_url.function_url
}

output "api_id" {
  value = aws_api_gateway_rest_api.api.id
}

output "caller_key" {
  value     = { id = aws_iam_access_key.caller.id, secret = aws_iam_access_key.caller.secret }
  sensitive = true
}
