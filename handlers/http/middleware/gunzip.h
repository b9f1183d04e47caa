#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace picortex {

// Compressed input and its decompressed form must both be smaller than this.
inline constexpr std::size_t kGzipSizeMax = std::size_t{1} << 30;

// The result of decompressing any coding.
enum class GunzipOutcome {
  whole,      // `out` holds all of it
  too_large,  // it would exceed `size_max` bytes
  broken,     // not of this coding, damaged, truncated, or followed by other bytes
};

// Decompresses a series of gzip members (RFC 1952, section 2.2) and replaces `out` with their
// contents. Stops once they exceed `size_max` bytes, so that a decompression bomb costs no more
// than that.
GunzipOutcome gunzip(std::string_view compressed, std::size_t size_max, std::string& out);

// Does the same for the coding `deflate`: a zlib stream (RFC 1950), as RFC 9110 defines it, or the
// bare deflate data (RFC 1951) that some clients send under that name.
GunzipOutcome inflate_deflate(std::string_view compressed, std::size_t size_max, std::string& out);

}  // namespace picortex
