#include "daemon/config/byte_size.h"

#include <charconv>

namespace picortex {

std::optional<std::int64_t> parse_byte_size(std::string_view text) noexcept {
  constexpr std::string_view kUnits = "KMGT";
  constexpr std::int64_t kMax = std::int64_t{1} << 62;
  int shift = 0;
  if (!text.empty()) {
    const std::size_t unit = kUnits.find(text.back());
    if (unit != std::string_view::npos) {
      shift = 10 * (static_cast<int>(unit) + 1);
      text.remove_suffix(1);
    }
  }
  std::int64_t number = 0;
  const char* const text_end = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), text_end, number);
  if (error != std::errc{} || end != text_end || number < 0 || number > kMax >> shift) {
    return std::nullopt;
  }
  return number << shift;
}

}  // namespace picortex
