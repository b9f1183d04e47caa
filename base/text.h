#pragma once

#include <cstddef>
#include <string_view>

namespace picortex {

// `text` without the blanks at its ends; by default spaces and tabs (OWS of RFC 9110, section
// 5.6.3).
inline std::string_view trimmed(std::string_view text, std::string_view blanks = " \t") noexcept {
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// Returns `text`, or as much of a longer one as fits into `size_max` bytes without splitting a
// character.
inline std::string_view cut_to(std::string_view text, std::size_t size_max) noexcept {
  if (text.size() <= size_max) return text;
  while (size_max > 0 && (static_cast<unsigned char>(text[size_max]) & 0xc0) == 0x80) --size_max;
  return text.substr(0, size_max);
}

// Removes the text up to the separator, and the separator, from `text` and returns it: all of it if
// there is none.
inline std::string_view take_until(std::string_view& text, char separator) noexcept {
  const std::size_t end = text.find(separator);
  const std::string_view part = text.substr(0, end);
  text = end == text.npos ? std::string_view{} : text.substr(end + 1);
  return part;
}

}  // namespace picortex
