#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/event_id.h"

namespace picortex {

// The numbers of arrival count the events from 1 on, in the order in which they were stored. The
// keys of kArrivalsPerBlock of them are one row of the table `arrival`.
inline constexpr std::int64_t kArrivalsPerBlock = 128;

constexpr std::int64_t arrival_block_of(std::int64_t arrival) noexcept {
  return (arrival - 1) / kArrivalsPerBlock;
}
constexpr std::int64_t first_arrival_of(std::int64_t block) noexcept {
  return block * kArrivalsPerBlock + 1;
}

// The keys of one block, in order of arrival. Neighbours are close in time, so that a key takes two
// bytes rather than eight:
//
//   block = *entry
//   entry = varint(zigzag(ms since the entry before) << 1 | has_sequence) [varint(sequence)]
//
// Without its own, the sequence is 0 in a new millisecond and the next one in the same. The entry
// before the first has the key 0.
class ArrivalBlock {
 public:
  void append(std::int64_t key);
  void clear();

  std::size_t size() const noexcept { return size_; }
  std::string_view bytes() const noexcept { return bytes_; }

  // Appends the block's keys to `keys`. False: it is no block, or has more than it may.
  static bool decode(std::string_view bytes, std::vector<std::int64_t>& keys);

 private:
  std::string bytes_;
  std::size_t size_ = 0;
  std::int64_t last_key_ = 0;
};

}  // namespace picortex
