#pragma once

#include <sys/inotify.h>

#include <array>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "base/result.h"
#include "reactor/file_descriptor.h"
#include "reactor/operation.h"
#include "reactor/reactor.h"

namespace picortex {

// Tells when one of a few files has been written, replaced, made or removed (inotify(7) on their
// directories, so that an editor's rename is seen). A directory that is missing is looked for again
// at each retry().
class FileWatch {
 public:
  using Handler = void (*)(void* owner) noexcept;

  static Result<std::unique_ptr<FileWatch>> open(Reactor& reactor, std::vector<std::string> paths,
                                                 void* owner, Handler handler);

  void start();
  void retry();
  void stop();
  bool is_idle() const noexcept { return !read_.in_flight(); }

 private:
  struct File {
    std::string directory;
    std::string name;
    int watch = -1;
  };

  FileWatch(Reactor& reactor, FileDescriptor descriptor, std::vector<File> files, void* owner,
            Handler handler);
  void on_read(const Completion& completion) noexcept;
  bool concerns_us(const inotify_event& event);

  Reactor& reactor_;
  FileDescriptor descriptor_;
  std::vector<File> files_;
  void* owner_;
  Handler handler_;
  bool stopping_ = false;
  alignas(inotify_event) std::array<char, 4096> events_;
  Operation read_ = Operation::to<&FileWatch::on_read>(*this);
};

}  // namespace picortex
