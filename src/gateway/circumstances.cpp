#include "gateway/circumstances.hpp"

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "gateway/stage.hpp"

namespace sallyport::gateway {

Circumstances::Circumstances(const Exchange& exchange)
    : Circumstances(Facts{exchange.request, exchange.peer_address, exchange.stage->region, exchange.stage->account_id, exchange.method_arn,
                          exchange.at, exchange.tls != nullptr}) {}

Circumstances::Circumstances(const Facts& facts)
    : current_time_(iso8601_seconds(facts.at)), epoch_time_(cat(to_epoch_ms(facts.at) / 1000)) {
  add("aws:CurrentTime", current_time_);
  add("aws:EpochTime", epoch_time_);
  add("aws:RequestedRegion", facts.region);
  add("aws:SecureTransport", facts.secure ? "true" : "false");
  add("aws:SourceIp", facts.peer_address);
  if (const auto* agent = facts.request.find("User-Agent")) add("aws:UserAgent", *agent);
  if (const auto* referer = facts.request.find("Referer")) add("aws:Referer", *referer);
  question_.action = "execute-api:Invoke";
  question_.resource = facts.resource;
  question_.resource_account_id = facts.account_id;
  question_.context = std::span(keys_).first(count_);
}

void Circumstances::add(std::string_view name, std::string_view value) {
  values_[count_] = value;
  keys_[count_] = {name, {&values_[count_], 1}};
  ++count_;
}

}  // namespace sallyport::gateway
