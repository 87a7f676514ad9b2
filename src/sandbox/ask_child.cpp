#include "sandbox/ask_child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "base/text.hpp"
#include "sandbox/sandbox.hpp"

namespace sallyport::sandbox {
namespace {

constexpr std::size_t text_bytes_max = 64 * 1024;
constexpr std::string_view end_mark("\0\1", 2);  // a child that dies on the way does not write it

long now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000 + now.tv_nsec / 1'000'000;
}

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto count = write(fd, text.data(), text.size());
    if (count <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

// Until everybody who can write has closed it, or time is up.
std::string read_all(const Fd& fd, unsigned seconds) {
  std::string text;
  std::array<char, 4096> buffer;
  const long until = now_ms() + 1'000L * seconds;
  while (text.size() < text_bytes_max && !text.ends_with(end_mark)) {
    pollfd readable{fd.get(), POLLIN, 0};
    const long left = until - now_ms();
    if (left <= 0 || poll(&readable, 1, static_cast<int>(left)) <= 0) break;
    const auto count = read(fd.get(), buffer.data(), buffer.size());
    if (count <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return text;
}

// The child's end status, killed first if it is still there.
int finish(pid_t child, long until) {
  int status = 0;
  for (;;) {
    const auto ended = waitpid(child, &status, WNOHANG);
    if (ended != 0) return ended == child ? status : -1;
    if (now_ms() >= until) break;
    poll(nullptr, 0, 1);
  }
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  return -1;
}

struct Pipe {
  Fd reader, writer;
};

bool make_pipe(Pipe& pipe) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC)) return false;
  pipe = {Fd(ends[0]), Fd(ends[1])};
  return true;
}

}  // namespace

std::vector<std::string> ask_child(const std::function<std::vector<std::string>()>& work, unsigned seconds) {
  Pipe pipe;
  if (!make_pipe(pipe)) return {};
  const long until = now_ms() + 1'000L * seconds;
  const pid_t child = fork();
  if (child < 0) return {};
  if (child == 0) {
    for (const auto& text : work()) write_all(pipe.writer.get(), cat(text, '\0'));
    write_all(pipe.writer.get(), end_mark);
    _exit(0);
  }
  pipe.writer.reset();
  auto text = read_all(pipe.reader, seconds);
  finish(child, until);
  std::vector<std::string> parts;
  if (!text.ends_with(end_mark)) return parts;
  text.resize(text.size() - end_mark.size());
  for (std::size_t at = 0, next; (next = text.find('\0', at)) != std::string::npos; at = next + 1)
    parts.push_back(text.substr(at, next - at));
  return parts;
}

Said run_to_end(const std::vector<std::string>& arguments, unsigned seconds) {
  constexpr std::size_t shown_bytes_max = 2'000;
  Pipe pipe;
  if (!make_pipe(pipe)) return {};
  std::vector<char*> words;
  for (const auto& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  const long until = now_ms() + 1'000L * seconds;
  const pid_t child = fork();
  if (child < 0) return {};
  if (child == 0) {
    const int null = open("/dev/null", O_RDONLY);
    dup2(null, 0);
    dup2(pipe.writer.get(), 1);
    dup2(pipe.writer.get(), 2);
    execv(words[0], words.data());
    _exit(127);
  }
  pipe.writer.reset();
  Said said;
  said.text = read_all(pipe.reader, seconds).substr(0, shown_bytes_max);
  const int status = finish(child, until);
  said.well = status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  return said;
}

std::string find_program(const std::string& name) {
  const char* path = getenv("PATH");
  const std::string_view folders = path ? path : "/usr/bin:/bin";
  for (const auto folder : split(folders, ':')) {
    auto candidate = cat(folder, "/", name);
    struct stat info{};
    if (!folder.empty() && stat(candidate.c_str(), &info) == 0 && S_ISREG(info.st_mode) && access(candidate.c_str(), X_OK) == 0)
      return candidate;
  }
  return {};
}

}  // namespace sallyport::sandbox
