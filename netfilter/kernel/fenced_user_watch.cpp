#include "netfilter/kernel/fenced_user_watch.h"

#include <sys/stat.h>

#include <utility>

namespace picortex {

Result<std::unique_ptr<FencedUserWatch>> FencedUserWatch::open(Reactor& reactor,
                                                               Callback<> on_change) {
  std::unique_ptr<FencedUserWatch> watch(new FencedUserWatch(on_change));
  watch->watch_ = TRY(
      FileWatch::open(reactor, {kSubuidPath, kPasswdPath}, on_change, FileWatch::Scope::files_too));
  return watch;
}

FencedUserWatch::FencedUserWatch(Callback<> on_change) : on_change_(on_change), stamp_(stamp()) {}

std::string FencedUserWatch::stamp() {
  std::string stamp;
  for (const char* path : {kSubuidPath, kPasswdPath}) {
    struct stat status {};
    if (stat(path, &status) != 0) status = {};
    for (const std::int64_t value :
         {static_cast<std::int64_t>(status.st_dev), static_cast<std::int64_t>(status.st_ino),
          static_cast<std::int64_t>(status.st_size),
          static_cast<std::int64_t>(status.st_mtim.tv_sec),
          static_cast<std::int64_t>(status.st_mtim.tv_nsec)}) {
      stamp.append(std::to_string(value)).append(1, ' ');
    }
  }
  return stamp;
}

void FencedUserWatch::poll() {
  std::string now = stamp();
  if (std::exchange(stamp_, std::move(now)) != stamp_) on_change_();
}

}  // namespace picortex
