#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "netfilter/wire/host_name.h"

namespace picortex {

// Finds the server name in a ClientHello that has not arrived in full, so that no piece of a name
// leaves before it is judged. Each byte is looked at once, however small the pieces are. Owned by
// the TlsHelloReader, which decides about the whole hello.
//
//   ClientHello = 1 size(3) 3 minor random(32) session<1> ciphers<2> compressions<1> extensions<2>
//   extension   = type(2) data<2>
//   server name = 0(2) <2> <2> 0 name<2>
class TlsNameScanner {
 public:
  static constexpr std::size_t kNameSizeMax = HostName::kSizeMax + 1;  // the trailing dot included

  // Takes the next bytes of the handshake message, which begins with its header.
  void feed(std::span<const std::uint8_t> bytes) noexcept;

  // The name's bytes as far as they have arrived, as they are on the wire.
  std::string_view begun() const noexcept { return {name_.data(), begun_size_}; }
  // How many bytes the name will have; 0 until that is known.
  std::size_t name_size() const noexcept { return name_size_; }
  // Whatever follows, this is no hello, or one whose name must not be trusted.
  bool is_malformed() const noexcept { return is_malformed_; }

 private:
  enum class Field : std::uint8_t {
    message_type,
    fixed_part,  // size and version
    session_size,
    ciphers_size,
    compressions_size,
    extensions_size,
    extension_type,
    extension_size,
    name_list,  // the sizes and the type ahead of the name
    name,
  };

  static std::size_t size_of(Field field) noexcept;
  std::span<const std::uint8_t> take_name(std::span<const std::uint8_t> bytes) noexcept;
  void end_field() noexcept;
  void end_extension_size() noexcept;
  void end_name_list() noexcept;
  void skip_to(Field field, std::size_t size) noexcept;

  Field field_ = Field::message_type;
  std::uint8_t have_ = 0;    // bytes of the field so far
  std::uint64_t value_ = 0;  // of the field, big-endian
  std::size_t skip_ = 0;     // bytes ahead of the field
  std::uint16_t extension_type_ = 0;
  std::uint16_t extension_size_ = 0;
  bool is_malformed_ = false;
  std::uint16_t name_size_ = 0;
  std::uint16_t begun_size_ = 0;
  std::array<char, kNameSizeMax> name_;
};

}  // namespace picortex
