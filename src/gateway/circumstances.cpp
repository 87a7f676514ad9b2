#include "gateway/circumstances.hpp"

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "gateway/stage.hpp"

namespace sallyport::gateway {

Circumstances::Circumstances(const Exchange& exchange)
    : current_time_(iso8601_seconds(exchange.at)), epoch_time_(cat(to_epoch_ms(exchange.at) / 1000)) {
  add("aws:CurrentTime", current_time_);
  add("aws:EpochTime", epoch_time_);
  add("aws:RequestedRegion", exchange.stage->region);
  add("aws:SecureTransport", "false");
  add("aws:SourceIp", exchange.peer_address);
  if (const auto* agent = exchange.request.find("User-Agent")) add("aws:UserAgent", *agent);
  if (const auto* referer = exchange.request.find("Referer")) add("aws:Referer", *referer);
  question_.action = "execute-api:Invoke";
  question_.resource = exchange.method_arn;
  question_.resource_account_id = exchange.stage->account_id;
  question_.context = std::span(keys_).first(count_);
}

void Circumstances::add(std::string_view name, std::string_view value) {
  values_[count_] = value;
  keys_[count_] = {name, {&values_[count_], 1}};
  ++count_;
}

}  // namespace sallyport::gateway
