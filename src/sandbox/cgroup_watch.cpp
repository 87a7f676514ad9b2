#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/text.hpp"
#include "sandbox/cgroup.hpp"
#include "sandbox/family.hpp"

namespace sallyport::sandbox {
namespace {

std::string read_again(const Fd& fd) {
  std::string text;
  if (!fd) return text;
  std::array<char, 4096> buffer;
  for (ssize_t count; (count = pread(fd.get(), buffer.data(), buffer.size(), static_cast<off_t>(text.size()))) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(count));
  return text;
}

bool write_word(const Fd& fd, std::string_view word) {
  return fd && pwrite(fd.get(), word.data(), word.size(), 0) == static_cast<ssize_t>(word.size());
}

long number_in(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  return parse_number<long>(text).value_or(0);
}

// Of a file with a name and a number a line.
long value_of(std::string_view text, std::string_view name) {
  for (const auto line : split(text, '\n'))
    if (line.starts_with(name) && line.size() > name.size() && line[name.size()] == ' ') return number_in(line.substr(name.size() + 1));
  return 0;
}

std::string name_of(const Fd& fd) {
  std::array<char, 512> path;
  const auto length = readlink(cat("/proc/self/fd/", fd.get()).c_str(), path.data(), path.size());
  const std::string_view text(path.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  return std::string(text.substr(text.rfind('/') + 1));
}

}  // namespace

CgroupWatch::CgroupWatch(std::vector<Fd> files) {
  for (auto& file : files) {
    const auto name = name_of(file);
    if (name == "memory.current" || name == "memory.usage_in_bytes") usage_ = std::move(file);
    if (name == "cgroup.procs") processes_ = std::move(file);
    if (name == "memory.stat") statistics_ = std::move(file);
    if (name == "memory.events" || name == "memory.oom_control") events_ = std::move(file);
    if (name == "cgroup.freeze" || name == "freezer.state") freezer_ = std::move(file);
    if (name == "cgroup.kill") killer_ = std::move(file);
    if (name == "memory.current") unified_ = true;
  }
}

void CgroupWatch::begin(int memory_mb, int init) {
  memory_mb_ = memory_mb;
  init_ = init;
  kills_before_ = value_of(read_again(events_), "oom_kill");
}

// Files come and go between two looks, and this thread may have to wait between them as well: what lay there before or after does not
// count.
long CgroupWatch::used_kib() const {
  const auto files = [this] { return value_of(read_again(statistics_), unified_ ? "file" : "cache"); };
  const auto before = files();
  const auto usage = number_in(read_again(usage_));
  return std::max(0L, usage - std::max(before, files())) / 1024;
}

std::vector<int> CgroupWatch::processes() const {
  std::vector<int> found;
  if (!processes_) return found;
  // With version 1 whoever has the file open may be told who was in the group a while ago.
  const Fd fresh(open(cat("/proc/self/fd/", processes_.get()).c_str(), O_RDONLY | O_CLOEXEC));
  const auto text = read_again(fresh ? fresh : processes_);
  for (const auto line : split(text, '\n'))
    if (const auto pid = parse_number<int>(line); pid && *pid != init_) found.push_back(*pid);
  return found;
}

Memory CgroupWatch::read() const {
  Memory memory;
  memory.now_kib = used_kib();
  memory.limit_hit = value_of(read_again(events_), "oom_kill") > kills_before_;
  const long limit = memory_mb_ * 1024L;
  // The bound that was hit is that of memory and /tmp together, so the memory was used up.
  memory.peak_kib = std::max(memory.now_kib, memory.limit_hit ? limit : most_held_by_one(processes()));
  if (limit > 0) memory.peak_kib = std::min(memory.peak_kib, std::max(memory.now_kib, limit));
  return memory;
}

bool CgroupWatch::freeze() const { return write_word(freezer_, unified_ ? "1" : "FROZEN"); }
bool CgroupWatch::thaw() const { return write_word(freezer_, unified_ ? "0" : "THAWED"); }
bool CgroupWatch::kill() const { return write_word(killer_, "1"); }

}  // namespace sallyport::sandbox
