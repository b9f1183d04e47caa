#include "storage/index/rollup_block.h"

#include <tuple>
#include <utility>

#include "base/varint.h"

namespace picortex {
namespace {

constexpr std::uint64_t kLevels = 6;
// Far above any real count and number, so that sums of a damaged file stay in range.
constexpr std::uint64_t kNumberMax = std::uint64_t{1} << 48;

std::uint64_t rank_of(Level level) noexcept { return static_cast<std::uint64_t>(level) / 10 - 1; }
Level level_of_rank(std::uint64_t rank) noexcept { return static_cast<Level>((rank + 1) * 10); }

auto order_of(const RollupCount& count) noexcept {
  return std::tuple(count.hour, count.level, count.type);
}

}  // namespace

bool comes_first(const RollupCount& left, const RollupCount& right) noexcept {
  return order_of(left) < order_of(right);
}

std::string encode_rollup(const std::vector<RollupCount>& counts) {
  std::string bytes;
  std::uint8_t hour = 0;
  for (const RollupCount& count : counts) {
    append_varint(bytes, std::uint64_t{count.hour} * kLevels - std::uint64_t{hour} * kLevels +
                             rank_of(count.level));
    append_varint(bytes, static_cast<std::uint64_t>(count.type));
    append_varint(bytes, static_cast<std::uint64_t>(count.count));
    hour = count.hour;
  }
  return bytes;
}

bool decode_rollup(std::string_view bytes, std::vector<RollupCount>& counts) {
  std::uint64_t hour = 0;
  while (!bytes.empty()) {
    const auto head = take_varint(bytes);
    const auto type = take_varint(bytes);
    const auto count = take_varint(bytes);
    if (!head || !type || !count || *head >= 24 * kLevels || *type > kNumberMax ||
        *count > kNumberMax || counts.size() >= kRollupCountsMax) {
      return false;
    }
    hour += *head / kLevels;
    if (hour >= 24) return false;
    counts.push_back({static_cast<std::uint8_t>(hour), level_of_rank(*head % kLevels),
                      static_cast<std::int64_t>(*type), static_cast<std::int64_t>(*count)});
  }
  return true;
}

void merge_rollup(std::vector<RollupCount>& counts, const std::vector<RollupCount>& added) {
  std::vector<RollupCount> merged;
  merged.reserve(counts.size() + added.size());
  auto old = counts.cbegin();
  const auto put = [&merged](const RollupCount& count) {
    if (!merged.empty() && order_of(merged.back()) == order_of(count)) {
      merged.back().count += count.count;
      return;
    }
    if (!merged.empty() && merged.back().count <= 0) merged.pop_back();
    merged.push_back(count);
  };
  for (const RollupCount& count : added) {
    while (old != counts.cend() && !comes_first(count, *old)) put(*old++);
    put(count);
  }
  while (old != counts.cend()) put(*old++);
  if (!merged.empty() && merged.back().count <= 0) merged.pop_back();
  counts = std::move(merged);
}

}  // namespace picortex
