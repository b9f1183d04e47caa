#include "reactor/ring.h"

#include <liburing.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "reactor/buffer_pool.h"

namespace picortex {
namespace {

// Completions of one iteration: more than that wait in the kernel, so none is lost.
constexpr unsigned kCompletionEntries = 4096;

std::string why_rejected(int error) {
  switch (error) {
    case ENOSYS:
      return "this kernel has no io_uring; Linux 6.1 or newer is needed";
    case EPERM:
    case EACCES:
      return "io_uring is forbidden here, by a seccomp filter or by the sysctl "
             "kernel.io_uring_disabled; allow io_uring_setup, io_uring_enter and "
             "io_uring_register, or set the sysctl to 0";
    case EINVAL:
      return "this kernel is too old for its io_uring to serve one thread "
             "(SINGLE_ISSUER, DEFER_TASKRUN); Linux 6.1 or newer is needed";
    case ENOMEM:
      return "no memory may be locked for it; raise LimitMEMLOCK (ulimit -l)";
    default:
      return std::strerror(error);
  }
}

// A filter may allow io_uring_setup(2) and forbid io_uring_enter(2): a request that does nothing
// detects that before anything depends on it. Returns 0 or a negative errno.
int try_round_trip(io_uring& ring) {
  io_uring_prep_nop(io_uring_get_sqe(&ring));
  int result = -EINTR;
  while (result == -EINTR) result = io_uring_submit_and_wait(&ring, 1);
  if (result < 0) return result;
  io_uring_cq_advance(&ring, io_uring_cq_ready(&ring));
  return 0;
}

}  // namespace

Result<std::unique_ptr<Ring>> Ring::open(unsigned entries) {
  auto ring = std::make_unique<io_uring>();
  io_uring_params params{};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                 IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL |
                 IORING_SETUP_CLAMP;
  params.cq_entries = kCompletionEntries;
  if (const int error = io_uring_queue_init_params(entries, ring.get(), &params); error < 0) {
    return failure("the kernel rejects io_uring: " + why_rejected(-error), -error);
  }
  if (const int error = try_round_trip(*ring); error < 0) {
    io_uring_queue_exit(ring.get());
    return failure("the kernel rejects io_uring_enter: " + why_rejected(-error), -error);
  }
  // Saves looking up the ring's descriptor in every call; everything works without it.
  io_uring_register_ring_fd(ring.get());
  return std::unique_ptr<Ring>(new Ring(std::move(ring)));
}

Ring::Ring(std::unique_ptr<io_uring> ring) noexcept : ring_(std::move(ring)) {}

Ring::~Ring() { io_uring_queue_exit(ring_.get()); }

io_uring_sqe* Ring::next_entry() noexcept {
  for (;;) {
    if (io_uring_sqe* entry = io_uring_get_sqe(ring_.get())) return entry;
    submit();
  }
}

io_uring_sqe* Ring::begin(Operation& operation) noexcept {
  operation.begin();
  return next_entry();
}

void Ring::accept(Operation& operation, int listener) {
  io_uring_sqe* entry = begin(operation);
  io_uring_prep_accept(entry, listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  io_uring_sqe_set_data(entry, &operation);
}

void Ring::receive_multishot(Operation& operation, int socket, const BufferPool& pool) {
  io_uring_sqe* entry = begin(operation);
  io_uring_prep_recv_multishot(entry, socket, nullptr, 0, 0);
  entry->flags |= IOSQE_BUFFER_SELECT;
  entry->buf_group = pool.group();
  io_uring_sqe_set_data(entry, &operation);
}

void Ring::send(Operation& operation, int socket, std::span<const char> bytes) {
  io_uring_sqe* entry = begin(operation);
  io_uring_prep_send(entry, socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  io_uring_sqe_set_data(entry, &operation);
}

void Ring::read(Operation& operation, int file, std::span<char> bytes) {
  io_uring_sqe* entry = begin(operation);
  io_uring_prep_read(entry, file, bytes.data(), static_cast<unsigned>(bytes.size()),
                     static_cast<std::uint64_t>(-1));
  io_uring_sqe_set_data(entry, &operation);
}

void Ring::write(Operation& operation, int file, std::span<const char> bytes) {
  io_uring_sqe* entry = begin(operation);
  io_uring_prep_write(entry, file, bytes.data(), static_cast<unsigned>(bytes.size()),
                      static_cast<std::uint64_t>(-1));
  io_uring_sqe_set_data(entry, &operation);
}

void Ring::poll(Operation& operation, int file, short events) {
  io_uring_sqe* entry = begin(operation);
  io_uring_prep_poll_add(entry, file, static_cast<unsigned>(events));
  io_uring_sqe_set_data(entry, &operation);
}

void Ring::cancel(Operation& operation) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_cancel(entry, &operation, 0);
  entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
  io_uring_sqe_set_data(entry, nullptr);
}

void Ring::close(int file) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_close(entry, file);
  entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
  io_uring_sqe_set_data(entry, nullptr);
}

void Ring::submit() {
  const int result = io_uring_submit(ring_.get());
  // EBUSY and EAGAIN: the kernel has no room now; the entries stay queued for the next call.
  CHECK(result >= 0 || result == -EBUSY || result == -EAGAIN || result == -EINTR);
}

void Ring::submit_and_wait(std::chrono::nanoseconds timeout) {
  if (timeout <= std::chrono::nanoseconds{0}) {
    // A wait of no time is still one to the kernel: it arms a timer, sleeps and is woken by it.
    const int result = io_uring_submit_and_get_events(ring_.get());
    CHECK(result >= 0 || result == -EINTR || result == -EBUSY || result == -EAGAIN);
    return;
  }
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
  __kernel_timespec limit{.tv_sec = seconds.count(), .tv_nsec = (timeout - seconds).count()};
  io_uring_cqe* first = nullptr;
  const int result = io_uring_submit_and_wait_timeout(ring_.get(), &first, 1, &limit, nullptr);
  CHECK(result >= 0 || result == -ETIME || result == -EINTR || result == -EBUSY ||
        result == -EAGAIN);
}

// What has happened waits in the kernel until the next call, which the flag says (TASKRUN_FLAG).
bool Ring::has_completions() const noexcept {
  return io_uring_cq_ready(ring_.get()) > 0 ||
         (std::atomic_ref(*ring_->sq.kflags).load(std::memory_order_relaxed) & IORING_SQ_TASKRUN) !=
             0;
}

unsigned Ring::deliver() {
  unsigned head = 0;
  unsigned count = 0;
  io_uring_cqe* entry = nullptr;
  io_uring_for_each_cqe(ring_.get(), head, entry) {
    ++count;
    auto* operation = static_cast<Operation*>(io_uring_cqe_get_data(entry));
    if (operation == nullptr) continue;
    operation->deliver(
        {.result = entry->res,
         .more = (entry->flags & IORING_CQE_F_MORE) != 0,
         .buffer = (entry->flags & IORING_CQE_F_BUFFER) != 0
                       ? static_cast<std::int32_t>(entry->flags >> IORING_CQE_BUFFER_SHIFT)
                       : Completion::kNoBuffer});
  }
  io_uring_cq_advance(ring_.get(), count);
  return count;
}

Result<std::uint16_t> Ring::register_buffers(io_uring_buf_ring* entries, std::uint32_t count) {
  const std::uint16_t group = groups_.take();
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(entries);
  registration.ring_entries = count;
  registration.bgid = group;
  if (const int error = io_uring_register_buf_ring(ring_.get(), &registration, 0); error < 0) {
    groups_.give_back(group);
    return failure(std::string("the kernel rejects provided-buffer rings: ") +
                       std::strerror(-error) + "; Linux 6.1 or newer is needed",
                   -error);
  }
  return group;
}

void Ring::unregister_buffers(std::uint16_t group) noexcept {
  io_uring_unregister_buf_ring(ring_.get(), group);
  groups_.give_back(group);
}

}  // namespace picortex
