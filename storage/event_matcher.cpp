#include "storage/event_matcher.h"

#include <utility>

namespace picortex {

bool type_fits(std::string_view wanted, std::string_view event_type) noexcept {
  if (!wanted.ends_with('*')) return event_type == wanted;
  wanted.remove_suffix(1);
  return event_type.starts_with(wanted);
}

EventMatcher::EventMatcher(EventFilter filter) : filter_(std::move(filter)), text_(filter_.text) {}

bool EventMatcher::matches(const EventRow& row) const noexcept {
  if (row.level < filter_.level) return false;
  if (row.time_ms < filter_.since_ms || row.time_ms >= filter_.until_ms) return false;
  if (!filter_.chat_id.empty() && row.chat_id != filter_.chat_id) return false;
  if (filter_.request_id && row.request_id != *filter_.request_id) return false;
  if (!filter_.event_type.empty() && !type_fits(filter_.event_type, row.event_type)) return false;
  return text_.fits(row.msg, row.data);
}

}  // namespace picortex
