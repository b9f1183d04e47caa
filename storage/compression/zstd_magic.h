#pragma once

#include <string_view>

namespace picortex {

// What each frame of zstd begins with (RFC 8878, section 3.1.1).
inline constexpr std::string_view kZstdMagic = "\x28\xb5\x2f\xfd";

}  // namespace picortex
