#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace picortex {

// "500M": a whole number of bytes, or with K, M, G or T behind it of 1024, 1024² and so on. None
// when it is something else, or above 2^62.
std::optional<std::int64_t> parse_byte_size(std::string_view text) noexcept;

}  // namespace picortex
