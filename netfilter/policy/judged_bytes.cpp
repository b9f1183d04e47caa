#include "netfilter/policy/judged_bytes.h"

#include <algorithm>

namespace picortex {
namespace {

// RFC 9293, section 3.4: sequence numbers compare by their difference modulo 2^32.
std::int32_t distance(std::uint32_t from, std::uint32_t to) noexcept {
  return static_cast<std::int32_t>(to - from);
}

}  // namespace

void JudgedBytes::keep(std::uint32_t sequence, std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return;
  std::size_t dropped = 0, dropped_size = 0;
  while (dropped < pieces_.size() &&
         bytes_.size() - dropped_size - pieces_[dropped].size + bytes.size() >= kKeptSize) {
    known_from_ = pieces_[dropped].sequence + pieces_[dropped].size;
    dropped_size += pieces_[dropped++].size;
  }
  pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(dropped));
  bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(dropped_size));
  const bool continues = !pieces_.empty() &&
                         pieces_.back().sequence + pieces_.back().size == sequence &&
                         pieces_.back().size + bytes.size() <= kKeptSize;
  if (continues) {
    pieces_.back().size += static_cast<std::uint32_t>(bytes.size());
  } else {
    pieces_.push_back({sequence, static_cast<std::uint32_t>(bytes.size())});
  }
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

void JudgedBytes::advance_to(std::uint32_t sequence) noexcept {
  constexpr std::int32_t kFar = 1 << 30;
  if (distance(known_from_, sequence) < kFar) return;
  known_from_ = sequence - kFar / 2;
  const bool all_are_far =
      pieces_.empty() || distance(pieces_.back().sequence + pieces_.back().size, known_from_) >= 0;
  if (!all_are_far) known_from_ = pieces_.back().sequence + pieces_.back().size;
  pieces_.clear();
  bytes_.clear();
}

JudgedBytes::Match JudgedBytes::compare(std::uint32_t sequence,
                                        std::span<const std::uint8_t> bytes) const noexcept {
  if (bytes.empty()) return Match::same;
  if (distance(known_from_, sequence) < 0) return Match::unknown;
  std::span<const std::uint8_t> kept = bytes_;
  for (const Piece& piece : pieces_) {
    const auto known = kept.first(piece.size);
    kept = kept.subspan(piece.size);
    // Where the piece begins, relative to the range.
    const std::int32_t at = distance(sequence, piece.sequence);
    const auto from = static_cast<std::size_t>(std::max(at, 0));
    const auto skipped = static_cast<std::size_t>(std::max(-std::int64_t{at}, std::int64_t{0}));
    if (from >= bytes.size() || skipped >= known.size()) continue;
    const std::size_t size = std::min(bytes.size() - from, known.size() - skipped);
    if (!std::ranges::equal(bytes.subspan(from, size), known.subspan(skipped, size))) {
      return Match::differs;
    }
  }
  return Match::same;
}

}  // namespace picortex
