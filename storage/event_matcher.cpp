#include "storage/event_matcher.h"

#include <algorithm>
#include <utility>

#include "base/json_text.h"

namespace picortex {
namespace {

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) { return lower(c); });
  return text;
}

// `needle` is in lower case, and not empty.
bool contains(std::string_view text, std::string_view needle) noexcept {
  return !std::ranges::search(text, needle, {}, [](char c) { return lower(c); }).empty();
}

}  // namespace

EventMatcher::EventMatcher(EventFilter filter)
    : filter_(std::move(filter)), text_in_msg_(lower(filter_.text)) {
  append_json_escaped(text_in_data_, filter_.text);
  text_in_data_ = lower(std::move(text_in_data_));
}

bool EventMatcher::matches(const EventRow& row) const noexcept {
  if (row.level < filter_.level) return false;
  if (row.time_ms < filter_.since_ms || row.time_ms >= filter_.until_ms) return false;
  if (!filter_.chat_id.empty() && row.chat_id != filter_.chat_id) return false;
  if (filter_.request_id && row.request_id != *filter_.request_id) return false;
  if (!has_type(row.event_type)) return false;
  return filter_.text.empty() || contains(row.msg, text_in_msg_) ||
         contains(row.data, text_in_data_);
}

bool EventMatcher::has_type(std::string_view event_type) const noexcept {
  std::string_view wanted = filter_.event_type;
  if (wanted.empty()) return true;
  if (!wanted.ends_with('*')) return event_type == wanted;
  wanted.remove_suffix(1);
  return event_type.starts_with(wanted);
}

}  // namespace picortex
