#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/file_descriptor.h"
#include "base/result.h"
#include "handlers/http/middleware/access_control.h"
#include "reactor/deadline_list.h"
#include "reactor/file_watch.h"
#include "reactor/log.h"
#include "reactor/operation.h"
#include "reactor/reactor.h"

namespace picortex {

// Keeps the named tokens of an AccessControl as `<data dir>/tokens` has them: a change counts from
// the loop's next iteration on. A file that cannot be read changes nothing, and is reported.
//
// Notes in `<data dir>/token_uses` when each token was used last, to about 10 seconds, so that
// `picortex token list` can say which ones are not needed. That file has kNamedTokensMax lines of
// equal length, written over as a whole through the ring; a write that fails is repeated with the
// next note.
class TokenWatch {
 public:
  // References passed in must outlive this object. The error is one line for the person who started
  // the daemon.
  static Result<std::unique_ptr<TokenWatch>> open(Reactor& reactor, Log& log, AccessControl& access,
                                                  const std::string& data_dir);

  void start();
  // Idle after that, once what is in flight has ended.
  void stop() noexcept;
  bool is_idle() const noexcept { return watch_->is_idle() && !write_.in_flight(); }

 private:
  TokenWatch(Reactor& reactor, Log& log, AccessControl& access, std::string data_dir)
      : reactor_(reactor), log_(log), access_(access), data_dir_(std::move(data_dir)) {}

  Result<void> open_uses();
  void on_change() noexcept;
  void on_tick() noexcept;
  void note_uses();
  void write_uses() noexcept;
  void on_write(const Completion& completion) noexcept;

  Reactor& reactor_;
  Log& log_;
  AccessControl& access_;
  const std::string data_dir_;
  std::unique_ptr<FileWatch> watch_;
  std::map<std::string, std::int64_t, std::less<>> used_ms_;
  FileDescriptor uses_;
  bool is_dirty_ = false;  // the file says something else than used_ms_
  std::string writing_;    // unchanged while write_ is in flight
  DeadlineList ticks_{std::chrono::seconds(10)};
  Deadline tick_ = Deadline::to<&TokenWatch::on_tick>(*this);
  Operation write_ = Operation::to<&TokenWatch::on_write>(*this);
};

// When each token was used last (Unix milliseconds), as the daemon has noted it; those that were
// never used are missing. Empty when nothing has been noted.
std::map<std::string, std::int64_t, std::less<>> read_token_uses(const std::string& data_dir);

}  // namespace picortex
