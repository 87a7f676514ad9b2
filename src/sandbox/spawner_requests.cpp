// What the server asks the spawner for.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "sandbox/mounts.hpp"
#include "sandbox/program.hpp"
#include "sandbox/spawner_process.hpp"

namespace sallyport::sandbox {

using protocol::Answer;
using protocol::Parsed;
using protocol::Step;
using protocol::Trouble;

namespace {

constexpr unsigned first_user = 0x5A110000;  // of sandboxes, where each has its own; no distribution gives numbers that high to people
constexpr unsigned sandboxes_max = 60'000;

}  // namespace

void SpawnerProcess::create(const Parsed& parsed, std::vector<Fd>& descriptors) {
  if (descriptors.size() != 3 || parsed.strings.empty()) return;
  Child child;
  child.channel = std::move(descriptors[0]);
  child.sandbox = true;
  while (numbers_.contains(child.number)) ++child.number;
  InitSetup setup;
  setup.control = descriptors[1].get();
  setup.events = descriptors[2].get();
  setup.level = settings_.level;
  setup.network = settings_.network;
  setup.filter = filter_ ? &*filter_ : nullptr;
  Answer answer{.sequence = parsed.request.sequence};
  Fd go;
  answer.trouble = child.number < sandboxes_max ? make(parsed, setup, child, go) : Trouble{Step::limits, EAGAIN};
  std::vector<Fd> group_files;
  if (!answer.trouble) answer.trouble = put_in_group(child, group_files);
  if (!answer.trouble && parsed.request.numbers[1]) (void)child.group.give_way(true);
  if (!answer.trouble && go && write(go.get(), "", 1) != 1) answer.trouble = {Step::fork, errno};
  answer.value = child.pid;
  this->answer(child, answer, group_files);
  if (child.pid <= 0) return;
  numbers_.insert(child.number);
  adopt(std::move(child));
}

Trouble SpawnerProcess::make(const Parsed& parsed, InitSetup& setup, Child& child, Fd& go) {
  Blueprint blueprint{.read_only = {parsed.strings.begin() + 1, parsed.strings.end()}, .runtime_directory = parsed.strings[0]};
  if (settings_.level == Level::bwrap) {
    if (parsed.strings.size() < 3) return {Step::request, EINVAL};
    Wrapping wrapping{.blueprint = std::move(blueprint), .tmp_mb = std::max(1, parsed.request.numbers[0]), .network = settings_.network};
    auto& folders = wrapping.blueprint.read_only;
    for (auto* last : {&wrapping.layers_directory, &wrapping.code_directory}) {
      *last = folders.back();
      folders.pop_back();
    }
    wrapping.user = bubblewrap_.users_of_their_own() ? first_user + child.number : 0;
    wrapping.control = setup.control;
    wrapping.events = setup.events;
    return bubblewrap_.make(wrapping, child.pid, go);
  }
  if (!native()) {
    setup.readable = blueprint.read_only;
    setup.readable.push_back(blueprint.runtime_directory);
    return fork_init(std::move(setup), child);
  }
  Newborn newborn;
  const unsigned user = maker_.users_of_their_own() ? first_user + child.number : 0;
  if (auto failed = maker_.make(blueprint, user, std::move(setup), newborn)) return failed;
  child.pid = newborn.pid;
  child.handle = std::move(newborn.handle);
  go = std::move(newborn.go);
  return {};
}

Trouble SpawnerProcess::fork_init(InitSetup setup, Child& child) {
  if (settings_.level == Level::restricted) {
    char name[] = "/tmp/sallyport-XXXXXX";
    if (!mkdtemp(name)) return {Step::tmp, errno};
    child.private_folder = setup.private_folder = name;
  }
  child.pid = fork();
  if (child.pid < 0) return {Step::fork, errno};
  if (child.pid) return {};
  const int control = fcntl(setup.control, F_DUPFD_CLOEXEC, 10), events = fcntl(setup.events, F_DUPFD_CLOEXEC, 10);
  setup.control = dup3(control, 3, O_CLOEXEC);
  setup.events = dup3(events, 4, O_CLOEXEC);
  if (setup.control != 3 || setup.events != 4 || syscall(SYS_close_range, 5U, ~0U, 0U)) _exit(1);
  run_init(setup, {});
}

void SpawnerProcess::version(const Parsed& parsed, std::vector<Fd>& descriptors) {
  if (descriptors.size() != 2 || parsed.strings.size() != 1) return;
  Child child;
  child.channel = std::move(descriptors[0]);
  char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", language[] = "LC_ALL=C", option[] = "--version";
  Start start;
  start.directory = "/";
  start.arguments = {const_cast<char*>(parsed.strings[0]), option, nullptr};
  start.environment = {path, language, nullptr};
  start.descriptors = {descriptors[1].get()};
  // Whoever speaks for the server could name any program: it may look, and change nothing.
  std::optional<LandlockRules> files;
  std::optional<SyscallFilter> filter;
  if (settings_.level != Level::off) {
    if (auto rules = LandlockRules::prepare(LandlockPlan{.read_execute = {"/"}, .read_only = {}, .read_write = {}, .devices = {"/dev"}}))
      start.files = &files.emplace(std::move(*rules));
    start.filter = &filter.emplace(function_filter(Neighbours::shared));
  }
  Answer answer{.sequence = parsed.request.sequence};
  answer.trouble = start_program(start, child.pid);
  protocol::send(child.channel.get(), answer, {}, false);
  if (child.pid > 0) adopt(std::move(child));
}

void SpawnerProcess::answer(const Child& child, const Answer& answer, std::span<const Fd> descriptors) {
  std::vector<int> passed;
  for (const auto& descriptor : descriptors) passed.push_back(descriptor.get());
  protocol::send(child.channel.get(), answer, passed, false);
}

Trouble SpawnerProcess::put_in_group(Child& child, std::vector<Fd>& files) {
  // Not the sandbox's number: a group that is made again under a name still there keeps what its last owner used at most.
  auto group = groups_->make(++groups_made_);
  if (!group) return {Step::limits, EIO};
  child.group = std::move(*group);
  auto added = child.group.add(child.pid);
  auto opened = child.group.watch_files();
  if (!added || !opened) return {Step::limits, EIO};
  files = std::move(*opened);
  return {};
}

Trouble SpawnerProcess::limit(const Parsed& parsed, Child& child, std::vector<Fd>& mounts) {
  if (parsed.strings.size() != 2 || !child.sandbox) return {Step::request, EINVAL};
  const auto& numbers = parsed.request.numbers;
  if (!child.group.give_way(false)) return {Step::limits, EIO};
  if (!child.group.set({.memory_mb = numbers[0],
                        .tmp_mb = numbers[1],
                        .processes_max = static_cast<unsigned>(std::max(1, numbers[2])),
                        .cpu_share = numbers[3] / 1000.0}))
    return {Step::limits, EIO};
  if (!native()) return {};
  for (const char* folder : parsed.strings) {
    if (!*folder) continue;
    Fd mount;
    if (auto failed = open_mount(folder, mount)) return failed;
    mounts.push_back(std::move(mount));
  }
  return {};
}

}  // namespace sallyport::sandbox
