#include "netfilter/report/place_lists.h"

#include <algorithm>

namespace picortex {

std::list<PlaceLists::List>::iterator PlaceLists::find(const Kind& kind) {
  return std::ranges::find_if(lists_, [&kind](const List& list) { return list.kind == kind; });
}

bool PlaceLists::has(const List& list, std::string_view place) {
  return std::ranges::any_of(list.places,
                             [place](const Place& known) { return known.text == place; });
}

void PlaceLists::count(List& list, std::string_view place) {
  ++list.attempts;
  for (Place& known : list.places) {
    if (known.text != place) continue;
    ++known.attempts;
    return;
  }
  list.places.push_back({std::string(place), 1});
  list.text_size += place.size() + 3;  // as a JSON string
}

}  // namespace picortex
