#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace picortex {

// Where a reader of the stream is: the id of a server-sent event, as "RUN-NUMBER-MARK". In the run
// of the daemon that it names the number says it exactly; in another run the mark does (EventFeed).
// Behind an event that came from the database there is the mark alone: run and number are 0.
struct StreamPosition {
  std::uint64_t run = 0;
  std::uint64_t number = 0;  // of the last event that the reader has seen
  std::int64_t mark = 0;     // a key

  bool operator==(const StreamPosition&) const = default;
};

void append_stream_position(std::string& out, const StreamPosition& position);

// None for anything that the above does not write.
std::optional<StreamPosition> parse_stream_position(std::string_view text) noexcept;

}  // namespace picortex
