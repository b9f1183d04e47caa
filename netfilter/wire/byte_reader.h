#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace picortex {

// Reads big-endian fields from the front of bytes that may be shorter than they claim. A read past
// the end returns zeros or nothing and makes good() false from then on, so that a parser may read a
// whole structure and check once.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::uint8_t> bytes) noexcept : bytes_(bytes) {}

  std::uint8_t u8() noexcept { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t u16() noexcept { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u24() noexcept { return number(3); }
  std::uint32_t u32() noexcept { return number(4); }

  std::span<const std::uint8_t> take(std::size_t size) noexcept {
    if (size > left()) {
      good_ = false;
      at_ = bytes_.size();
      return {};
    }
    at_ += size;
    return bytes_.subspan(at_ - size, size);
  }

  bool good() const noexcept { return good_; }
  std::size_t left() const noexcept { return bytes_.size() - at_; }
  std::size_t position() const noexcept { return at_; }
  // True if everything was there and everything was read.
  bool exhausted() const noexcept { return good_ && left() == 0; }

 private:
  std::uint32_t number(std::size_t size) noexcept {
    std::uint32_t value = 0;
    for (const std::uint8_t byte : take(size)) value = value << 8 | byte;
    return value;
  }

  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
  bool good_ = true;
};

}  // namespace picortex
