#include "sandbox/family.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "base/thread_time.hpp"

namespace sallyport::sandbox {
namespace {

std::string read_file(const std::string& path) {
  std::string text;
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return text;
  std::array<char, 4096> part;
  for (ssize_t size; (size = read(file.get(), part.data(), part.size())) > 0;) text.append(part.data(), static_cast<std::size_t>(size));
  return text;
}

template <class Visit>
void each_number_in(std::string_view text, Visit visit) {
  for (const auto word : split(text, ' '))
    if (const auto number = parse_number<int>(trim(word))) visit(*number);
}

// A child belongs to the thread that made it.
void add_children(int pid, std::vector<int>& found) {
  const std::string folder = cat("/proc/", pid, "/task");
  DIR* threads = opendir(folder.c_str());
  if (!threads) return;
  while (const dirent* thread = readdir(threads)) {
    if (!is_digit(thread->d_name[0])) continue;
    each_number_in(read_file(cat(folder, "/", std::string_view(thread->d_name), "/children")), [&](int child) { found.push_back(child); });
  }
  closedir(threads);
}

// `VmRSS:     1234 kB` gives 1234.
long field_kib(std::string_view status, std::string_view name) {
  const auto at = status.find(name);
  if (at == std::string_view::npos) return 0;
  const auto line = status.substr(at + name.size(), status.find('\n', at) - at - name.size());
  const auto number = trim(line);
  return parse_number<long>(number.substr(0, number.find(' '))).value_or(0);
}

std::string status_of(int pid) { return read_file(cat("/proc/", pid, "/status")); }

std::vector<int> sorted_family(int pid) {
  auto family = descendants(pid);
  std::ranges::sort(family);
  family.erase(std::ranges::unique(family).begin(), family.end());
  return family;
}

// A thousand processes that want the processors leave little time to look at each: they are over the limit when the first of them are.
constexpr std::size_t exact_family_max = 64;

}  // namespace

std::vector<int> children(int pid) {
  std::vector<int> found;
  add_children(pid, found);
  return found;
}

std::vector<int> descendants(int pid) {
  auto found = children(pid);
  // A process that moves while we look could appear twice and, with its number taken anew, for ever.
  constexpr std::size_t enough = 100'000;
  for (std::size_t i = 0; i < found.size() && found.size() < enough; ++i) add_children(found[i], found);
  return found;
}

long most_held_by_one(std::span<const int> processes) {
  long most = 0;
  for (const int one : processes.first(std::min(processes.size(), exact_family_max)))
    most = std::max(most, field_kib(status_of(one), "\nVmHWM:"));
  return most;
}

Memory memory_of_family(int pid, long enough_kib) {
  const auto family = sorted_family(pid);
  Memory memory;
  for (const int one : family) {
    const auto status = status_of(one);
    memory.now_kib += field_kib(status, "\nVmRSS:");
    memory.peak_kib = std::max(memory.peak_kib, field_kib(status, "\nVmHWM:"));
    if (family.size() > exact_family_max && memory.now_kib > enough_kib) break;
  }
  memory.shares_counted_often = family.size() > 1 && family.size() <= exact_family_max && memory.now_kib > enough_kib;
  if (!memory.shares_counted_often)
    memory.peak_kib = std::max(memory.peak_kib, memory.now_kib);  // they need not have been at their most together
  return memory;
}

// A page that three share counts a third for each. Where the kernel does not say, all of it; and where it takes too long to say, which is
// for as many mappings as a process likes to make.
long shared_memory_of_family(int pid, std::chrono::nanoseconds processor_time) {
  const auto until = thread_processor_time() + processor_time;
  long sum = 0;
  for (const int one : sorted_family(pid)) {
    const long share = thread_processor_time() < until ? field_kib(read_file(cat("/proc/", one, "/smaps_rollup")), "\nPss:") : 0;
    sum += share ? share : field_kib(status_of(one), "\nVmRSS:");
  }
  return sum;
}

}  // namespace sallyport::sandbox
