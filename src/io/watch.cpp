#include <uv.h>

#include <sys/inotify.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "base/text.hpp"
#include "io/loop_state.hpp"
#include "io/stream.hpp"

namespace sallyport::io {
namespace {

namespace fs = std::filesystem;

// A save is acted on at once, when the file is whole; what follows it (other files of the same save, a formatter) waits for quiet.
constexpr std::chrono::milliseconds first_time{1}, quiet_time{50};
constexpr std::size_t watches_max = 8192;

bool skipped(std::string_view name) { return name == "node_modules" || name == ".git" || name == "__pycache__"; }

// inotify directly and not uv_fs_event: one descriptor for all folders, and the mask can leave out reads.
class InotifyWatcher final : public FileWatcher {
 public:
  struct Handle {
    uv_poll_t poll;
    InotifyWatcher* owner;
    int fd;
  };

  InotifyWatcher(Loop& loop, int fd, std::move_only_function<void()> changed)
      : loop_(loop), changed_(std::move(changed)), handle_(new Handle{{}, this, fd}) {
    uv_poll_init(loop.raw(), &handle_->poll, fd);
    handle_->poll.data = handle_;
    uv_poll_start(&handle_->poll, UV_READABLE, [](uv_poll_t* poll, int, int) {
      if (auto* self = static_cast<Handle*>(poll->data)->owner) self->read_events();
    });
  }
  ~InotifyWatcher() override {
    handle_->owner = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(&handle_->poll), [](uv_handle_t* handle) {
      auto* done = static_cast<Handle*>(handle->data);
      ::close(done->fd);
      delete done;
    });
  }

  void add_tree(const fs::path& directory) {
    add_directory(directory, {});
    std::error_code error;
    for (auto it = fs::recursive_directory_iterator(directory, fs::directory_options::skip_permission_denied, error);
         !error && it != fs::recursive_directory_iterator() && watches_.size() < watches_max; it.increment(error)) {
      std::error_code ignored;
      if (!it->is_directory(ignored) || it->is_symlink(ignored)) continue;
      if (skipped(it->path().filename().string()))
        it.disable_recursion_pending();
      else
        add_directory(it->path(), {});
    }
  }
  void add(const std::vector<std::string>& paths) override {
    for (const auto& path : paths) {
      std::error_code error;
      if (fs::is_directory(path, error))
        add_tree(path);
      else
        add_file(path);
    }
  }
  /// A file is watched through its folder: editors replace files instead of writing them.
  void add_file(const fs::path& file) { add_directory(file.parent_path(), file.filename().string()); }

 private:
  struct Watch {
    fs::path directory;
    bool whole = false;
    std::vector<std::string> files;
  };

  void add_directory(const fs::path& directory, const std::string& only) {
    const int id = inotify_add_watch(handle_->fd, directory.c_str(),
                                     IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_ONLYDIR | IN_EXCL_UNLINK);
    if (id < 0) return;
    auto& watch = watches_[id];
    watch.directory = directory;
    if (only.empty())
      watch.whole = true;
    else if (std::ranges::find(watch.files, only) == watch.files.end())
      watch.files.push_back(only);
  }

  enum class Change { none, file_gone, file_there };

  Change judge(const inotify_event& event) {
    const auto found = watches_.find(event.wd);
    if (found == watches_.end()) return Change::none;
    const std::string_view name = event.len ? std::string_view(event.name) : std::string_view();
    const bool named = std::ranges::find(found->second.files, name) != found->second.files.end();
    if (!named && (!found->second.whole || skipped(name))) return Change::none;
    // A created file is reported again when it has been written; only a created folder matters now.
    if ((event.mask & IN_CREATE) && !(event.mask & IN_ISDIR)) return Change::none;
    if (found->second.whole && (event.mask & IN_ISDIR) && (event.mask & (IN_CREATE | IN_MOVED_TO)))
      add_tree(fs::path(found->second.directory) / name);
    // Editors move a file away before they write it anew: half of a save is not to be read.
    return event.mask & (IN_CLOSE_WRITE | IN_MOVED_TO) ? Change::file_there : Change::file_gone;
  }

  void read_events() {
    alignas(inotify_event) char buffer[16 * 1024];
    auto change = Change::none;
    for (;;) {
      const auto count = ::read(handle_->fd, buffer, sizeof buffer);
      if (count <= 0) break;
      for (const char* at = buffer; at < buffer + count;) {
        const auto* event = reinterpret_cast<const inotify_event*>(at);
        at += sizeof(inotify_event) + event->len;
        change = std::max(change, judge(*event));
      }
    }
    if (change == Change::none) return;
    untold_ = true;
    if (change == Change::file_there && !std::exchange(acted_, true)) first_.emplace(loop_, first_time, [this] { tell(); });
    quiet_.emplace(loop_, quiet_time, [this] {
      acted_ = false;
      if (untold_) tell();
    });
  }

  void tell() {
    untold_ = false;
    changed_();
  }

  Loop& loop_;
  std::move_only_function<void()> changed_;
  Handle* handle_;
  std::map<int, Watch> watches_;
  std::optional<Deadline> first_, quiet_;  // quiet_: since the last change
  bool acted_ = false, untold_ = false;
};

class UvSignalHandler final : public SignalHandler {
 public:
  struct Handle {
    uv_signal_t signal;
    UvSignalHandler* owner;
  };
  explicit UvSignalHandler(std::move_only_function<void(int)> received) : received_(std::move(received)) {}
  ~UvSignalHandler() override {
    for (auto* handle : handles_) {
      handle->owner = nullptr;
      uv_close(reinterpret_cast<uv_handle_t*>(&handle->signal), [](uv_handle_t* done) { delete static_cast<Handle*>(done->data); });
    }
  }
  Result<> add(Loop& loop, int number) {
    auto* handle = new Handle{{}, this};
    uv_signal_init(loop.raw(), &handle->signal);
    handle->signal.data = handle;
    handles_.push_back(handle);
    const int error = uv_signal_start(
        &handle->signal,
        [](uv_signal_t* signal, int received) {
          if (auto* self = static_cast<Handle*>(signal->data)->owner) self->received_(received);
        },
        number);
    if (error) return fail(cat("cannot handle signal ", number, ": ", uv_strerror(error)));
    return {};
  }

 private:
  std::move_only_function<void(int)> received_;
  std::vector<Handle*> handles_;
};

}  // namespace

Result<std::unique_ptr<FileWatcher>> FileWatcher::watch(Loop& loop, std::vector<std::string> paths,
                                                        std::move_only_function<void()> changed) {
  const int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0) return fail("cannot watch files: no inotify instance is free");
  auto watcher = std::make_unique<InotifyWatcher>(loop, fd, std::move(changed));
  watcher->add(paths);
  return watcher;
}

Result<std::unique_ptr<SignalHandler>> SignalHandler::handle(Loop& loop, std::vector<int> signals,
                                                             std::move_only_function<void(int)> received) {
  auto handler = std::make_unique<UvSignalHandler>(std::move(received));
  for (int number : signals)
    if (auto added = handler->add(loop, number); !added) return std::unexpected(added.error());
  return handler;
}

}  // namespace sallyport::io
