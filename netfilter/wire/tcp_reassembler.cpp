#include "netfilter/wire/tcp_reassembler.h"

#include <algorithm>

#include "base/check.h"

namespace picortex {

TcpReassembler::Added TcpReassembler::add(std::uint32_t sequence,
                                          std::span<const std::uint8_t> bytes) {
  // RFC 9293, section 3.4: sequence numbers compare by their difference modulo 2^32.
  const auto offset = static_cast<std::int32_t>(sequence - base_);
  if (offset < 0) {
    const std::size_t before = 0u - static_cast<std::uint32_t>(offset);
    if (before >= bytes.size()) return Added::ok;
    bytes = bytes.subspan(before);
  }
  if (bytes.empty()) return Added::ok;
  const auto begin = static_cast<std::size_t>(std::max(offset, 0));
  if (begin >= kStreamSizeMax || bytes.size() > kStreamSizeMax - begin) return Added::too_long;
  Range added{begin, begin + bytes.size()};

  // Ranges that touch are merged with the new one.
  const auto first = std::find_if(ranges_.begin(), ranges_.end(),
                                  [&](const Range& range) { return range.end >= added.begin; });
  auto last = first;
  for (; last != ranges_.end() && last->begin <= added.end; ++last) {
    const std::size_t from = std::max(last->begin, begin);
    const std::size_t to = std::min(last->end, begin + bytes.size());
    if (from < to &&
        !std::equal(bytes_.begin() + from, bytes_.begin() + to, bytes.begin() + (from - begin))) {
      return Added::conflict;
    }
    added.begin = std::min(added.begin, last->begin);
    added.end = std::max(added.end, last->end);
  }
  if (first == last && ranges_.size() > kGapsMax) return Added::too_many_gaps;

  bytes_.resize(std::max(bytes_.size(), added.end));
  std::copy(bytes.begin(), bytes.end(), bytes_.begin() + begin);
  if (first == last) {
    ranges_.insert(first, added);
  } else {
    *first = added;
    ranges_.erase(first + 1, last);
  }
  return Added::ok;
}

void TcpReassembler::consume(std::size_t size) noexcept {
  if (size == 0) return;
  CHECK(size <= contiguous_size());
  base_ += static_cast<std::uint32_t>(size);
  bytes_.erase(bytes_.begin(), bytes_.begin() + size);
  for (Range& range : ranges_) {
    range.begin -= std::min(range.begin, size);
    range.end -= size;
  }
  if (ranges_.front().end == 0) ranges_.erase(ranges_.begin());
  // An HTTP connection may live long without holding anything: release the memory.
  if (ranges_.empty()) bytes_.shrink_to_fit();
}

void TcpReassembler::skip(std::uint32_t size) noexcept {
  CHECK(empty());
  base_ += size;
}

}  // namespace picortex
