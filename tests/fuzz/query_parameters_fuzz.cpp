// Query strings: accepted input is within its limits, and a rejection says why.
#include "base/check.h"
#include "base/time/timestamp.h"
#include "handlers/query/query_parameters.h"
#include "storage/event.h"

using namespace picortex;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view query(reinterpret_cast<const char*>(data), size);
  if (const auto pairs = parse_form(query)) {
    CHECK(pairs->size() <= 32);
    std::size_t total = 0;
    for (const auto& [name, value] : *pairs) total += name.size() + value.size();
    CHECK(total <= size);
  }
  const auto request = parse_events_request(query);
  CHECK(request.has_value() || !request.error().what.empty());
  // A stream knows one parameter that pages do not.
  const auto stream = parse_stream_request(query);
  CHECK(!stream || request || query.find("lastEventId") != query.npos ||
        query.find('%') != query.npos);
  if (!request) return 0;
  CHECK(request->limit >= 1 && request->limit <= kEventsLimitMax);
  CHECK(!request->after || *request->after >= 0);
  const EventFilter& filter = request->filter;
  CHECK(filter.chat_id.size() <= kChatIdSizeMax && filter.event_type.size() <= kEventTypeSizeMax);
  CHECK(filter.since_ms >= 0 && filter.since_ms <= kLatestUnixMs);
  CHECK(filter.until_ms >= 0 && filter.until_ms <= kLatestUnixMs + 1);
  return 0;
}
