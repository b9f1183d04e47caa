#include "storage/index/arrival_block.h"

#include "base/time/timestamp.h"
#include "base/varint.h"

namespace picortex {
namespace {

std::int64_t sequence_of(std::int64_t key) noexcept { return key - first_key_of(time_of(key)); }

// What follows a key unless the entry says otherwise.
std::int64_t expected_sequence(std::int64_t last_key, std::int64_t time_ms) noexcept {
  return time_of(last_key) == time_ms ? sequence_of(last_key) + 1 : 0;
}

}  // namespace

void ArrivalBlock::append(std::int64_t key) {
  const std::int64_t time_ms = time_of(key);
  const std::int64_t sequence = sequence_of(key);
  const bool has_sequence = sequence != expected_sequence(last_key_, time_ms);
  append_varint(bytes_, zigzag(time_ms - time_of(last_key_)) << 1 | (has_sequence ? 1 : 0));
  if (has_sequence) append_varint(bytes_, static_cast<std::uint64_t>(sequence));
  last_key_ = key;
  ++size_;
}

void ArrivalBlock::clear() {
  bytes_.clear();
  size_ = 0;
  last_key_ = 0;
}

bool ArrivalBlock::decode(std::string_view bytes, std::vector<std::int64_t>& keys) {
  std::int64_t last_key = 0;
  for (std::int64_t left = kArrivalsPerBlock; !bytes.empty(); --left) {
    const auto head = take_varint(bytes);
    if (!head || left == 0) return false;
    const std::int64_t step_ms = unzigzag(*head >> 1);
    if (step_ms < -kLatestUnixMs || step_ms > kLatestUnixMs) return false;
    const std::int64_t time_ms = time_of(last_key) + step_ms;
    if (time_ms < 0 || time_ms > kLatestUnixMs) return false;
    std::int64_t sequence = expected_sequence(last_key, time_ms);
    if ((*head & 1) != 0) {
      const auto own = take_varint(bytes);
      if (!own || *own >> kSequenceBits != 0) return false;
      sequence = static_cast<std::int64_t>(*own);
    }
    last_key = first_key_of(time_ms) + sequence;
    keys.push_back(last_key);
  }
  return true;
}

}  // namespace picortex
