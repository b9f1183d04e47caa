#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace picortex {

// Below this must stay what is compressed, and what it becomes.
inline constexpr std::size_t kGzipSizeMax = std::size_t{1} << 30;

enum class GunzipOutcome {
  whole,      // `out` holds all of it
  too_large,  // it would have more than `size_max` bytes
  broken,     // no gzip, damaged, cut short, or with bytes behind its end
};

// Decompresses one gzip member (RFC 1952) in place of what `out` held. Stops at `size_max` bytes,
// so that a few bytes that stand for many cost no more than that.
GunzipOutcome gunzip(std::string_view compressed, std::size_t size_max, std::string& out);

}  // namespace picortex
