#include "app/function_output.hpp"

#include "aws/arn.hpp"
#include "base/text.hpp"

namespace sallyport::app {

// CloudWatch Logs has lines under the name AWS gives them, or the one the function's logging configuration says.
void FunctionOutput::write(const runtime::LogLine& line) {
  console_.write(line);
  ring_.add(clock_.wall_now(), line);
  const auto arn = aws::parse_arn(line.function_arn);
  if (!arn || line.log_stream.empty()) return;
  const aws::Scope scope{std::string(arn->account_id), std::string(arn->region), std::string(arn->partition)};
  const auto group = line.log_group.empty() ? cat("/aws/lambda/", line.function_name) : std::string(line.log_group);
  logs_.append(scope, group, line.log_stream, to_epoch_ms(clock_.wall_now()), cat(line.text, "\n"));
}

}  // namespace sallyport::app
