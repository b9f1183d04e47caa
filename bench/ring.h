#pragma once

#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

// The base of the bench's own server and client: a single-threaded ring with provided buffers, set
// up like the daemon's.

[[noreturn]] inline void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

// Returns a socket that listens on 127.0.0.1.
inline int listen_on_loopback(std::uint16_t port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{.sin_family = AF_INET,
                      .sin_port = htons(port),
                      .sin_addr = {htonl(INADDR_LOOPBACK)},
                      .sin_zero = {}};
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) die("bind");
  if (listen(listener, 4096) != 0) die("listen");
  return listener;
}

class Ring {
 public:
  static constexpr int kBufferGroup = 0;

  Ring() {
    io_uring_params params{};
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE |
                   IORING_SETUP_SUBMIT_ALL;
    params.cq_entries = 8192;
    if (io_uring_queue_init_params(1024, &ring_, &params) < 0) die("io_uring");
    io_uring_register_ring_fd(&ring_);
    provide_buffers();
  }

  // Submits, waits for one completion, and delivers all that are ready.
  template <class Deliver>
  void iterate(Deliver deliver) {
    io_uring_submit_and_wait(&ring_, 1);
    unsigned head = 0;
    unsigned count = 0;
    io_uring_cqe* completion = nullptr;
    io_uring_for_each_cqe(&ring_, head, completion) {
      ++count;
      deliver(*completion);
    }
    io_uring_cq_advance(&ring_, count);
  }

  io_uring_sqe* entry() {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    if (entry != nullptr) return entry;
    io_uring_submit(&ring_);
    return io_uring_get_sqe(&ring_);
  }

  // Completions have user_data 0.
  void accept(int listener) {
    io_uring_sqe* sqe = entry();
    io_uring_prep_multishot_accept(sqe, listener, nullptr, nullptr, SOCK_CLOEXEC);
    io_uring_sqe_set_data64(sqe, 0);
  }

  void receive(int socket, void* data) {
    io_uring_sqe* sqe = entry();
    io_uring_prep_recv_multishot(sqe, socket, nullptr, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = kBufferGroup;
    io_uring_sqe_set_data(sqe, data);
  }

  // Returns the buffer of a receive's completion; the caller must give it back.
  static unsigned buffer_of(const io_uring_cqe& completion) {
    return completion.flags >> IORING_CQE_BUFFER_SHIFT;
  }
  const char* bytes_of(unsigned buffer) const {
    return &memory_[std::size_t{buffer} * kBufferSize];
  }
  void give_back(unsigned buffer) {
    io_uring_buf_ring_add(buffers_, &memory_[std::size_t{buffer} * kBufferSize], kBufferSize,
                          static_cast<unsigned short>(buffer), io_uring_buf_ring_mask(kBufferCount),
                          0);
    io_uring_buf_ring_advance(buffers_, 1);
  }

 private:
  static constexpr unsigned kBufferCount = 1024;
  static constexpr unsigned kBufferSize = 4096;

  void provide_buffers() {
    void* entries = std::aligned_alloc(4096, kBufferCount * sizeof(io_uring_buf));
    if (entries == nullptr) die("memory");
    buffers_ = static_cast<io_uring_buf_ring*>(entries);
    io_uring_buf_ring_init(buffers_);
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(entries);
    registration.ring_entries = kBufferCount;
    registration.bgid = kBufferGroup;
    if (io_uring_register_buf_ring(&ring_, &registration, 0) < 0) die("provided buffers");
    memory_.resize(std::size_t{kBufferCount} * kBufferSize);
    for (unsigned i = 0; i < kBufferCount; ++i) give_back(i);
  }

  io_uring ring_{};
  io_uring_buf_ring* buffers_ = nullptr;
  std::vector<char> memory_;
};
