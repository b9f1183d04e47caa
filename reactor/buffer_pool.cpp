#include "reactor/buffer_pool.h"

// In this order: liburing's header needs the other one.
// clang-format off
#include <linux/time_types.h>
#include <liburing/io_uring.h>
// clang-format on
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <bit>

#include "base/check.h"
#include "reactor/ring.h"

namespace picortex {
namespace {

constexpr std::uint32_t kProvidedAtFirst = 64;
constexpr std::size_t kPageSize = 4096;

std::size_t round_up_to_page(std::size_t size) { return (size + kPageSize - 1) & ~(kPageSize - 1); }

}  // namespace

Result<BufferPool> BufferPool::create(Ring& ring, std::uint32_t count, std::uint32_t buffer_size) {
  CHECK(std::has_single_bit(count) && count <= 32768);
  const std::size_t entries_size = round_up_to_page(count * sizeof(io_uring_buf));
  const std::size_t size = entries_size + std::size_t{count} * buffer_size;
  void* mapping = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) {
    return errno_failure("no memory for the receive buffers");
  }
  BufferPool pool(count, buffer_size, mapping, size);
  const auto group = ring.register_buffers(pool.entries_, count);
  if (!group) return std::unexpected(group.error());
  pool.ring_ = &ring;
  pool.group_ = *group;
  pool.grow();
  return pool;
}

BufferPool::BufferPool(std::uint32_t count, std::uint32_t buffer_size, void* mapping,
                       std::size_t mapping_size) noexcept
    : count_(count),
      buffer_size_(buffer_size),
      entries_(static_cast<io_uring_buf_ring*>(mapping)),
      buffers_(static_cast<char*>(mapping) + round_up_to_page(count * sizeof(io_uring_buf))),
      mapping_(mapping),
      mapping_size_(mapping_size) {}

BufferPool::BufferPool(BufferPool&& other) noexcept
    : ring_(std::exchange(other.ring_, nullptr)),
      group_(other.group_),
      tail_(other.tail_),
      count_(other.count_),
      buffer_size_(other.buffer_size_),
      provided_(other.provided_),
      added_from_(other.added_from_),
      is_growth_used_(other.is_growth_used_),
      entries_(other.entries_),
      buffers_(other.buffers_),
      mapping_(std::exchange(other.mapping_, nullptr)),
      mapping_size_(other.mapping_size_) {}

BufferPool::~BufferPool() {
  if (ring_ != nullptr) ring_->unregister_buffers(group_);
  if (mapping_ != nullptr) munmap(mapping_, mapping_size_);
}

void BufferPool::recycle(std::int32_t buffer) noexcept {
  const auto number = static_cast<std::uint32_t>(buffer);
  CHECK(buffer >= 0 && number < provided_);
  if (number >= added_from_) is_growth_used_ = true;
  provide(number);
}

void BufferPool::provide(std::uint32_t buffer) noexcept {
  // The header's own `bufs` has another offset in C++ than in C, where an empty struct has no size:
  // the entries begin where the ring does.
  io_uring_buf& entry = reinterpret_cast<io_uring_buf*>(entries_)[tail_ & (count_ - 1)];
  // Assigned field by field: the ring's tail shares memory with the first entry's reserved field.
  entry.addr =
      reinterpret_cast<std::uintptr_t>(buffers_ + static_cast<std::size_t>(buffer) * buffer_size_);
  entry.len = buffer_size_;
  entry.bid = static_cast<std::uint16_t>(buffer);
  ++tail_;
  std::atomic_ref<std::uint16_t>(entries_->tail).store(tail_, std::memory_order_release);
}

void BufferPool::grow() noexcept {
  if (!is_growth_used_) return;
  const std::uint32_t wanted =
      provided_ == 0 ? std::min(kProvidedAtFirst, count_) : std::min(provided_ * 2, count_);
  is_growth_used_ = provided_ == 0;
  added_from_ = provided_;
  while (provided_ < wanted) provide(provided_++);
}

}  // namespace picortex
