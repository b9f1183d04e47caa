#pragma once

#include <string_view>
#include <vector>

#include "storage/query/query.h"

namespace picortex {

// Returns whether a type equals `wanted`, or begins with the part of it before a final '*'.
bool type_fits(std::string_view wanted, std::string_view event_type) noexcept;

// The same of a chat; what is in no chat fits none.
bool chat_fits(std::string_view wanted, std::string_view chat_id) noexcept;

bool fits_all(const std::vector<FieldCondition>& conditions, const EventRow& row);

// Says of one event at a time whether it satisfies a filter, as EventQuery does of those stored.
class EventMatcher {
 public:
  explicit EventMatcher(EventFilter filter);

  bool matches(const EventRow& row) const;
  const EventFilter& filter() const noexcept { return filter_; }

 private:
  EventFilter filter_;
  TextFilter text_;
};

}  // namespace picortex
