#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/net/ip_address.h"

namespace picortex {

inline constexpr std::uint8_t kProtocolIcmp = 1;
inline constexpr std::uint8_t kProtocolTcp = 6;
inline constexpr std::uint8_t kProtocolUdp = 17;
inline constexpr std::uint8_t kProtocolIcmpV6 = 58;
inline constexpr std::uint8_t kProtocolSctp = 132;

// Bytes, without options and extensions.
inline constexpr std::size_t kIpV4HeaderSize = 20;
inline constexpr std::size_t kIpV6HeaderSize = 40;
inline constexpr std::size_t kTcpHeaderSize = 20;

inline constexpr std::uint8_t kTcpFin = 0x01;
inline constexpr std::uint8_t kTcpSyn = 0x02;
inline constexpr std::uint8_t kTcpRst = 0x04;
inline constexpr std::uint8_t kTcpAck = 0x10;
inline constexpr std::uint8_t kTcpUrg = 0x20;

enum class PacketStatus : std::uint8_t {
  whole,
  truncated,      // fewer bytes than the headers claim: the queue copied too few
  malformed,      // headers that contradict themselves
  fragment,       // part of a larger packet: the kernel's own stack sends none to OUTPUT
  source_routed,  // continues to an address that its destination field does not show
  urgent,         // TCP urgent data, which receivers remove from the stream or leave in it
};

// An IP packet's headers as far as a fence needs them, and a view of its payload. Fields that could
// not be read, by the status, are 0.
struct Packet {
  IpAddress source;
  IpAddress destination;
  std::uint8_t protocol = 0;      // after IPv6's extension headers
  std::uint16_t source_port = 0;  // TCP, UDP, SCTP
  std::uint16_t destination_port = 0;
  std::uint8_t tcp_flags = 0;
  std::uint32_t tcp_sequence = 0;
  std::uint32_t tcp_acknowledgement = 0;
  std::uint8_t icmp_type = 0;
  std::uint16_t transport_offset = 0;     // of the transport header, from the IP header on
  std::uint16_t transport_size = 0;       // of the transport header and the payload
  std::span<const std::uint8_t> payload;  // after the transport header

  bool opens_connection() const noexcept {
    return protocol == kProtocolTcp && (tcp_flags & (kTcpSyn | kTcpAck | kTcpRst)) == kTcpSyn;
  }
  bool accepts_connection() const noexcept {
    return protocol == kProtocolTcp &&
           (tcp_flags & (kTcpSyn | kTcpAck | kTcpRst)) == (kTcpSyn | kTcpAck);
  }
};

// Parses raw bytes from the IP header on (NFQA_PAYLOAD); ignores checksums, since the kernel fills
// them in later. IPv4 by RFC 791, IPv6 by RFC 8200 with at most 8 extension headers.
PacketStatus parse_packet(std::span<const std::uint8_t> bytes, Packet& packet) noexcept;

// Returns the protocol's name for people: "tcp", "udp", …, else its number.
std::string protocol_label(std::uint8_t protocol);

}  // namespace picortex
