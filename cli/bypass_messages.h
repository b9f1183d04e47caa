#pragma once

#include <cstdint>
#include <string>

namespace picortex {

// What the attempts to get around the fence say.

// A ClientHello (RFC 8446, section 4.1.2) that names `server_name`; without SNI when it is empty.
std::string client_hello(const std::string& server_name);
// The same hello, its handshake message cut over two records.
std::string in_two_records(const std::string& hello);

std::string http_request(const std::string& host);

// A query (RFC 1035, section 4) for one name, with its type: 1 A, 16 TXT.
std::string dns_query(const std::string& name, std::uint16_t type);
// The text behind its size in two bytes: a DNS message as TCP carries it.
std::string with_size(const std::string& text);

// A QUIC packet of a version that nobody has: a server answers it (RFC 9000, section 6).
std::string quic_probe();

// An ICMP echo request with data, for a datagram socket.
std::string echo_request(bool is_v6);

}  // namespace picortex
