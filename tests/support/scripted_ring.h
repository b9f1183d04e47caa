#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "reactor/operation.h"
#include "reactor/ring.h"
#include "tests/support/scripted_clock.h"

namespace picortex::test {

// What a part asked of the ring, and what the kernel would be holding until its last completion.
struct Request {
  enum class Kind { accept, receive, send, read, write, poll };

  Kind kind;
  Operation* operation;
  int file;
  std::string bytes;        // of send and write
  std::uint16_t group = 0;  // of receive
  bool cancel_asked_for = false;
};

// The stand-in for reactor/ring.cpp that unit tests link: it records what was asked, and delivers
// the completions that a test has chosen, in the reactor's next turn. A cancelled operation ends
// with ECANCELED there, unless something was delivered to it before.
class ScriptedRing {
 public:
  // Of the Ring that was opened last.
  static ScriptedRing& current();

  // The oldest request of its kind that is in flight; the test ends when there is none.
  Request& request(Request::Kind kind, int file = -1);
  bool is_asked(Request::Kind kind, int file = -1);
  std::size_t count(Request::Kind kind) const;
  bool is_closed(int file) const;

  // Queues a completion for the next turn.
  void complete(Request::Kind kind, int file, std::int32_t result, bool more = false);
  // Queues received bytes, in as many provided buffers as they need. False: the pool ran out, and
  // the receive ends with ENOBUFS.
  bool receive(int file, std::string_view bytes);

  // From now on a wait with nothing to deliver lasts until the deadline that the loop waits for:
  // that much time passes on `clock`. Null, as at first: a wait takes no time.
  void wait_on(ScriptedClock* clock) noexcept { clock_ = clock; }

 private:
  friend class ::picortex::Ring;

  struct Queued {
    Operation* operation;
    Completion completion;
  };
  struct Buffers {
    io_uring_buf_ring* entries;
    std::uint32_t count;
    std::uint16_t head = 0;
  };

  void ask(Request::Kind kind, Operation& operation, int file, std::string_view bytes = {},
           std::uint16_t group = 0);
  void cancel(Operation& operation);
  void wait(std::chrono::nanoseconds timeout);
  unsigned deliver();
  bool has_completions() const noexcept { return !queued_.empty(); }

  std::deque<Request> requests_;
  std::vector<int> closed_;
  std::deque<Queued> queued_;
  std::map<std::uint16_t, Buffers> buffers_;
  ScriptedClock* clock_ = nullptr;
};

}  // namespace picortex::test
