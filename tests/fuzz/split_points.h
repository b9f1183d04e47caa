#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace picortex::fuzz {

// Shows `stream` to `read` in ever larger parts, as an owner of a connection does, until it returns
// something else than `need_more`. `choice`, the first byte of an input, picks the split points:
// steps of 1 to 16 bytes and steps of 1 to 16 others, in turn.
template <class Status, class Read>
Status read_in_pieces(std::uint8_t choice, std::span<const std::uint8_t> stream, Status need_more,
                      Read read) {
  const std::size_t steps[] = {1u + choice % 16, 1u + choice / 16};
  std::size_t shown = 0;
  for (std::size_t turn = 0; shown < stream.size(); ++turn) {
    shown = std::min(stream.size(), shown + steps[turn % 2]);
    const Status status = read(stream.first(shown));
    if (status != need_more) return status;
  }
  return need_more;
}

}  // namespace picortex::fuzz
