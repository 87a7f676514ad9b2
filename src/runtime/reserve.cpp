#include "runtime/reserve.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "base/text.hpp"
#include "runtime/channel.hpp"
#include "runtime/environment.hpp"

namespace sallyport::runtime {
namespace {

constexpr std::chrono::seconds memory_of_starts{60};
constexpr std::chrono::seconds failure_pause{1}, failure_pause_max{60};
constexpr std::chrono::milliseconds quiet_time{25};  // a start that finds one takes 5 to 10
constexpr std::chrono::milliseconds step{100};       // after which somebody who waits looks whether there is still a reason to
constexpr std::size_t sdk_users_max = 10'000;

// The frame that says that the interpreter waits, or nothing in time.
std::optional<bool> wait_for_booted(int descriptor, std::chrono::milliseconds time, const std::function<bool()>& given_up) {
  std::string frame;
  const auto end = std::chrono::steady_clock::now() + time;
  while (frame.size() < booted_frame_bytes) {
    if (std::chrono::steady_clock::now() >= end || given_up()) return std::nullopt;
    pollfd waiting{descriptor, POLLIN, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(step.count()));
    if (ready < 0) return std::nullopt;
    if (ready == 0) continue;
    char buffer[booted_frame_bytes];
    const auto count = read(descriptor, buffer, booted_frame_bytes - frame.size());
    if (count <= 0) return std::nullopt;
    frame.append(buffer, static_cast<std::size_t>(count));
  }
  return read_booted_frame(frame);
}

// What it said while it started is no function's business.
void drop_output(int descriptor) {
  char buffer[4096];
  for (pollfd waiting{descriptor, POLLIN, 0}; poll(&waiting, 1, 0) == 1 && (waiting.revents & POLLIN);)
    if (read(descriptor, buffer, sizeof buffer) <= 0) return;
}

}  // namespace

std::optional<std::size_t> next_to_start(std::span<const ReserveStock> stocks) {
  std::optional<std::size_t> next;
  for (std::size_t i = 0; i < stocks.size(); ++i) {
    const auto& each = stocks[i];
    if (each.waiting >= each.target) continue;
    if (!next || each.waiting < stocks[*next].waiting || (each.waiting == stocks[*next].waiting && each.taken > stocks[*next].taken))
      next = i;
  }
  return next;
}

Reserve::Reserve(sandbox::Spawner& spawner, Interpreters& interpreters, std::string runtime_directory, Options options)
    : spawner_(spawner), interpreters_(interpreters), runtime_directory_(std::move(runtime_directory)), options_(options) {
  if (possible()) thread_ = std::thread([this] { run(); });
}

Reserve::~Reserve() { stop(); }

// Elsewhere nothing may run in a sandbox before it is somebody's.
bool Reserve::possible() const {
  const auto level = spawner_.settings().level;
  return options_.total > 0 && (level == sandbox::Level::native || level == sandbox::Level::off);
}

void Reserve::stop() {
  {
    std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  settled_.notify_all();
  if (thread_.joinable()) thread_.join();
  std::map<Kind, Shelf> all;
  std::scoped_lock lock(mutex_);
  all.swap(shelves_);
}

void Reserve::want(std::string_view runtime) {
  if (!possible()) return;
  {
    std::scoped_lock lock(mutex_);
    if (known_.contains(runtime) || !wanted_.emplace(runtime).second) return;
  }
  changed_.notify_all();
}

Reserve::Shelf& Reserve::shelf(RuntimeFamily family, const Interpreter& interpreter, bool with_sdk) {
  auto [found, added] = shelves_.try_emplace(Kind{interpreter.path, with_sdk});
  if (added) {
    found->second.family = family;
    found->second.interpreter = interpreter;
  }
  return found->second;
}

std::optional<Reserve::Waiting> Reserve::take(const FunctionSpec& spec, RuntimeFamily family, const Interpreter& interpreter) {
  if (!possible()) return std::nullopt;
  // Without mounts a function's own folders are where they are, and the loader has been told of none.
  if (spawner_.settings().level == sandbox::Level::off && !spec.layers_directory.empty()) return std::nullopt;
  std::optional<Waiting> found;
  std::vector<Waiting> dead;  // end outside the lock
  {
    std::scoped_lock lock(mutex_);
    if (stopping_) return std::nullopt;
    const bool with_sdk = !spec.brings_sdk && sdk_users_.contains(spec.function_arn);
    for (const bool sdk : {true, false}) {
      if (sdk && !with_sdk) continue;
      auto& kind = shelf(family, interpreter, sdk);
      if (kind.useless) continue;
      const auto now = clock_.monotonic_now();
      kind.taken.push_back(now);
      if (now >= quiet_until_) quiet_until_ = now + quiet_time;
      while (!found && !kind.waiting.empty()) {
        auto first = std::move(kind.waiting.front());
        kind.waiting.pop_front();
        if (first.sandbox->gone() || first.sandbox->next_exit())
          dead.push_back(std::move(first));
        else
          found = std::move(first);
      }
      if (found) break;
    }
  }
  changed_.notify_all();
  return found;
}

void Reserve::note_sdk_use(const FunctionSpec& spec) {
  if (spec.brings_sdk || !possible()) return;
  std::scoped_lock lock(mutex_);
  if (sdk_users_.size() < sdk_users_max) sdk_users_.insert(spec.function_arn);
}

std::size_t Reserve::count() const {
  std::scoped_lock lock(mutex_);
  std::size_t all = 0;
  for (const auto& [kind, shelf] : shelves_) all += shelf.waiting.size();
  return all;
}

void Reserve::settle() {
  std::unique_lock lock(mutex_);
  settled_.wait(lock, [this] {
    return stopping_ || !possible() || (!busy_ && wanted_.empty() && next_shelf(clock_.monotonic_now()) == shelves_.end());
  });
}

int Reserve::target(Shelf& shelf, MonotonicTime now) const {
  while (!shelf.taken.empty() && now - shelf.taken.front() > memory_of_starts) shelf.taken.pop_front();
  return std::clamp(static_cast<int>(shelf.taken.size()), options_.least, options_.most);
}

std::map<Reserve::Kind, Reserve::Shelf>::iterator Reserve::next_shelf(MonotonicTime now) {
  std::vector<ReserveStock> stocks;
  int all = 0;
  for (auto& [kind, shelf] : shelves_) {
    const int waiting = static_cast<int>(shelf.waiting.size());
    all += waiting;
    const bool possible = !shelf.useless && now >= shelf.not_before;
    const int wanted = target(shelf, now);  // forgets what was taken before
    stocks.push_back({waiting, possible ? wanted : 0, static_cast<int>(shelf.taken.size())});
  }
  const auto next = all < options_.total ? next_to_start(stocks) : std::nullopt;
  return next ? std::next(shelves_.begin(), static_cast<std::ptrdiff_t>(*next)) : shelves_.end();
}

void Reserve::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    look_up_wanted(lock);
    discard_surplus(lock);
    if (stopping_) return;
    if (const auto now = clock_.monotonic_now(); now < quiet_until_) {
      changed_.wait_for(lock, quiet_until_ - now);
      continue;
    }
    const auto where = next_shelf(clock_.monotonic_now());
    if (where != shelves_.end()) {
      boot(lock, where);
      continue;
    }
    settled_.notify_all();
    changed_.wait_for(lock, failure_pause);
  }
}

void Reserve::look_up_wanted(std::unique_lock<std::mutex>& lock) {
  while (!wanted_.empty() && !stopping_) {
    const auto runtime = *wanted_.begin();
    lock.unlock();
    const auto family = family_of(runtime);
    const bool any = family && *family != RuntimeFamily::provided;
    const auto interpreter = any ? interpreters_.find(runtime) : fail("");
    lock.lock();
    if (interpreter) shelf(*family, *interpreter, false);
    known_.insert(runtime);
    wanted_.erase(runtime);
  }
}

void Reserve::discard_surplus(std::unique_lock<std::mutex>& lock) {
  std::vector<Waiting> surplus;
  const auto now = clock_.monotonic_now();
  for (auto& [kind, shelf] : shelves_)
    while (static_cast<int>(shelf.waiting.size()) > target(shelf, now)) {
      surplus.push_back(std::move(shelf.waiting.front()));
      shelf.waiting.pop_front();
    }
  if (surplus.empty()) return;
  lock.unlock();
  surplus.clear();
  lock.lock();
}

void Reserve::boot(std::unique_lock<std::mutex>& lock, std::map<Kind, Shelf>::iterator where) {
  const auto kind = where->first;
  const auto family = where->second.family;
  const auto interpreter = where->second.interpreter;
  busy_ = true;
  lock.unlock();
  auto started = start_one(family, interpreter, kind.with_sdk);
  lock.lock();
  busy_ = false;
  auto& shelf = shelves_[kind];
  if (!started) {
    const auto pause = std::min<std::chrono::seconds>(failure_pause * (1 << std::min(shelf.failures, 6)), failure_pause_max);
    ++shelf.failures;
    shelf.not_before = clock_.monotonic_now() + pause;
    return;
  }
  shelf.failures = 0;
  shelf.useless = kind.with_sdk && !started->second;
  if (!shelf.useless) shelf.waiting.push_back(std::move(started->first));
}

Result<std::pair<Reserve::Waiting, bool>> Reserve::start_one(RuntimeFamily family, const Interpreter& interpreter, bool with_sdk) {
  // Nobody waits for it, but perhaps for what is started beside it.
  auto blueprint = blueprint_of(interpreter, runtime_directory_);
  blueprint.gives_way = true;
  auto sandbox = spawner_.create(blueprint);
  if (!sandbox) return std::unexpected(sandbox.error());
  Waiting waiting{std::move(*sandbox), {}};
  auto process = start_process(*waiting.sandbox, generic_command_of(family, interpreter, *waiting.sandbox, with_sdk),
                               environment_of_nobody(family, "/var/task", "/opt"), "/", true);
  if (!process) return std::unexpected(process.error());
  waiting.process = std::move(*process);
  const auto booted = wait_for_booted(waiting.process.frames.get(), options_.boot_time, [this] {
    std::scoped_lock lock(mutex_);
    return stopping_;
  });
  if (!booted) return fail(cat(interpreter.path, " did not come up"));
  drop_output(waiting.process.output.get());
  return std::pair(std::move(waiting), *booted);
}

}  // namespace sallyport::runtime
