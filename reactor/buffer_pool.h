#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "reactor/operation.h"

struct io_uring_buf_ring;

namespace picortex {

class Ring;

// A provided-buffer ring (io_uring_register(2), IORING_REGISTER_PBUF_RING): equal buffers in one
// mapping, which the kernel fills in turn. One for each consumer, so that a flood on one cannot
// starve the other.
//
// The kernel takes buffers first in, first out, so it would use all of them even if few are needed
// at a time. Therefore it gets a few at first and more only when it has run out: the memory that is
// touched, and so cached, follows the load.
class BufferPool {
 public:
  // `count`: a power of two, at most 32768. Registers with `ring`, which gives it the number of its
  // buffer group and must outlive the pool.
  static Result<BufferPool> create(Ring& ring, std::uint32_t count, std::uint32_t buffer_size);

  BufferPool(BufferPool&& other) noexcept;
  BufferPool& operator=(BufferPool&&) = delete;
  ~BufferPool();

  std::uint16_t group() const noexcept { return group_; }
  std::uint32_t count() const noexcept { return count_; }
  std::uint32_t buffer_size() const noexcept { return buffer_size_; }
  // How many buffers the kernel has been given so far.
  std::uint32_t count_in_use() const noexcept { return provided_; }

  std::span<char> bytes(std::int32_t buffer, std::int32_t size) const noexcept {
    return {buffers_ + static_cast<std::size_t>(buffer) * buffer_size_,
            static_cast<std::size_t>(size)};
  }

  // Returns a buffer to the kernel.
  void recycle(std::int32_t buffer) noexcept;

  // Call it on ENOBUFS: doubles the buffers in use, up to all of them. Many operations may report
  // one shortage: further calls do nothing until one of the added buffers has been used.
  void grow() noexcept;

 private:
  BufferPool(std::uint32_t count, std::uint32_t buffer_size, void* mapping,
             std::size_t mapping_size) noexcept;

  void provide(std::uint32_t buffer) noexcept;

  Ring* ring_ = nullptr;  // that it is registered with
  std::uint16_t group_ = 0;
  std::uint16_t tail_ = 0;
  std::uint32_t count_;
  std::uint32_t buffer_size_;
  std::uint32_t provided_ = 0;
  std::uint32_t added_from_ = 0;  // the first of those that the last growth added
  bool is_growth_used_ = true;
  io_uring_buf_ring* entries_;
  char* buffers_;
  void* mapping_;
  std::size_t mapping_size_;
};

// The received bytes of one completion. Returns the buffer when it is destroyed; must not outlive
// the handler.
class BufferLease {
 public:
  BufferLease(BufferPool& pool, const Completion& completion) noexcept
      : pool_(pool), buffer_(completion.buffer), size_(completion.result) {}
  BufferLease(const BufferLease&) = delete;
  BufferLease& operator=(const BufferLease&) = delete;
  ~BufferLease() {
    if (buffer_ != Completion::kNoBuffer) pool_.recycle(buffer_);
  }

  std::span<char> bytes() const noexcept {
    if (buffer_ == Completion::kNoBuffer || size_ <= 0) return {};
    return pool_.bytes(buffer_, size_);
  }

 private:
  BufferPool& pool_;
  std::int32_t buffer_;
  std::int32_t size_;
};

}  // namespace picortex
