#pragma once

#include <cstdint>

namespace picortex {

// What a ClientHello is recognized by: RFC 8446, sections 4 and 5.1; RFC 6066, section 3.
inline constexpr std::uint8_t kTlsMajorVersion = 3;  // of SSL 3.0 and every TLS
inline constexpr std::uint8_t kTlsClientHello = 1;
inline constexpr std::uint16_t kTlsExtensionServerName = 0;

}  // namespace picortex
