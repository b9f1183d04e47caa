#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "reactor/deadline_list.h"
#include "reactor/operation.h"

namespace picortex {

class Reactor;

// Lines on their way to a descriptor, usually stdout. Writing never blocks the loop: lines gather
// in one bounded buffer while the kernel writes another through the ring.
//
//   idle ─ flush → writing ─ all written → idle
//   writing ─ the kernel's pipe is full (EAGAIN, a descriptor with O_NONBLOCK) → polling → writing
//   writing ─ any other error → failing ─ one second later, at flush → writing
//
// When the reader is slow, or the descriptor fails, the buffer fills. The last part of it is
// reserved for important lines, so unimportant ones are dropped first. Dropped lines are counted. A
// permanent error costs one write a second. If the file may get room again (ENOSPC, EDQUOT, EFBIG),
// pending bytes are kept for that; after any other error (EPIPE, EBADF, EIO) they are dropped, so
// that no later reader starts within a line.
class Output {
 public:
  static constexpr std::chrono::seconds kRetryDelay{1};

  // `capacity` is how many bytes may wait, besides as many that are being written.
  Output(Reactor& reactor, int descriptor, std::size_t capacity);

  // Takes a whole line, including its newline, or drops and counts it; returns whether it was
  // taken.
  bool append(std::string_view line, bool important);

  // Submits what has gathered to the kernel, if the last write has finished. Call it at an
  // iteration's end.
  void flush() noexcept;

  // True while there is room for a line of `size` bytes, important or not.
  bool has_room(std::size_t size) const noexcept;
  // True from an error until a write succeeds. Logging that here would be pointless.
  bool is_failing() const noexcept { return failing_; }
  // True if nothing is in flight, and nothing waits that could still be written.
  bool is_idle() const noexcept {
    return !write_.in_flight() && (is_failing() || (gathering_.empty() && writing_.empty()));
  }

  // Gives up on what has not been written: the loop is about to end.
  void abandon();

  std::uint64_t lines_dropped() const noexcept { return lines_dropped_; }
  // The number of failed writes, and the errno of the last one, 0 if there was none.
  std::uint64_t errors() const noexcept { return errors_; }
  int last_error() const noexcept { return last_error_; }
  std::size_t bytes_waiting() const noexcept {
    return gathering_.size() + writing_.size() - written_;
  }

 private:
  void on_write(const Completion& completion) noexcept;
  void on_retry() noexcept {}
  void on_error(int error);
  void drop_unwritten();
  void write_rest();

  Reactor& reactor_;
  int descriptor_;
  std::size_t capacity_;
  std::string gathering_;
  std::string writing_;      // unchanged while write_ is in flight
  std::size_t written_ = 0;  // of writing_
  bool polling_ = false;     // write_ is a poll for room in the pipe
  bool abandoned_ = false;
  bool failing_ = false;
  int last_error_ = 0;
  std::uint64_t lines_dropped_ = 0;
  std::uint64_t errors_ = 0;
  Operation write_ = Operation::to<&Output::on_write>(*this);
  DeadlineList retries_;
  // Runs while an error must not be tried again yet. Its end causes an iteration, and that a
  // flush().
  Deadline retry_ = Deadline::to<&Output::on_retry>(*this);
};

}  // namespace picortex
