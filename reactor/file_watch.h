#pragma once

#include <sys/inotify.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/callback.h"
#include "base/file_descriptor.h"
#include "base/result.h"
#include "reactor/operation.h"
#include "reactor/reactor.h"

namespace picortex {

// Reports when one of a few files has been written, replaced, created or deleted (inotify(7) on
// their directories, so that an editor's rename is seen). A missing directory is searched for again
// at each retry().
class FileWatch {
 public:
  // With `files_too` the files themselves are watched as well: one that is mounted over another has
  // its events in its own directory. An edit may then be reported twice.
  enum class Scope : std::uint8_t { directories, files_too };

  static Result<std::unique_ptr<FileWatch>> open(Reactor& reactor, std::vector<std::string> paths,
                                                 Callback<> on_change,
                                                 Scope scope = Scope::directories);

  void start();
  void retry();
  void stop();
  bool is_idle() const noexcept { return !read_.in_flight(); }

 private:
  struct File {
    std::string directory;
    std::string name;  // empty: the file itself is watched, and `directory` is its path
    int watch = -1;
  };

  FileWatch(Reactor& reactor, FileDescriptor descriptor, std::vector<File> files,
            Callback<> on_change);
  void on_read(const Completion& completion) noexcept;
  bool concerns_us(const inotify_event& event);

  Reactor& reactor_;
  FileDescriptor descriptor_;
  std::vector<File> files_;
  Callback<> on_change_;
  bool stopping_ = false;
  alignas(inotify_event) std::array<char, 4096> events_;
  Operation read_ = Operation::to<&FileWatch::on_read>(*this);
};

}  // namespace picortex
