#pragma once

#include <string>
#include <string_view>

#include "storage/query.h"

namespace picortex {

// Says of one event at a time whether it satisfies a filter, as EventQuery does of those stored.
class EventMatcher {
 public:
  explicit EventMatcher(EventFilter filter);

  bool matches(const EventRow& row) const noexcept;
  const EventFilter& filter() const noexcept { return filter_; }

 private:
  bool has_type(std::string_view event_type) const noexcept;

  EventFilter filter_;
  std::string text_in_msg_;   // lower case
  std::string text_in_data_;  // the same as JSON would have it
};

}  // namespace picortex
