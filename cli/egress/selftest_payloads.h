#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace picortex {

// Payloads of the attempts to bypass the fence.

// Returns a ClientHello (RFC 8446, section 4.1.2) that names `server_name`; without SNI if it is
// empty.
std::string client_hello(const std::string& server_name);

struct HelloParts {
  std::string server_name;      // empty: no SNI
  std::string random = {};      // cut or filled to 32 bytes
  std::size_t padded_size = 0;  // size of all extensions (RFC 7685); 0: no padding
};
std::string client_hello(const HelloParts& parts);

// Returns a hello for TLS 1.3 only. Without a key share the server asks for a second hello (RFC
// 8446, section 4.1.4). `major_version` is the first byte of legacy_version, which servers ignore.
enum class KeyShare : std::uint8_t { none, one };
std::string client_hello_1_3(const std::string& server_name, KeyShare key_share,
                             std::uint8_t major_version);
// Returns the same hello with its handshake message split over two records.
std::string in_two_records(const std::string& hello);

std::string http_request(const std::string& host, const std::string& line_end = "\r\n");

// Returns a query (RFC 1035, section 4) for one name, with its type: 1 A, 16 TXT.
std::string dns_query(const std::string& name, std::uint16_t type);
// Returns the text with its size before it in two bytes: a DNS message as TCP carries it.
std::string with_size(const std::string& text);

// Returns a QUIC packet of a version that no server supports, so that a server answers it (RFC
// 9000, section 6).
std::string quic_probe();

// Returns an ICMP echo request with data, for a datagram socket.
std::string echo_request(bool is_v6, const std::string& data = "data that leaves");

}  // namespace picortex
