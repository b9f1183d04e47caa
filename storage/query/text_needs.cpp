#include "storage/query/text_needs.h"

#include <algorithm>
#include <utility>

namespace picortex {

void TextNeeds::add_group(const std::vector<std::string>& texts) {
  std::vector<GramPlaces> group;
  for (const std::string& text : texts) {
    GramPlaces places(text);
    if (places.is_empty()) return;
    group.push_back(std::move(places));
  }
  if (!group.empty()) groups_.push_back(std::move(group));
}

bool TextNeeds::may_be_in(std::string_view filter) const noexcept {
  return std::ranges::all_of(groups_, [filter](const std::vector<GramPlaces>& group) {
    return std::ranges::any_of(
        group, [filter](const GramPlaces& places) { return places.are_in(filter); });
  });
}

}  // namespace picortex
