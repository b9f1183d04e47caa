#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Bytes for the tests of netfilter/: from texts, from hex, and ClientHellos real and made.
namespace picortex::test {

inline std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string from_hex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

inline std::string u16(std::size_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value)};
}

// What OpenSSL 3.0's s_client -servername github.com sent.
inline const std::string kOpensslHello = from_hex(
    "1603010137010001330303ec1d5a969b478797fdeab5e26e6c755acff2b0"
    "e280dd16d6eb1e39cf1d01bde320c6f07682a8134410ccd1528e083f4153"
    "ea074772c616f9aed5bd0e3bb6c24754003e130213031301c02cc030009f"
    "cca9cca8ccaac02bc02f009ec024c028006bc023c0270067c00ac0140039"
    "c009c0130033009d009c003d003c0035002f00ff010000ac0000000f000d"
    "00000a6769746875622e636f6d000b000403000102000a00160014001d00"
    "17001e001900180100010101020103010400230000001600000017000000"
    "0d002a0028040305030603080708080809080a080b080408050806040105"
    "010601030303010302040205020602002b0009080304030303020301002d"
    "00020101003300260024001d00209a64b4755861329960d652e9b00da89a"
    "f39edfca00977a0ae835f17c55f65959");

inline std::string extension(std::size_t type, const std::string& data) {
  return u16(type) + u16(data.size()) + data;
}

inline std::string server_name_extension(const std::string& name) {
  return extension(0, u16(name.size() + 3) + '\0' + u16(name.size()) + name);
}

inline std::string supported_versions_extension() { return extension(43, "\x02\x03\x04"); }

// A handshake message of type client_hello around `extensions`.
inline std::string client_hello(const std::string& extensions) {
  std::string body = "\x03\x03" + std::string(32, 'r') + '\x20' + std::string(32, 's');
  body += u16(4) + "\x13\x01\x13\x02" + std::string("\x01\x00", 2);
  body += u16(extensions.size()) + extensions;
  return std::string("\x01\x00", 2) + u16(body.size()) + body;
}

inline std::string tls_record(const std::string& fragment) {
  return "\x16\x03\x01" + u16(fragment.size()) + fragment;
}

// A hello with a key share of X25519MLKEM768 (1,216 bytes), as browsers and OpenSSL 3.5 send it.
inline std::string post_quantum_hello(const std::string& name) {
  const std::string share = u16(0x11ec) + u16(1216) + std::string(1216, 'k');
  const std::string small = u16(0x001d) + u16(32) + std::string(32, 'x');
  return client_hello(extension(51, u16(share.size() + small.size()) + share + small) +
                      server_name_extension(name));
}

}  // namespace picortex::test
