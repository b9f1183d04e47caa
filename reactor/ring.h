#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"
#include "reactor/operation.h"

struct io_uring;
struct io_uring_buf_ring;
struct io_uring_sqe;

namespace picortex {

class BufferPool;

// The kernel's io_uring (io_uring(7)), and the only code that speaks to it. Requests are prepared
// here and go to the kernel together, with one system call a turn. It belongs to one thread
// (SINGLE_ISSUER, DEFER_TASKRUN: completions come in only while that thread waits for them).
//
// Preparing never fails: when the submission queue is full, what is in it is submitted first.
// Memory handed to a request must stay until its last completion. Unit tests link a scripted ring
// in place of ring.cpp.
class Ring {
 public:
  // `entries`: the size of the submission queue. Refused where the kernel is older than 6.1 or
  // io_uring is forbidden; the Error then says which, and the mend.
  static Result<std::unique_ptr<Ring>> open(unsigned entries);
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // Each completion's result is a new descriptor (close-on-exec), until one comes without `more`.
  void accept_multishot(Operation& operation, int listener);
  // Each completion carries a buffer of the pool; 0 is the end of the stream.
  void receive_multishot(Operation& operation, int socket, const BufferPool& pool);
  void send(Operation& operation, int socket, std::span<const char> bytes);
  void read(Operation& operation, int file, std::span<char> bytes);
  // At the file's own position, as write(2).
  void write(Operation& operation, int file, std::span<const char> bytes);
  // fdatasync(2).
  void sync_data(Operation& operation, int file);
  // `events`: POLLIN, POLLOUT as in poll(2). One shot.
  void poll(Operation& operation, int file, short events);
  // The operation's own completion still comes: with ECANCELED, or with what it was about to say.
  void cancel(Operation& operation);
  // The ring takes the descriptor over; nobody hears of it again.
  void close(int file);

  // Hands over what was prepared, without waiting.
  void submit();
  // Hands over what was prepared and waits until there is a completion or `timeout` has passed.
  void submit_and_wait(std::chrono::nanoseconds timeout);
  // Delivers every completion that is there, one by one, straight to its handler; returns how many.
  unsigned deliver();

  Result<void> register_buffers(io_uring_buf_ring* entries, std::uint32_t count,
                                std::uint16_t group);
  void unregister_buffers(std::uint16_t group) noexcept;

 private:
  explicit Ring(std::unique_ptr<io_uring> ring) noexcept;

  io_uring_sqe* next_entry() noexcept;
  io_uring_sqe* begin(Operation& operation) noexcept;

  std::unique_ptr<io_uring> ring_;
};

}  // namespace picortex
