#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace picortex {

// A reader's position in the stream: the id of a server-sent event, as "RUN-NUMBER-MARK". The number
// is exact in the order of arrival that the run names, which is one database's, also after a restart
// (storage/index/arrival_log.h); with another database the mark, a high watermark, counts
// (EventFeed). After an event that was found by its time only the mark is set: run and number are 0.
struct StreamPosition {
  std::uint64_t run = 0;
  std::uint64_t number = 0;  // of the last event that the reader has received
  std::int64_t mark = 0;     // a key

  bool operator==(const StreamPosition&) const = default;
};

void append_stream_position(std::string& out, const StreamPosition& position);

// Returns nothing for anything that is not in this form.
std::optional<StreamPosition> parse_stream_position(std::string_view text) noexcept;

}  // namespace picortex
