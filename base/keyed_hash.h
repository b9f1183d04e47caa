#pragma once

#include <cstdint>
#include <string_view>

namespace picortex {

// SipHash-1-3 (Aumasson and Bernstein, 2012) with its own key: a hash for tables with hostile keys,
// which cannot be made to collide without knowing the key.
class KeyedHash {
 public:
  // Chooses a random key.
  KeyedHash() noexcept;
  KeyedHash(std::uint64_t key0, std::uint64_t key1) noexcept : key0_(key0), key1_(key1) {}

  std::uint64_t operator()(std::string_view bytes) const noexcept;

 private:
  std::uint64_t key0_;
  std::uint64_t key1_;
};

}  // namespace picortex
