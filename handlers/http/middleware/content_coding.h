#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "handlers/http/middleware/gunzip.h"

namespace picortex {

// The codings of a request body that are supported (RFC 9110, section 8.4.1; RFC 7932; RFC 8878).
enum class ContentCoding { identity, gzip, deflate, brotli, zstd };

// The value of an Accept-Encoding field that lists them.
inline constexpr std::string_view kAcceptedCodings = "gzip, deflate, br, zstd";

// Parses a Content-Encoding field; an absent one is empty and means identity. `identity` may occur
// together with another coding. Returns nothing for an unknown coding, and for more than one.
std::optional<ContentCoding> parse_content_coding(std::string_view field) noexcept;

// Replaces `out` with the decompressed form of `compressed`, and stops once that exceeds `size_max`
// bytes. Apart from `out` it takes at most the window that the coding allows: 32 KiB for gzip and
// deflate, 16 MiB for br, 8 MiB for zstd; a larger window counts as broken, and so do more than
// 10,000 frames of zstd. `coding` must not be identity.
GunzipOutcome decompress(ContentCoding coding, std::string_view compressed, std::size_t size_max,
                         std::string& out);

}  // namespace picortex
