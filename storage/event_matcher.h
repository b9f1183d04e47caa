#pragma once

#include <string_view>

#include "storage/query.h"

namespace picortex {

// Whether a type is the one that is wanted, or begins as it does before a final '*'.
bool type_fits(std::string_view wanted, std::string_view event_type) noexcept;

// Says of one event at a time whether it satisfies a filter, as EventQuery does of those stored.
class EventMatcher {
 public:
  explicit EventMatcher(EventFilter filter);

  bool matches(const EventRow& row) const noexcept;
  const EventFilter& filter() const noexcept { return filter_; }

 private:
  EventFilter filter_;
  TextFilter text_;
};

}  // namespace picortex
