#include "storage/query/event_matcher.h"

#include <algorithm>
#include <utility>

namespace picortex {

bool type_fits(std::string_view wanted, std::string_view event_type) noexcept {
  if (!wanted.ends_with('*')) return event_type == wanted;
  wanted.remove_suffix(1);
  return event_type.starts_with(wanted);
}

bool chat_fits(std::string_view wanted, std::string_view chat_id) noexcept {
  return !chat_id.empty() && type_fits(wanted, chat_id);
}

bool fits_all(const std::vector<FieldCondition>& conditions, const EventRow& row) {
  return std::ranges::all_of(
      conditions, [&row](const FieldCondition& condition) { return condition.fits(row); });
}

EventMatcher::EventMatcher(EventFilter filter) : filter_(std::move(filter)), text_(filter_.text) {}

bool EventMatcher::matches(const EventRow& row) const {
  if (row.level < filter_.level) return false;
  if (row.time_ms < filter_.since_ms || row.time_ms >= filter_.until_ms) return false;
  if (!filter_.chat_id.empty() && !chat_fits(filter_.chat_id, row.chat_id)) return false;
  if (filter_.request_id && row.request_id != *filter_.request_id) return false;
  if (!filter_.event_type.empty() && !type_fits(filter_.event_type, row.event_type)) return false;
  return text_.fits(row.msg, row.data) && fits_all(filter_.where, row);
}

}  // namespace picortex
