// ServedApis<Api, Stage>: the compiled stages that serve now, by API, each with the functions it was published with.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "aws/arn.hpp"
#include "base/published.hpp"
#include "base/shared.hpp"
#include "base/text.hpp"
#include "lambda/invoker.hpp"

namespace sallyport::gateway {

/// `Api` is what exists, `Stage` what serves. What is pinned stays valid. May be used from any thread.
template <class Api, class Stage>
class ServedApis {
 public:
  /// A null stage exists and serves nothing.
  using StageMap = std::map<std::string, std::shared_ptr<const Stage>, std::less<>>;
  using Apis = std::map<std::string, Shared<Api>, std::less<>>;
  /// `compile(api, before)` gives the stages of one API; `before` is what served until now, or null.
  using Compile = std::function<std::shared_ptr<const StageMap>(const Api&, const StageMap* before)>;

  /// Serves these APIs from now on, in place of those of the same account and region; other scopes are left alone. API ids are unique over
  /// all of them. An API that is the same value as last time is not compiled again, unless `all` are to be or the functions are others.
  void publish(const aws::Scope& scope, const Apis& apis, std::shared_ptr<const lambda::State> functions, bool all,
               const Compile& compile) {
    std::scoped_lock lock(publishing_);
    const auto name = cat(scope.account_id, "/", scope.region);
    auto& origin = origins_[name];
    const bool everything = all || origin.functions != functions;
    origin.functions = functions;

    auto next = std::make_shared<Serving>(*published_.pin());
    std::array<std::shared_ptr<Part>, std::tuple_size_v<Serving>> touched;
    const auto part = [&](const std::string& api_id) -> Part& {
      const auto index = part_of(api_id);
      if (!touched[index]) {
        touched[index] = (*next)[index] ? std::make_shared<Part>(*(*next)[index]) : std::make_shared<Part>();
        (*next)[index] = touched[index];
      }
      return *touched[index];
    };
    auto known = origin.apis.begin();
    const auto forget = [&] {
      auto& served = part(known->first);
      if (const auto found = served.find(known->first); found != served.end() && found->second.scope == name) served.erase(found);
      known = origin.apis.erase(known);
    };
    for (const auto& [api_id, api] : apis) {
      while (known != origin.apis.end() && known->first < api_id) forget();
      const bool is_known = known != origin.apis.end() && known->first == api_id;
      if (!is_known || everything || !known->second.is(api)) {
        auto& served = part(api_id)[api_id];
        served.scope = name;
        served.functions = functions;
        served.stages = compile(*api, served.stages.get());
        if (is_known)
          known->second = api;
        else
          known = origin.apis.emplace_hint(known, api_id, api);
      }
      ++known;
    }
    while (known != origin.apis.end()) forget();
    published_.publish(std::move(next));
  }

  struct Pinned {
    std::shared_ptr<const StageMap> stages;  // null: there is no such API
    std::shared_ptr<const lambda::State> functions;
  };
  Pinned pin(std::string_view api_id) const {
    const auto serving = published_.pin();
    const auto& part = (*serving)[part_of(api_id)];
    if (!part) return {};
    const auto found = part->find(api_id);
    return found == part->end() ? Pinned{} : Pinned{found->second.stages, found->second.functions};
  }

 private:
  struct ServedApi {
    std::string scope;
    std::shared_ptr<const StageMap> stages;
    std::shared_ptr<const lambda::State> functions;
  };
  // By API id, in parts: a change of one API copies the part it is in.
  using Part = std::map<std::string, ServedApi, std::less<>>;
  using Serving = std::array<std::shared_ptr<const Part>, 64>;
  /// What a scope's stages were made from.
  struct Origin {
    Apis apis;
    std::shared_ptr<const lambda::State> functions;
  };
  static std::size_t part_of(std::string_view api_id) { return std::hash<std::string_view>()(api_id) % std::tuple_size_v<Serving>; }

  Published<Serving> published_{std::make_shared<const Serving>()};
  std::mutex publishing_;
  std::map<std::string, Origin> origins_;
};

}  // namespace sallyport::gateway
