// A sandbox as the server has it: the channels to its spawner and its init.
#pragma once

#include <atomic>
#include <functional>

#include "sandbox/cgroup.hpp"
#include "sandbox/channel.hpp"
#include "sandbox/sandbox.hpp"

namespace sallyport::sandbox {

class SpawnedSandbox final : public Sandbox {
 public:
  struct Parts {
    Spawner::Settings settings;
    Fd spawner, init, events;
    std::string runtime_directory;
    /// Where nothing can be attached later: has it made with what it is assigned.
    std::move_only_function<Result<>(const Assignment&)> make;
  };
  explicit SpawnedSandbox(Parts parts);

  /// What its makers say once it is there.
  Result<> await_birth();

  Level level() const override { return settings_.level; }
  Result<> assign(const Assignment& assignment) override;
  Result<int> start(Program program) override;
  void signal(int pid, int number) override;
  void kill_all() override;
  void freeze() override;
  void thaw() override;
  int events() const override { return events_.get(); }
  std::optional<Exit> next_exit() override;
  bool gone() const override;
  Memory memory() const override;
  long shared_memory_kib() const override;
  void begin_anew() override;
  Result<Fd> dial(int port) override;
  Fd take_api_listener() override;
  Fd take_endpoint_listener() override;
  std::string task_root() const override;
  std::string layers_root() const override;
  std::string runtime_root() const override;
  int host_pid() const override { return host_pid_; }

 private:
  void tell(protocol::Request request);
  long peak_of(const protocol::Exited& exited) const;
  void lose();
  std::unexpected<Error> failed(const CallFault& fault);
  bool has_own_view() const { return settings_.level != Level::off && settings_.level != Level::restricted; }

  const Spawner::Settings settings_;
  mutable Channel spawner_, init_;
  Fd events_;
  const std::string runtime_directory_;
  std::move_only_function<Result<>(const Assignment&)> make_;
  int host_pid_ = 0;
  std::optional<CgroupWatch> group_;
  mutable std::atomic<bool> gone_ = false;
  mutable std::mutex mutex_;  // of what follows
  Fd api_, endpoint_;
  std::string code_directory_, layers_directory_;
  long memory_kib_ = 0;
  mutable long peak_kib_ = 0;
};

}  // namespace sallyport::sandbox
