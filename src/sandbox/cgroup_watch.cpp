#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/text.hpp"
#include "sandbox/cgroup.hpp"

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
    if (name == "memory.peak" || name == "memory.max_usage_in_bytes") peak_ = std::move(file);
    if (name == "memory.stat") statistics_ = std::move(file);
    if (name == "memory.events" || name == "memory.oom_control") events_ = std::move(file);
    if (name == "cgroup.freeze" || name == "freezer.state") freezer_ = std::move(file);
    if (name == "cgroup.kill") killer_ = std::move(file);
    if (name == "memory.current") unified_ = true;
  }
}

void CgroupWatch::begin(int memory_mb) {
  memory_mb_ = memory_mb;
  kills_before_ = value_of(read_again(events_), "oom_kill");
}

// What the kernel calls its peak counts /tmp and cached files. Of these, what is there now is taken off, and no more is said to have been
// used than there was to use.
Memory CgroupWatch::read() const {
  const auto statistics = read_again(statistics_);
  const long files = value_of(statistics, unified_ ? "file" : "cache");
  const auto own_kib = [&](const Fd& fd) { return std::max(0L, number_in(read_again(fd)) - files) / 1024; };
  Memory memory;
  memory.now_kib = own_kib(usage_);
  auto peak = std::max(memory.now_kib, peak_ ? own_kib(peak_) : 0);
  if (memory_mb_ > 0) peak = std::min(peak, std::max(memory.now_kib, memory_mb_ * 1024L));
  for (auto seen = peak_kib_.load(); seen < peak && !peak_kib_.compare_exchange_weak(seen, peak);) {
  }
  memory.peak_kib = peak_kib_.load();
  memory.limit_hit = value_of(read_again(events_), "oom_kill") > kills_before_;
  return memory;
}

bool CgroupWatch::freeze() const { return write_word(freezer_, unified_ ? "1" : "FROZEN"); }
bool CgroupWatch::thaw() const { return write_word(freezer_, unified_ ? "0" : "THAWED"); }
bool CgroupWatch::kill() const { return write_word(killer_, "1"); }

}  // namespace sallyport::sandbox
