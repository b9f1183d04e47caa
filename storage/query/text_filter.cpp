#include "storage/query/text_filter.h"

#include <algorithm>
#include <cstring>

#include "base/ascii.h"
#include "base/json/json_text.h"

namespace picortex {

// Goes from one place to the next that has the needle's first byte, in either case, by memchr(3),
// which looks at many bytes at a time: most texts have none of it.
bool contains_lower(std::string_view text, std::string_view needle) noexcept {
  if (needle.empty()) return true;
  const char first = needle.front();
  const bool is_letter = first >= 'a' && first <= 'z';
  const char upper = is_letter ? static_cast<char>(first - 'a' + 'A') : first;
  if (text.size() < needle.size()) return false;
  const std::size_t places = text.size() - needle.size() + 1;
  const auto next = [&text, places](char c, std::size_t from) {
    if (from >= places) return places;
    const void* const found = std::memchr(text.data() + from, c, places - from);
    return found == nullptr
               ? places
               : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
  };
  std::size_t in_lower = next(first, 0);
  std::size_t in_upper = is_letter ? next(upper, 0) : places;
  while (in_lower < places || in_upper < places) {
    const std::size_t place = std::min(in_lower, in_upper);
    const auto fits = [&](std::size_t i) { return lower(text[place + i]) == needle[i]; };
    std::size_t i = 1;
    while (i < needle.size() && fits(i)) ++i;
    if (i == needle.size()) return true;
    if (place == in_lower) {
      in_lower = next(first, place + 1);
    } else {
      in_upper = next(upper, place + 1);
    }
  }
  return false;
}

TextFilter::TextFilter(std::string_view text) : in_msg_(lowered(text)) {
  append_json_escaped(in_data_, text);
  in_data_ = lowered(in_data_);
}

bool TextFilter::fits(std::string_view msg, std::string_view data) const noexcept {
  return in_msg_.empty() || contains_lower(msg, in_msg_) || contains_lower(data, in_data_);
}

}  // namespace picortex
