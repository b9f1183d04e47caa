#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "storage/index/gram_filter.h"

namespace picortex {

// The texts that an event must have, somewhere in its message or its data, to be looked at at all:
// of each group at least one.
class TextNeeds {
 public:
  // Texts in lower case, escaped as the data has them. One that is too short may be anywhere, and
  // so the group says nothing.
  void add_group(const std::vector<std::string>& texts);

  bool is_empty() const noexcept { return groups_.empty(); }
  // Whether rows with that filter may have them.
  bool may_be_in(std::string_view filter) const noexcept;

 private:
  std::vector<std::vector<GramPlaces>> groups_;
};

}  // namespace picortex
