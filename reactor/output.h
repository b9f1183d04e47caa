#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "reactor/operation.h"

namespace picortex {

class Reactor;

// Lines on their way to a descriptor, usually stdout. Writing never blocks the loop: lines gather
// in one bounded buffer while the kernel writes another through the ring.
//
// When the reader is slow the buffer fills. The last part of it is kept for important lines, so
// unimportant ones are dropped first. What is dropped is counted.
class Output {
 public:
  // `capacity`: bytes that may wait, besides as many that are being written.
  Output(Reactor& reactor, int descriptor, std::size_t capacity);

  // Takes a whole line, its newline included, or drops and counts it; says whether it was taken.
  bool append(std::string_view line, bool important);

  // Hands what has gathered to the kernel, if it has finished with the last. For a turn's end.
  void flush() noexcept;

  // True while there is room for a line of `size` bytes, important or not.
  bool has_room(std::size_t size) const noexcept;
  bool is_idle() const noexcept { return !write_.in_flight() && gathering_.empty(); }

  // Gives up on what has not been written: the loop is about to end.
  void abandon();

  std::uint64_t lines_dropped() const noexcept { return lines_dropped_; }
  std::size_t bytes_waiting() const noexcept { return gathering_.size() + writing_.size(); }

 private:
  void on_write(const Completion& completion) noexcept;
  void write_rest();

  Reactor& reactor_;
  int descriptor_;
  std::size_t capacity_;
  std::string gathering_;
  std::string writing_;      // unchanged while write_ is in flight
  std::size_t written_ = 0;  // of writing_
  Operation write_ = Operation::to<&Output::on_write>(*this);
  bool abandoned_ = false;
  std::uint64_t lines_dropped_ = 0;
};

}  // namespace picortex
