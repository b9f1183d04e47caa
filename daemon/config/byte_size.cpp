#include "daemon/config/byte_size.h"

#include "base/parse.h"

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
  const auto number = parse_whole<std::int64_t>(text, 0, kMax >> shift);
  if (!number) return std::nullopt;
  return *number << shift;
}

}  // namespace picortex
