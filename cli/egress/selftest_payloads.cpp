#include "cli/egress/selftest_payloads.h"

#include <algorithm>

namespace picortex {
namespace {

void append_u16(std::string& out, std::size_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value);
}

constexpr std::size_t kExtensionHeadSize = 4;

std::string extension(std::size_t type, const std::string& body) {
  std::string out;
  append_u16(out, type);
  return out + with_size(body);
}

std::string server_name_extension(const std::string& name) {
  if (name.empty()) return {};
  return extension(0, with_size(std::string(1, '\0') + with_size(name)));
}

// Returns a ClientHello's body as a handshake message in a record of its own.
std::string handshake_record(const std::string& body) {
  const std::string handshake = std::string("\x01\x00", 2) + with_size(body);
  return std::string("\x16\x03\x01", 3) + with_size(handshake);
}

}  // namespace

std::string with_size(const std::string& text) {
  std::string out;
  append_u16(out, text.size());
  return out + text;
}

std::string client_hello(const std::string& server_name) {
  return client_hello(HelloParts{.server_name = server_name});
}

std::string client_hello(const HelloParts& parts) {
  std::string extensions = server_name_extension(parts.server_name);
  extensions += extension(10, with_size(std::string("\0\x1d\0\x17", 4)));
  extensions += extension(13, with_size(std::string("\x04\x03\x08\x04\x04\x01", 6)));
  if (parts.padded_size > extensions.size() + kExtensionHeadSize) {
    extensions += extension(
        21, std::string(parts.padded_size - extensions.size() - kExtensionHeadSize, '\0'));
  }
  std::string random = parts.random;
  random.resize(32, 'r');
  return handshake_record(std::string("\x03\x03", 2) + random + std::string(1, '\0') +
                          with_size(std::string("\xc0\x2b\xc0\x2f\xc0\x2c\xc0\x30", 8)) +
                          std::string("\x01\x00", 2) + with_size(extensions));
}

std::string client_hello_1_3(const std::string& server_name, KeyShare key_share,
                             std::uint8_t major_version) {
  std::string extensions = server_name_extension(server_name);
  extensions += extension(10, with_size(std::string("\0\x1d", 2)));
  extensions += extension(13, with_size(std::string("\x04\x03\x08\x04\x04\x01", 6)));
  extensions += extension(43, std::string("\x02\x03\x04", 3));
  std::string shares;
  if (key_share == KeyShare::one) {
    shares = std::string("\0\x1d", 2) + with_size(std::string(32, '\x09'));
  }
  extensions += extension(51, with_size(shares));
  std::string body(1, static_cast<char>(major_version));
  body.append(1, '\x03').append(32, 'r').append(1, '\x20').append(32, 's');
  body += with_size(std::string("\x13\x01", 2));
  return handshake_record(body.append("\x01\x00", 2) + with_size(extensions));
}

std::string dns_query(const std::string& name, std::uint16_t type) {
  std::string query("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12);
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t size = std::min(name.find('.', at), name.size()) - at;
    query += static_cast<char>(size);
    query.append(name, at, size);
    at += size + 1;
  }
  query += '\0';
  append_u16(query, type);
  append_u16(query, 1);
  return query;
}

std::string in_two_records(const std::string& hello) {
  constexpr std::size_t kHeaderSize = 5;
  constexpr std::size_t kFirstSize = 40;
  const std::string type_and_version = hello.substr(0, 3);
  return type_and_version + with_size(hello.substr(kHeaderSize, kFirstSize)) + type_and_version +
         with_size(hello.substr(kHeaderSize + kFirstSize));
}

std::string http_request(const std::string& host, const std::string& line_end) {
  return "HEAD / HTTP/1.1" + line_end + "Host: " + host + line_end + line_end;
}

std::string quic_probe() {
  std::string packet("\xc0\x1a\x2a\x3a\x4a\x08picortex\x08selftest", 23);
  packet.resize(1200, '\0');
  return packet;
}

std::string echo_request(bool is_v6, const std::string& data) {
  std::string packet(8, '\0');
  packet[0] = is_v6 ? static_cast<char>(128) : 8;
  return packet + data;
}

}  // namespace picortex
