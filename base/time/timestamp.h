#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace picortex {

// Times of day are Unix milliseconds (UTC, no leap seconds) in an int64.

// The latest time that is accepted or stored: 2199-12-31T23:59:59.999Z.
inline constexpr std::int64_t kLatestUnixMs = 7'258'118'399'999;

// Size of "2026-11-17T14:00:00.000Z".
inline constexpr std::size_t kIsoTimeSize = 24;

// Writes ISO 8601 (RFC 3339) in UTC with milliseconds and Z: 24 characters, no terminator.
// `unix_ms` must be 0 to kLatestUnixMs.
void format_iso_time(std::int64_t unix_ms, char* out) noexcept;

std::string iso_time(std::int64_t unix_ms);

// Parses RFC 3339 and the other complete forms of ISO 8601: date, 'T' or a space, time to the
// minute at least, any fraction (cut to milliseconds), then 'Z' or an offset such as +01:00, +0100
// or +01, which a space may precede. Date and time may each be basic (20261117T140000Z). Returns
// nothing if it is malformed, names a day that does not exist, or is outside 1970 to kLatestUnixMs.
std::optional<std::int64_t> parse_iso_time(std::string_view text) noexcept;

}  // namespace picortex
