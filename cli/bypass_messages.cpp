#include "cli/bypass_messages.h"

#include <algorithm>

namespace picortex {
namespace {

void append_u16(std::string& out, std::size_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value);
}

}  // namespace

std::string with_size(const std::string& text) {
  std::string out;
  append_u16(out, text.size());
  return out + text;
}

std::string client_hello(const std::string& server_name) {
  const auto extension = [](std::size_t type, const std::string& body) {
    std::string out;
    append_u16(out, type);
    return out + with_size(body);
  };
  std::string extensions;
  if (!server_name.empty()) {
    extensions += extension(0, with_size(std::string(1, '\0') + with_size(server_name)));
  }
  extensions += extension(10, with_size(std::string("\0\x1d\0\x17", 4)));
  extensions += extension(13, with_size(std::string("\x04\x03\x08\x04\x04\x01", 6)));
  std::string body("\x03\x03", 2);
  body.append(32, 'r').append(1, '\0');
  body += with_size(std::string("\xc0\x2b\xc0\x2f\xc0\x2c\xc0\x30", 8));
  body.append("\x01\x00", 2) += with_size(extensions);
  const std::string handshake = std::string("\x01\x00", 2) + with_size(body);
  return std::string("\x16\x03\x01", 3) + with_size(handshake);
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

std::string http_request(const std::string& host) {
  return "HEAD / HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
}

std::string quic_probe() {
  std::string packet("\xc0\x1a\x2a\x3a\x4a\x08picortex\x08selftest", 23);
  packet.resize(1200, '\0');
  return packet;
}

std::string echo_request(bool is_v6) {
  std::string packet(8, '\0');
  packet[0] = is_v6 ? static_cast<char>(128) : 8;
  return packet + "data that leaves";
}

}  // namespace picortex
