#include "reactor/file_watch.h"

#include <cerrno>
#include <cstring>

namespace picortex {
namespace {

constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE;

}  // namespace

Result<std::unique_ptr<FileWatch>> FileWatch::open(Reactor& reactor, std::vector<std::string> paths,
                                                   Callback<> on_change, Scope scope) {
  FileDescriptor descriptor(inotify_init1(IN_CLOEXEC));
  if (!descriptor.is_open()) {
    return failure(std::string("cannot watch files: ") + std::strerror(errno) +
                       "; raise the sysctl fs.inotify.max_user_instances",
                   errno);
  }
  std::vector<File> files;
  for (const std::string& path : paths) {
    const std::size_t slash = path.rfind('/');
    const std::string directory = slash == path.npos ? "." : path.substr(0, slash);
    files.push_back({directory.empty() ? "/" : directory, path.substr(slash + 1)});
    if (scope == Scope::files_too) files.push_back({path, {}});
  }
  return std::unique_ptr<FileWatch>(
      new FileWatch(reactor, std::move(descriptor), std::move(files), on_change));
}

FileWatch::FileWatch(Reactor& reactor, FileDescriptor descriptor, std::vector<File> files,
                     Callback<> on_change)
    : reactor_(reactor),
      descriptor_(std::move(descriptor)),
      files_(std::move(files)),
      on_change_(on_change) {
  for (File& file : files_) {
    file.watch = inotify_add_watch(descriptor_.number(), file.directory.c_str(), kEvents);
  }
}

void FileWatch::start() { reactor_.ring().read(read_, descriptor_.number(), events_); }

void FileWatch::retry() {
  bool found = false;
  for (File& file : files_) {
    if (file.watch >= 0) continue;
    file.watch = inotify_add_watch(descriptor_.number(), file.directory.c_str(), kEvents);
    found = found || file.watch >= 0;
  }
  if (found) on_change_();
}

void FileWatch::stop() {
  stopping_ = true;
  if (read_.in_flight()) reactor_.ring().cancel(read_);
}

bool FileWatch::concerns_us(const inotify_event& event) {
  bool concerned = (event.mask & IN_Q_OVERFLOW) != 0;
  for (File& file : files_) {
    if (file.watch != event.wd) continue;
    if ((event.mask & IN_IGNORED) != 0) {  // the directory was deleted
      file.watch = -1;
      concerned = true;
    } else if (event.len > 0 ? file.name == event.name : file.name.empty()) {
      concerned = true;
    }
  }
  return concerned;
}

void FileWatch::on_read(const Completion& completion) noexcept {
  if (stopping_) return;
  bool concerned = false;
  for (std::size_t at = 0;
       completion.result > 0 && at < static_cast<std::size_t>(completion.result);) {
    const auto* event = reinterpret_cast<const inotify_event*>(events_.data() + at);
    concerned = concerns_us(*event) || concerned;
    at += sizeof(inotify_event) + event->len;
  }
  start();
  if (concerned) on_change_();
}

}  // namespace picortex
