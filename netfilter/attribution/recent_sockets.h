#pragma once

#include <sys/types.h>

#include <cstddef>
#include <vector>

#include "base/file_descriptor.h"

namespace picortex {

// The descriptors that sockets of a few processes had last, one of each process, in the order in
// which to look there for the next socket.
//
// A process that opens one connection after the other gets the same descriptor each time, since the
// kernel gives the lowest that is free. If several processes do, as the workers of a pool, they
// take turns: who opened one longest ago is likely to be next. So the search begins as many places from
// the latest as the last match was, and goes on to both sides: a lone process is found by the first
// look, and one of a pool by a few.
class RecentSockets {
 public:
  static constexpr std::size_t kMax = 32;

  struct Place {
    pid_t pid;
    int descriptor;
    FileDescriptor directory;  // /proc/PID/fd: of that process, even if another one gets its number
  };

  // Looks at all places once more, for another question.
  void begin() noexcept { looked_at_ = 0; }
  bool is_finished() const noexcept { return looked_at_ >= places_.size(); }
  // The next place. Only while not finished. Valid until the next call that is not const.
  const Place& next() noexcept;
  // The place that next() returned has a socket that is looked for. Begins again.
  void note_match() noexcept;

  // A socket was found without the places. Forgets the process's last one, or the oldest place.
  void add(Place place);
  void forget(pid_t pid) noexcept;
  bool has(pid_t pid) const noexcept;

  // In the order of use, the latest last.
  const std::vector<Place>& places() const noexcept { return places_; }

 private:
  std::vector<Place> places_;
  std::size_t looked_at_ = 0;
  std::size_t current_ = 0;      // the index that next() returned
  std::size_t match_depth_ = 0;  // of the last match, 0 being the latest place
};

}  // namespace picortex
