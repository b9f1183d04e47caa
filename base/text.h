#pragma once

#include <cstddef>
#include <string_view>

namespace picortex {

// `text` without the spaces and tabs at its ends (OWS of RFC 9110, section 5.6.3).
inline std::string_view trimmed(std::string_view text) noexcept {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// `text`, or of a longer one as much as fits into `size_max` bytes without half a character.
inline std::string_view cut_to(std::string_view text, std::size_t size_max) noexcept {
  if (text.size() <= size_max) return text;
  while (size_max > 0 && (static_cast<unsigned char>(text[size_max]) & 0xc0) == 0x80) --size_max;
  return text.substr(0, size_max);
}

}  // namespace picortex
