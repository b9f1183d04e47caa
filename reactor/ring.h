#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"
#include "reactor/buffer_groups.h"
#include "reactor/operation.h"

struct io_uring;
struct io_uring_buf_ring;
struct io_uring_sqe;

namespace picortex {

class BufferPool;

// The kernel's io_uring (io_uring(7)), and the only code that uses it. Requests are prepared here
// and submitted to the kernel together, with one system call per iteration. It belongs to one thread
// (SINGLE_ISSUER, DEFER_TASKRUN: completions arrive only while that thread waits for them).
//
// Preparing never fails: when the submission queue is full, its entries are submitted first. Memory
// passed to a request must stay valid until its last completion. Unit tests link a scripted ring in
// place of ring.cpp.
class Ring {
 public:
  // `entries` is the size of the submission queue. Fails if the kernel is older than 6.1 or
  // io_uring is forbidden; the Error says which, and the fix.
  static Result<std::unique_ptr<Ring>> open(unsigned entries);
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // The completion's result is a new descriptor (close-on-exec). One shot: a multishot accept takes a
  // descriptor for every client that waits, before the loop can close or count one.
  void accept(Operation& operation, int listener);
  // Each completion carries a buffer of the pool; 0 is the end of the stream.
  void receive_multishot(Operation& operation, int socket, const BufferPool& pool);
  void send(Operation& operation, int socket, std::span<const char> bytes);
  void read(Operation& operation, int file, std::span<char> bytes);
  // Writes at the file's own position, like write(2).
  void write(Operation& operation, int file, std::span<const char> bytes);
  // `events` is POLLIN or POLLOUT as in poll(2). One shot.
  void poll(Operation& operation, int file, short events);
  // The operation's own completion still arrives: with ECANCELED, or with its result.
  void cancel(Operation& operation);
  // The ring takes the descriptor over; its completion is ignored.
  void close(int file);

  // Submits what was prepared, without waiting.
  void submit();
  // Submits what was prepared and waits until there is a completion or `timeout` has passed.
  void submit_and_wait(std::chrono::nanoseconds timeout);
  // Whether the next iteration has something to deliver. Costs no system call.
  bool has_completions() const noexcept;
  // Delivers every completion that is ready, one by one, straight to its handler; returns how many.
  unsigned deliver();

  // Makes a buffer group of them and returns its number, which no other group of this ring has
  // until unregister_buffers().
  Result<std::uint16_t> register_buffers(io_uring_buf_ring* entries, std::uint32_t count);
  void unregister_buffers(std::uint16_t group) noexcept;

 private:
  explicit Ring(std::unique_ptr<io_uring> ring) noexcept;

  io_uring_sqe* next_entry() noexcept;
  io_uring_sqe* begin(Operation& operation) noexcept;

  std::unique_ptr<io_uring> ring_;
  BufferGroups groups_;
};

}  // namespace picortex
