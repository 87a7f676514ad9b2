"""Terraform with AWS's provider on user pools with everything that is supported: apply, empty plan, update, empty plan, destroy."""

from test_terraform import expect_no_changes, init, terraform  # noqa: F401 (the fixture)

PROVIDER = """
terraform {
  required_providers { aws = { source = "hashicorp/aws", version = "5.100.0" } }
}
provider "aws" {
  region                      = "us-east-1"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
}
"""

PLAIN = """
resource "aws_cognito_user_pool" "plain" {
  name = "plain"
}
resource "aws_cognito_user_pool_client" "plain" {
  name         = "plain"
  user_pool_id = aws_cognito_user_pool.plain.id
}
resource "aws_cognito_user" "plain" {
  user_pool_id = aws_cognito_user_pool.plain.id
  username     = "bob"
}
"""

FULL = """
resource "aws_cognito_user_pool" "full" {
  name                     = "full"
  username_attributes      = ["email"]
  auto_verified_attributes = ["email"]
  deletion_protection      = "INACTIVE"
  mfa_configuration        = "OPTIONAL"
  email_verification_subject = "Your code"
  email_verification_message = "Code %(text)s: {####}"
  software_token_mfa_configuration { enabled = true }
  username_configuration { case_sensitive = false }
  password_policy {
    minimum_length                   = %(length)s
    require_lowercase                = true
    require_numbers                  = true
    require_symbols                  = false
    require_uppercase                = true
    temporary_password_validity_days = 3
  }
  schema {
    name                = "plan"
    attribute_data_type = "String"
    mutable             = true
    string_attribute_constraints {
      min_length = 1
      max_length = 20
    }
  }
  schema {
    name                     = "email"
    attribute_data_type      = "String"
    required                 = true
    mutable                  = true
    developer_only_attribute = false
    string_attribute_constraints {
      min_length = 0
      max_length = 2048
    }
  }
  account_recovery_setting {
    recovery_mechanism {
      name     = "verified_email"
      priority = 1
    }
  }
  admin_create_user_config {
    allow_admin_create_user_only = %(admin_only)s
    invite_message_template {
      email_message = "Your username is {username} and temporary password is {####}."
      email_subject = "Welcome"
      sms_message   = "Your username is {username} and temporary password is {####}."
    }
  }
  user_attribute_update_settings { attributes_require_verification_before_update = ["email"] }
  tags = { team = "%(text)s" }
}
resource "aws_cognito_resource_server" "api" {
  user_pool_id = aws_cognito_user_pool.full.id
  identifier   = "https://api.example.com"
  name         = "api"
  scope {
    scope_name        = "read"
    scope_description = "%(text)s"
  }
  scope {
    scope_name        = "write"
    scope_description = "may write"
  }
}
resource "aws_cognito_user_pool_client" "web" {
  name                                 = "web"
  user_pool_id                         = aws_cognito_user_pool.full.id
  allowed_oauth_flows_user_pool_client = true
  allowed_oauth_flows                  = ["code"]
  allowed_oauth_scopes                 = ["openid", "email"]
  callback_urls                        = ["https://app.example.com/%(text)s", "http://localhost:3000/back"]
  default_redirect_uri                 = "http://localhost:3000/back"
  logout_urls                          = ["https://app.example.com/out"]
  supported_identity_providers         = ["COGNITO"]
  explicit_auth_flows                  = ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
  access_token_validity                = 15
  id_token_validity                    = 15
  refresh_token_validity               = 7
  token_validity_units {
    access_token  = "minutes"
    id_token      = "minutes"
    refresh_token = "days"
  }
  prevent_user_existence_errors = "ENABLED"
  enable_token_revocation       = true
  read_attributes               = ["email", "custom:plan"]
  write_attributes              = ["email", "custom:plan"]
}
resource "aws_cognito_user_pool_client" "machine" {
  name                                 = "machine"
  user_pool_id                         = aws_cognito_user_pool.full.id
  generate_secret                      = true
  allowed_oauth_flows_user_pool_client = true
  allowed_oauth_flows                  = ["client_credentials"]
  allowed_oauth_scopes                 = aws_cognito_resource_server.api.scope_identifiers
}
resource "aws_cognito_user_pool_domain" "prefix" {
  domain       = "full-domain"
  user_pool_id = aws_cognito_user_pool.full.id
}
resource "aws_cognito_user_group" "admins" {
  name         = "admins"
  user_pool_id = aws_cognito_user_pool.full.id
  description  = "%(text)s"
  precedence   = 0
}
resource "aws_cognito_user" "ann" {
  user_pool_id = aws_cognito_user_pool.full.id
  username     = "ann@example.com"
  password     = "Passw0rd-%(text)s"
  attributes = {
    email          = "ann@example.com"
    email_verified = true
    plan           = "%(text)s"
  }
}
resource "aws_cognito_user_in_group" "ann" {
  user_pool_id = aws_cognito_user_pool.full.id
  group_name   = aws_cognito_user_group.admins.name
  username     = aws_cognito_user.ann.username
}
data "aws_cognito_user_pools" "found" {
  name       = "plain"
  depends_on = [aws_cognito_user_pool.plain]
}
"""


def test_user_pools(terraform, tmp_path):  # noqa: F811
    folder = tmp_path / "stack"
    folder.mkdir()

    def write(text, length, admin_only):
        more = FULL % {"text": text, "length": length, "admin_only": admin_only}
        (folder / "main.tf").write_text(PROVIDER + PLAIN + more)

    write("first", 10, "false")
    init(terraform, folder)
    terraform(folder, "apply", "-input=false", "-auto-approve")
    expect_no_changes(terraform, folder)
    write("second", 12, "true")
    terraform(folder, "apply", "-input=false", "-auto-approve")
    expect_no_changes(terraform, folder)
    idp = terraform.cloud.client("cognito-idp")
    pool = next(each["Id"] for each in idp.list_user_pools(MaxResults=10)["UserPools"] if each["Name"] == "full")
    assert idp.describe_user_pool(UserPoolId=pool)["UserPool"]["UserPoolTags"] == {"team": "second"}
    assert idp.get_user_pool_mfa_config(UserPoolId=pool)["MfaConfiguration"] == "OPTIONAL"
    terraform(folder, "destroy", "-input=false", "-auto-approve")
    assert idp.list_user_pools(MaxResults=10)["UserPools"] == []
