#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace picortex {

// A UUID (RFC 9562) as its 16 bytes, in network order: comparing bytes compares UUIDs.
struct Uuid {
  static constexpr std::size_t kTextSize = 36;

  std::array<std::uint8_t, 16> bytes{};

  auto operator<=>(const Uuid&) const = default;
  bool is_nil() const noexcept { return *this == Uuid{}; }
};

// Parses the 36-character form in either case; returns nothing for anything else.
std::optional<Uuid> parse_uuid(std::string_view text) noexcept;

// Writes the 36 lower-case characters, without a terminator.
void format_uuid(const Uuid& uuid, char* out) noexcept;

std::string to_string(const Uuid& uuid);

}  // namespace picortex
