#pragma once

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
  TextFilter text_;
};

}  // namespace picortex
