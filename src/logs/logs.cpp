#include "logs/logs.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "io/completion.hpp"

namespace sallyport::logs {
namespace {

constexpr std::int64_t day_ms = 86'400'000;
constexpr std::int64_t first_events_ms = 10'000;  // a stream that was made has its first events by then

const Stream* find_stream(const State& state, std::string_view group, std::string_view stream) {
  const auto found = state.groups.find(group);
  if (found == state.groups.end()) return nullptr;
  const auto in_group = found->second->streams.find(stream);
  return in_group == found->second->streams.end() ? nullptr : &in_group->second;
}

}  // namespace

Logs::Logs(store::Store& store, const Clock& clock, Random& random, Choices choices)
    : store_(store),
      clock_(clock),
      random_(random),
      ledger_("logs", store),
      events_(store, choices.kept_bytes_max),
      function_streams_max_(choices.function_streams_max),
      function_logs_(choices.functions, {[this](auto lines) { return keep(std::move(lines)); }, [this] { sweep(); }}) {}

Logs::~Logs() {
  // What the store still has of us calls back into us.
  io::Completion<Result<>> written;
  store_.commit({}, [written](Result<> result) mutable { written.deliver(std::move(result)); });
  (void)written.wait();
}

Result<> Logs::load() {
  if (auto loaded = ledger_.load(); !loaded) return loaded;
  if (auto loaded = events_.load(); !loaded) return loaded;
  sweep();
  return {};
}

std::string Logs::make_stream_id() const { return make_id(random_, 16, "0123456789abcdef"); }

std::size_t Logs::keep(std::vector<FunctionLogs::Lines> lines) {
  std::size_t lost = 0;
  std::vector<std::pair<io::Completion<Result<>>, std::size_t>> under_way;
  for (const auto& each : lines) {
    const auto place = make_place(each);
    if (!place) {
      lost += each.events.size();
      continue;
    }
    under_way.emplace_back(io::Completion<Result<>>(), each.events.size());
    events_.append(*place, each.events, now_ms(),
                   [done = under_way.back().first](Result<> result) mutable { done.deliver(std::move(result)); });
  }
  for (auto& [written, count] : under_way)
    if (!written.wait()) lost += count;
  return lost;
}

Result<StreamPlace> Logs::make_place(const FunctionLogs::Lines& lines) {
  const auto place_of = [&](const Stream& stream) { return StreamPlace{lines.scope.account_id, lines.scope.region, stream.id}; };
  const auto state = ledger_.read(lines.scope);
  if (const auto* stream = find_stream(*state, lines.group, lines.stream)) return place_of(*stream);
  const auto now = now_ms();
  const Stream fresh{make_stream_id(), now, true};
  auto made = ledger_.write_and_wait(lines.scope, [&](State& draft) -> control::Answer<> {
    auto& group = draft.groups[lines.group].edit();
    if (group.creation_ms == 0) group.creation_ms = now;
    group.streams.emplace(lines.stream, fresh);
    return {};
  });
  if (!made) return fail(made.error().message);
  const auto* stream = find_stream(*ledger_.read(lines.scope), lines.group, lines.stream);
  if (!stream) return fail(cat("the log stream ", lines.stream, " was removed at once"));
  return place_of(*stream);
}

void Logs::sweep() {
  const auto now = now_ms();
  // The ids first: a stream is in the ledger before it has events, so one that is missing there now is gone.
  auto ids = events_.stream_ids();
  std::set<std::string, std::less<>> known;
  for (const auto& state : ledger_.all())
    for (const auto& [name, group] : state->groups)
      for (const auto& [stream_name, stream] : group->streams) {
        known.insert(stream.id);
        if (group->retention_days) events_.expire(stream.id, now - *group->retention_days * day_ms);
      }
  std::erase_if(ids, [&](const auto& id) { return known.contains(id); });
  events_.forget(ids);
  drop_spent_streams(now);
}

void Logs::drop_spent_streams(std::int64_t now) {
  const auto all = ledger_.all();
  std::size_t count = 0;
  for (const auto& state : all)
    for (const auto& [name, group] : state->groups)
      count += static_cast<std::size_t>(std::ranges::count_if(group->streams, [](const auto& each) { return each.second.on_demand; }));
  const auto age = count > function_streams_max_ ? first_events_ms : day_ms;
  const auto is_spent = [&](const Stream& stream) {
    return stream.on_demand && stream.creation_ms < now - age && !events_.summary(stream.id);
  };
  for (const auto& state : all) {
    std::vector<std::pair<std::string, std::string>> spent;
    for (const auto& [name, group] : state->groups)
      for (const auto& [stream_name, stream] : group->streams)
        if (is_spent(stream)) spent.emplace_back(name, stream_name);
    if (spent.empty()) continue;
    // A store that fails now is asked again by the next sweep.
    (void)ledger_.write_and_wait(state->scope, [&](State& draft) -> control::Answer<> {
      for (const auto& [name, stream_name] : spent) {
        const auto group = draft.groups.find(name);
        if (group != draft.groups.end()) group->second.edit().streams.erase(stream_name);
      }
      return {};
    });
  }
}

}  // namespace sallyport::logs
