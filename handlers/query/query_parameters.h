#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "storage/query/query.h"
#include "storage/query/stats/stats_query.h"

namespace picortex {

// The pairs of a query string (application/x-www-form-urlencoded, as URLSearchParams writes it):
// '&' between pairs, '+' for a space, %XX for any byte. A pair without '=' has an empty value.
//
// Rejects a broken escape, a name given twice other than `where`, and more than 32 pairs. Its size
// is that of a request's head at the most; what it decodes to may be any bytes.
using FormPairs = std::vector<std::pair<std::string, std::string>>;
Result<FormPairs> parse_form(std::string_view query);

// For an endpoint without parameters: the error names the first one.
Result<void> reject_parameters(std::string_view query);

// Returns whether a filter may use that text: a type, or a prefix with a * at its end.
bool is_type_filter(std::string_view text) noexcept;

// Reads ISO 8601 with a zone, or Unix milliseconds. kTimeParameter says what is wrong with anything
// else.
std::optional<std::int64_t> parse_time_parameter(std::string_view text) noexcept;
inline constexpr std::string_view kTimeParameter =
    "is neither ISO 8601 with a zone (2026-11-17T14:00:00Z; + as %2B) nor Unix milliseconds";
// Reads digits only.
std::optional<std::size_t> parse_number_parameter(std::string_view text) noexcept;

// The parameters of GET /api/events.
struct EventsRequest {
  EventFilter filter;
  std::size_t limit = 100;
  std::optional<std::int64_t> after;  // the cursor's key
};

// The parameters of GET /api/events/stream.
struct StreamRequest {
  EventFilter filter;
  std::string last_event_id;  // empty: none
};

inline constexpr std::size_t kEventsLimitMax = 1000;

// What the endpoints that count may be asked.
struct StatsRequest {
  EventFilter filter;
  std::vector<StatsDimension> by = {};
  std::vector<StatsAggregate> aggregates = {};
  std::int64_t zone_ms = 0;  // what a day's zone is ahead of UTC
  std::int64_t step_ms = 0;  // of a histogram; 0: as the time suggests
  std::size_t limit = 1000;  // groups
};

// Reads chat_id, request_id, event_type, level, since, until, text, where, limit and cursor; an
// empty value counts as absent, and `where` may be given more than once. An error names the
// parameter and what is allowed.
Result<EventsRequest> parse_events_request(std::string_view query);

// Does the same for a stream, which has no result pages: limit and cursor are unknown to it.
// lastEventId replaces the header Last-Event-ID for clients that cannot set one.
Result<StreamRequest> parse_stream_request(std::string_view query);

// The filters, and of `by`, `sum`, `max`, `p50`, `p95`, `zone`, `step` and `limit` those in
// `others`.
Result<StatsRequest> parse_stats_request(std::string_view query,
                                         std::initializer_list<std::string_view> others);

}  // namespace picortex
