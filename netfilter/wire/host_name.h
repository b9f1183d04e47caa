#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace picortex {

// A host's name in the one form in which all parts of the fence compare names: lower case, without
// the root's trailing dot, labels of 1 to 63 letters, digits, hyphens and underscores that neither
// begin nor end in a hyphen (RFC 1123, section 2.1; IDNA names as their A-labels), 253 bytes at
// most. A name whose last label is a number is not valid: resolvers read 127.1 or 0x7f.1 as an
// address. Holds its bytes itself; empty when default-constructed.
class HostName {
 public:
  static constexpr std::size_t kSizeMax = 253;
  static constexpr std::size_t kLabelSizeMax = 63;

  // Returns nothing if `text` is no such name. Accepts one trailing dot and any case.
  static std::optional<HostName> parse(std::string_view text) noexcept;

  std::string_view view() const noexcept { return {text_.data(), size_}; }
  bool empty() const noexcept { return size_ == 0; }
  bool operator==(const HostName& other) const noexcept { return view() == other.view(); }

 private:
  std::array<char, kSizeMax> text_;
  std::uint8_t size_ = 0;
};

// "a.b.c" → "b.c", "c" → "".
inline std::string_view parent_name(std::string_view name) noexcept {
  const std::size_t dot = name.find('.');
  return dot == name.npos ? std::string_view{} : name.substr(dot + 1);
}

}  // namespace picortex
