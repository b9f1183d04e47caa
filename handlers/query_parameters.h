#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "storage/query.h"

namespace picortex {

// The pairs of a query string (application/x-www-form-urlencoded, as URLSearchParams writes it):
// '&' between pairs, '+' for a space, %XX for any byte. A pair without '=' has an empty value.
//
// Refused: a broken escape, a name given twice, more than 32 pairs. Its size is that of a request's
// head at the most; what it decodes to may be any bytes.
using FormPairs = std::vector<std::pair<std::string, std::string>>;
Result<FormPairs> parse_form(std::string_view query);

// What GET /api/events may be asked.
struct EventsRequest {
  EventFilter filter;
  std::size_t limit = 100;
  std::optional<std::int64_t> after;  // the cursor's key
};

inline constexpr std::size_t kEventsLimitMax = 1000;

// Reads chat_id, request_id, event_type, level, since, until, text, limit and cursor; an empty
// value counts as absent. An error names the parameter and what is allowed.
Result<EventsRequest> parse_events_request(std::string_view query);

// The same for a stream, which has no pages: limit and cursor are unknown to it.
Result<EventFilter> parse_stream_request(std::string_view query);

}  // namespace picortex
