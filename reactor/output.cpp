#include "reactor/output.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "reactor/reactor.h"

namespace picortex {
namespace {

// How much memory a buffer keeps after a backlog.
constexpr std::size_t kKeptCapacity = 64 * 1024;

void trim(std::string& buffer) {
  if (buffer.capacity() > kKeptCapacity) std::string().swap(buffer);
}

// With these errors the file stays, and the next byte written follows the last one: a line that was
// cut can be completed.
bool may_get_room(int error) noexcept {
  return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

}  // namespace

Output::Output(Reactor& reactor, int descriptor, std::size_t capacity)
    : reactor_(reactor), descriptor_(descriptor), capacity_(capacity), retries_(kRetryDelay) {
  reactor_.add(retries_);
}

bool Output::has_room(std::size_t size) const noexcept {
  return gathering_.size() + size <= capacity_ - capacity_ / 8;
}

bool Output::append(std::string_view line, bool important) {
  const bool fits =
      important ? gathering_.size() + line.size() <= capacity_ : has_room(line.size());
  if (!fits || abandoned_) {
    ++lines_dropped_;
    return false;
  }
  gathering_ += line;
  return true;
}

void Output::flush() noexcept {
  if (write_.in_flight() || abandoned_ || retry_.is_running()) return;
  if (writing_.empty()) {
    if (gathering_.empty()) return;
    std::swap(gathering_, writing_);
    written_ = 0;
  }
  write_rest();
}

void Output::write_rest() {
  reactor_.ring().write(write_, descriptor_, std::string_view(writing_).substr(written_));
}

void Output::on_write(const Completion& completion) noexcept {
  const bool has_polled = std::exchange(polling_, false);
  if (abandoned_) {
    writing_.clear();
    return;
  }
  // Whatever the poll reports, including POLLERR: the write reports more.
  if (has_polled || completion.result == -EINTR) return write_rest();
  // Somebody else set O_NONBLOCK on the shared description of stdout: wait for room like a blocking
  // write.
  if (completion.result == -EAGAIN) {
    polling_ = true;
    return reactor_.ring().poll(write_, descriptor_, POLLOUT);
  }
  // A write of nothing without an error would repeat for ever.
  if (completion.result <= 0) return on_error(completion.result == 0 ? EIO : -completion.result);
  failing_ = false;
  written_ += static_cast<std::size_t>(completion.result);
  if (written_ < writing_.size()) return write_rest();
  writing_.clear();
  written_ = 0;
  trim(writing_);
}

void Output::on_error(int error) {
  ++errors_;
  failing_ = true;
  last_error_ = error;
  if (!may_get_room(error)) drop_unwritten();
  retries_.start(retry_, reactor_.now());
}

// The bytes being written are lost. They are not tried again: a new reader gets the newest lines.
void Output::drop_unwritten() {
  const auto rest = std::string_view(writing_).substr(written_);
  lines_dropped_ += static_cast<std::uint64_t>(std::ranges::count(rest, '\n'));
  writing_.clear();
  written_ = 0;
  trim(writing_);
}

void Output::abandon() {
  abandoned_ = true;
  retry_.stop();
  gathering_.clear();
  if (write_.in_flight()) {
    reactor_.ring().cancel(write_);
  } else {
    writing_.clear();
  }
  written_ = 0;
}

}  // namespace picortex
