#include "storage/sqlite/wal_write_coalescer.h"

#include <algorithm>

namespace picortex {
namespace {

constexpr std::size_t kHeaderSize = 24;
// Where a frame's header has the database's size in pages, which is zero except in a commit's last
// frame.
constexpr std::size_t kCommitAt = 4;
constexpr std::size_t kCommitSize = 4;

}  // namespace

void WalWriteCoalescer::reset() noexcept {
  clear();
  written_to_ = 0;
}

void WalWriteCoalescer::clear() noexcept {
  bytes_.clear();
  awaits_page_ = is_due_ = false;
}

bool WalWriteCoalescer::take(const void* bytes, std::size_t size, std::int64_t offset) {
  const auto* const begin = static_cast<const std::uint8_t*>(bytes);
  const bool is_new = offset >= written_to_;
  written_to_ = std::max(written_to_, offset + static_cast<std::int64_t>(size));
  if (!is_new || (!bytes_.empty() && offset != end())) return false;
  if (awaits_page_) return take_page(begin, size);
  return size == kHeaderSize && take_header(begin, offset);
}

bool WalWriteCoalescer::take_header(const std::uint8_t* header, std::int64_t offset) {
  if (bytes_.empty()) {
    bytes_.reserve(kSizeMax);
    offset_ = offset;
  }
  bytes_.insert(bytes_.end(), header, header + kHeaderSize);
  awaits_page_ = true;
  is_commit_ = std::any_of(header + kCommitAt, header + kCommitAt + kCommitSize,
                           [](std::uint8_t byte) { return byte != 0; });
  return true;
}

bool WalWriteCoalescer::take_page(const std::uint8_t* page, std::size_t size) {
  if (bytes_.size() + size > kSizeMax) return false;
  bytes_.insert(bytes_.end(), page, page + size);
  awaits_page_ = false;
  const std::size_t frame_size = kHeaderSize + size;
  is_due_ = is_commit_ || bytes_.size() + frame_size > kSizeMax;
  return true;
}

}  // namespace picortex
