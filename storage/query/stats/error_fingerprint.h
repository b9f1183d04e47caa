#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace picortex {

inline constexpr std::size_t kErrorIdSize = 16;

// The group that an error belongs to. Errors that are alike are in one group: of one type, with one
// fingerprint if the data has one, as Sentry's have; else with one error type, one innermost call of
// its stack, and one message except for numbers. Every process and host gets the same number.
//
// Reads `data`, a JSON object or empty, up to seven times.
std::uint64_t error_group_of(std::string_view event_type, std::string_view msg,
                             std::string_view data);

// The group as people see it: kErrorIdSize hexadecimal digits.
std::string error_group_id(std::uint64_t group);
// Returns nothing if the text is not of that form.
std::optional<std::uint64_t> parse_error_group_id(std::string_view text) noexcept;

}  // namespace picortex
