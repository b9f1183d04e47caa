#include "storage/index/run_ranges.h"

#include <algorithm>
#include <vector>

#include "base/parse.h"

namespace picortex {
namespace {

struct Range {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};

// What add_to_ranges() has written; the database may say anything else.
std::vector<Range> parse_ranges(std::string_view text) {
  std::vector<Range> ranges;
  while (!text.empty() && ranges.size() < kRunRangesMax) {
    const auto first = take_whole<std::uint32_t>(text);
    if (!first || !text.starts_with('-')) break;
    text.remove_prefix(1);
    const auto last = take_whole<std::uint32_t>(text);
    if (!last || *last < *first) break;
    if (!ranges.empty() && *first <= ranges.back().last) break;
    ranges.push_back({*first, *last});
    if (text.starts_with(',')) text.remove_prefix(1);
  }
  return ranges;
}

}  // namespace

bool add_to_ranges(std::string& text, std::uint32_t number) {
  std::vector<Range> ranges = parse_ranges(text);
  auto next = std::ranges::find_if(ranges, [number](const Range& range) {
    return number <= range.last || range.last + 1 == number;
  });
  if (next != ranges.end() && number >= next->first && number <= next->last) return true;
  if (next != ranges.end() && next->last < number) {
    next->last = number;
    const auto after = next + 1;
    if (after != ranges.end() && after->first == number + 1) {
      next->last = after->last;
      ranges.erase(after);
    }
  } else if (next != ranges.end() && next->first == number + 1) {
    next->first = number;
  } else {
    if (ranges.size() == kRunRangesMax) return false;
    ranges.insert(next, {number, number});
  }
  text.clear();
  for (const Range& range : ranges) {
    if (!text.empty()) text += ',';
    text += std::to_string(range.first) + '-' + std::to_string(range.last);
  }
  return true;
}

std::int64_t missing_in_ranges(std::string_view text, bool from_zero) {
  const std::vector<Range> ranges = parse_ranges(text);
  if (ranges.empty()) return 0;
  std::int64_t missing = from_zero ? ranges.front().first : 0;
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    missing += std::int64_t{ranges[i].first} - ranges[i - 1].last - 1;
  }
  return missing;
}

}  // namespace picortex
