#include "base/uuid/uuid.h"

#include <uuid/uuid.h>

namespace picortex {

std::optional<Uuid> parse_uuid(std::string_view text) noexcept {
  Uuid uuid;
  if (text.size() != Uuid::kTextSize) return std::nullopt;
  if (uuid_parse_range(text.data(), text.data() + text.size(), uuid.bytes.data()) != 0) {
    return std::nullopt;
  }
  return uuid;
}

void format_uuid(const Uuid& uuid, char* out) noexcept {
  // Formatted by hand, since libuuid uses sprintf and this runs for every response.
  static constexpr char kHex[] = "0123456789abcdef";
  for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *out++ = '-';
    *out++ = kHex[uuid.bytes[i] >> 4];
    *out++ = kHex[uuid.bytes[i] & 15];
  }
}

std::string to_string(const Uuid& uuid) {
  std::string text(Uuid::kTextSize, '\0');
  format_uuid(uuid, text.data());
  return text;
}

}  // namespace picortex
