#include "app/config.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <map>

namespace sallyport::app {
namespace {

using Environment = std::map<std::string, std::string>;

Result<Config, UsageError> parse(std::vector<std::string> arguments, Environment environment = {}) {
  return parse_config(arguments, [&](const std::string& name) -> std::optional<std::string> {
    const auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  });
}
std::string refusal(std::vector<std::string> arguments, Environment environment = {}) {
  const auto config = parse(std::move(arguments), std::move(environment));
  return config ? "good" : config.error().message;
}

TEST(ConfigTest, DefaultsOfUp) {
  const auto config = parse({"up", "folder"});
  ASSERT_TRUE(config);
  EXPECT_EQ(config->operand, "folder");
  EXPECT_EQ(config->host, "127.0.0.1");
  EXPECT_EQ(config->port, 4566);
  EXPECT_EQ(config->storage, Storage::ephemeral);
  EXPECT_EQ(config->scope.account_id, "123456789012");
  EXPECT_EQ(config->scope.region, "us-east-1");
}

TEST(ConfigTest, ServeKeepsItsDataWhereTheUserKeepsState) {
  EXPECT_EQ(parse({"serve"}, {{"HOME", "/home/u"}})->data_directory, "/home/u/.local/state/sallyport");
  EXPECT_EQ(parse({"serve"}, {{"HOME", "/home/u"}, {"XDG_STATE_HOME", "/state"}})->data_directory, "/state/sallyport");
  EXPECT_EQ(parse({"serve", "--data", "d"}, {{"HOME", "/home/u"}})->data_directory, "d");
  EXPECT_EQ(parse({"serve", "--ephemeral"}, {{"HOME", "/home/u"}})->storage, Storage::ephemeral);
  EXPECT_EQ(parse({"serve"}, {{"SALLYPORT_EPHEMERAL", "true"}})->storage, Storage::ephemeral);
  EXPECT_EQ(refusal({"serve"}), "there is no home folder to keep data in: --data names one, --ephemeral keeps nothing");
}

TEST(ConfigTest, CommandsWithSeveralOperands) {
  const auto config = parse({"can", "arn:p", "lambda:InvokeFunction", "--context", "aws:SourceIp=10.0.0.1", "arn:r"});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->operands, (std::vector<std::string>{"arn:p", "lambda:InvokeFunction", "arn:r"}));
  EXPECT_EQ(config->context.at("aws:SourceIp"), "10.0.0.1");
  EXPECT_EQ(refusal({"can", "a", "b"}), "can needs PRINCIPAL ACTION RESOURCE");
  EXPECT_EQ(refusal({"can", "a", "b", "c", "d"}), "unexpected argument `d`");
}

TEST(ConfigTest, TheServerProfileSaysWhatIsNotSafe) {
  const auto unsafe = [](std::vector<std::string> arguments) {
    const auto config = parse(std::move(arguments), {{"HOME", "/home/u"}});
    EXPECT_TRUE(config) << config.error().message;
    return unsafe_settings(*config).size();
  };
  EXPECT_EQ(unsafe({"serve", "--ephemeral"}), 0u) << "the developer's own affair";
  EXPECT_EQ(unsafe({"serve", "--profile", "server"}), 0u) << "the level is chosen, and the start refused where there is none";
  EXPECT_EQ(unsafe({"serve", "--profile", "server", "--ephemeral"}), 1u);
  EXPECT_EQ(unsafe({"serve", "--profile", "server", "--control-listen", "0.0.0.0:1"}), 1u);
  EXPECT_EQ(refusal({"serve", "--ephemeral", "--profile", "both"}), "--profile must be developer or server");
}

TEST(ConfigTest, HowFunctionsAreKept) {
  const auto plain = parse({"serve", "--ephemeral"});
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->sandbox, std::nullopt) << "auto";
  EXPECT_EQ(plain->network, std::nullopt);
  EXPECT_EQ(plain->reserve, std::nullopt);
  EXPECT_EQ(plain->idle_seconds, std::nullopt);
  EXPECT_EQ(plain->when_full, WhenFull::queue);
  EXPECT_EQ(plain->account_concurrency, 1000);
  EXPECT_EQ(plain->async_delay_factor, 1);
  EXPECT_FALSE(plain->streams_as_slow_as_aws);
  const auto said =
      parse({"up", "t", "--sandbox", "off", "--network=isolated", "--cpu-shares", "--reserve", "0", "--idle-time", "30", "--when-full",
             "throttle", "--account-concurrency", "10", "--async-delay-factor", "0.001", "--stream-pace", "aws"});
  ASSERT_TRUE(said) << said.error().message;
  EXPECT_EQ(said->sandbox, sandbox::Level::off);
  EXPECT_EQ(said->network, sandbox::Network::isolated);
  EXPECT_TRUE(said->cpu_shares);
  EXPECT_EQ(said->reserve, 0);
  EXPECT_EQ(said->idle_seconds, 30);
  EXPECT_EQ(said->when_full, WhenFull::throttle);
  EXPECT_EQ(said->account_concurrency, 10);
  EXPECT_EQ(said->async_delay_factor, 0.001);
  EXPECT_TRUE(said->streams_as_slow_as_aws);
  EXPECT_EQ(parse({"serve", "--ephemeral", "--sandbox", "auto"})->sandbox, std::nullopt);
  EXPECT_EQ(refusal({"serve", "--ephemeral", "--sandbox", "docker"}), "--sandbox must be auto, native, bwrap, oci, restricted or off");
  EXPECT_TRUE(refusal({"serve", "--ephemeral", "--network", "egress"}).starts_with("--network cannot be egress: "));
  EXPECT_EQ(refusal({"serve", "--ephemeral", "--when-full", "x"}), "--when-full must be queue or throttle");
  for (const char* wrong : {"", "-1", "2", "1e-3", "nan", "0.5x", "0x1"})
    EXPECT_EQ(refusal({"serve", "--ephemeral", "--async-delay-factor", wrong}),
              "--async-delay-factor must be a number from 0 to 1, e.g. 0.001")
        << wrong;
}

TEST(ConfigTest, CommandsThatAskARunningServer) {
  const auto logs = parse({"logs", "-f", "--raw"});
  ASSERT_TRUE(logs) << logs.error().message;
  EXPECT_TRUE(logs->follow);
  EXPECT_TRUE(logs->raw);
  EXPECT_TRUE(logs->operands.empty());
  EXPECT_EQ(parse({"logs", "Hello"})->operand, "Hello");
  EXPECT_EQ(refusal({"logs", "a", "b"}), "unexpected argument `b`");
  EXPECT_EQ(refusal({"invoke"}), "invoke needs FUNCTION[:QUALIFIER]");
  EXPECT_EQ(refusal({"invoke", "f", "-f"}), "unknown option `-f`");
  EXPECT_EQ(parse({"invoke", "f", "--event", R"({"a":1})"})->event, R"({"a":1})");
  EXPECT_EQ(parse({"debug", "f", "--port", "9000"})->debug_port, 9000);
  EXPECT_EQ(refusal({"debug", "f", "--port", "0"}), "--port must be a number from 1 to 65535");
  EXPECT_TRUE(parse({"doctor", "--json"})->json_output);
}

TEST(ConfigTest, CommandLineBeforeEnvironmentBeforeFile) {
  const std::string path = ::testing::TempDir() + "sallyport-config.json";
  std::ofstream(path)
      << R"({"listen":"127.0.0.1:1","region":"eu-west-1","account":"111111111111","runtime":{"python3.12":"/p"},"parameter":{"A":"1"},"strict-runtimes":true,"allowed-host":["a","b"]})";
  const auto config = parse({"up", "t", "--listen", "127.0.0.1:3", "--parameter", "B=2", "--config=" + path},
                            {{"SALLYPORT_LISTEN", "127.0.0.1:2"}, {"SALLYPORT_REGION", "eu-west-2"}});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->port, 3);
  EXPECT_EQ(config->scope.region, "eu-west-2");
  EXPECT_EQ(config->scope.account_id, "111111111111");
  EXPECT_EQ(config->runtimes.at("python3.12"), "/p");
  EXPECT_EQ(config->parameters, (std::map<std::string, std::string>{{"A", "1"}, {"B", "2"}}));
  EXPECT_TRUE(config->strict_runtimes);
  EXPECT_EQ(config->allowed_hosts, (std::vector<std::string>{"a", "b"}));
  std::ofstream(path) << R"({"nonsense":1})";
  EXPECT_NE(refusal({"up", "t", "--config", path}).find("unknown setting `nonsense`"), std::string::npos);
  std::remove(path.c_str());
}

TEST(ConfigTest, WhatIsWrongIsNamed) {
  EXPECT_EQ(refusal({}), "no command was given");
  EXPECT_EQ(refusal({"fly"}), "unknown command `fly`");
  EXPECT_EQ(refusal({"up"}), "up needs PATH");
  EXPECT_EQ(refusal({"up", "a", "b"}), "unexpected argument `b`");
  EXPECT_EQ(refusal({"up", "a", "--nope"}), "unknown option `--nope` for `up`");
  EXPECT_EQ(refusal({"serve", "--parameter", "a=b"}), "unknown option `--parameter` for `serve`");
  EXPECT_EQ(refusal({"serve", "--listen"}), "--listen needs a value: HOST:PORT");
  EXPECT_EQ(refusal({"serve", "--listen", "80"}), "--listen must be HOST:PORT, e.g. 127.0.0.1:4566");
  EXPECT_EQ(refusal({"serve", "--account", "12"}), "--account must be twelve digits");
  EXPECT_EQ(refusal({"serve", "--data", "d", "--ephemeral"}), "--data and --ephemeral exclude each other");
  EXPECT_EQ(refusal({"serve"}, {{"SALLYPORT_LOOPS", "0"}}), "SALLYPORT_LOOPS must be a number from 1 to 256");
  EXPECT_EQ(refusal({"up", "t"}, {{"SALLYPORT_NO_WATCH", "1"}}), "SALLYPORT_NO_WATCH must be true or false");
  EXPECT_EQ(refusal({"vectors", "x"}), "vectors takes no arguments: it reads standard input");
}

TEST(ConfigTest, CertificatesHaveNamesAndTwoFiles) {
  const auto config =
      parse({"serve", "--ephemeral", "--tls-port", "0", "--certificate", "a.pem:a.key", "--certificate=*.Example.com=b.pem:b.key",
             "--certificate", "arn:aws:acm:us-east-1:1:certificate/X=c.pem:c.key", "--truststore", "s3://b/k=v=t.pem"});
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_EQ(config->certificates.size(), 3u);
  EXPECT_EQ(config->certificates[0].name, "");
  EXPECT_EQ(config->certificates[0].key_file, "a.key");
  EXPECT_EQ(config->certificates[1].name, "*.example.com");
  EXPECT_EQ(config->certificates[2].name, "arn:aws:acm:us-east-1:1:certificate/X");
  EXPECT_EQ(config->certificates[2].certificate_file, "c.pem");
  EXPECT_EQ(config->truststores, (std::map<std::string, std::string>{{"s3://b/k=v", "t.pem"}}));
  EXPECT_EQ(refusal({"serve", "--ephemeral", "--tls-port", "443"}), "--tls-port needs a certificate: --certificate CERT.pem:KEY.pem");
  EXPECT_EQ(refusal({"serve", "--ephemeral", "--certificate", "a:b"}), "--certificate needs a port to be served at: --tls-port PORT");
  EXPECT_EQ(refusal({"serve", "--ephemeral", "--tls-port", "1", "--certificate", "a"}), "--certificate must be [NAME=]CERT.pem:KEY.pem");
  EXPECT_EQ(refusal({"serve", "--ephemeral", "--tls-port", "1", "--certificate", "a:b", "--certificate", "c:d"}),
            "--certificate is given twice for the default");
  EXPECT_EQ(refusal({"serve", "--ephemeral", "--truststore", "x=y"}), "--truststore must be s3://BUCKET/KEY=FILE.pem");
}

TEST(ConfigTest, HelpComesFromTheTable) {
  EXPECT_EQ(parse({"up", "--help"})->command, Command::help);
  EXPECT_NE(help_text("up").find("--listen HOST:PORT"), std::string::npos);
  EXPECT_EQ(help_text("serve").find("--parameter"), std::string::npos);
  EXPECT_NE(help_text("").find("explain REQUEST-ID"), std::string::npos);
}

}  // namespace
}  // namespace sallyport::app
