#pragma once

#include <memory>
#include <string>

#include "base/callback.h"
#include "netfilter/kernel/fenced_user.h"
#include "reactor/file_watch.h"

namespace picortex {

// Watches /etc/subuid and /etc/passwd for changes of the UIDs that the fenced user can act as.
// Inotify reports an edit at once; poll() finds what it cannot see, such as a file that was mounted
// over. Owned by the fence.
class FencedUserWatch {
 public:
  static Result<std::unique_ptr<FencedUserWatch>> open(Reactor& reactor, Callback<> on_change);

  void start() { watch_->start(); }
  // Call it about once a second; it takes some microseconds if nothing has changed.
  void poll();
  void stop() { watch_->stop(); }
  bool is_idle() const noexcept { return watch_->is_idle(); }

 private:
  explicit FencedUserWatch(Callback<> on_change);
  static std::string stamp();

  std::unique_ptr<FileWatch> watch_;
  Callback<> on_change_;
  std::string stamp_;  // of both files, from stat(2)
};

}  // namespace picortex
