#include "app/function_output.hpp"

#include "aws/arn.hpp"
#include "base/text.hpp"

namespace sallyport::app {

// CloudWatch Logs has lines under the name AWS gives them, or the one the function's logging configuration says.
void FunctionOutput::write(const runtime::LogLine& line) {
  const auto now = clock_.wall_now();
  console_.write(line);
  ring_.add(now, line);
  const auto arn = aws::parse_arn(line.function_arn);
  if (!arn || line.log_stream.empty()) return;
  const aws::Scope scope{std::string(arn->account_id), std::string(arn->region), std::string(arn->partition)};
  std::string message;
  message.reserve(line.text.size() + 1);
  message.append(line.text).push_back('\n');
  const auto append = [&](std::string_view group) { logs_.append(scope, group, line.log_stream, to_epoch_ms(now), std::move(message)); };
  line.log_group.empty() ? append(cat("/aws/lambda/", line.function_name)) : append(line.log_group);
}

}  // namespace sallyport::app
