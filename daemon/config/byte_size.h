#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace picortex {

// Parses "500M": a whole number of bytes, or one followed by K, M, G or T for multiples of 1024,
// 1024² and so on. Returns nothing for anything else, and for more than 2^62.
std::optional<std::int64_t> parse_byte_size(std::string_view text) noexcept;

}  // namespace picortex
