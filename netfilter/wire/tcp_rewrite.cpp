#include "netfilter/wire/tcp_rewrite.h"

#include <algorithm>

#include "base/check.h"

namespace picortex {
namespace {

constexpr std::size_t kChecksumOffset = 16;
constexpr std::uint8_t kDefaultTimeToLive = 64;

// RFC 1071: sums the bytes as big-endian 16-bit words, not yet folded.
std::uint64_t sum_words(std::span<const std::uint8_t> bytes, std::uint64_t sum = 0) noexcept {
  std::size_t i = 0;
  for (; i + 1 < bytes.size(); i += 2) {
    sum += static_cast<std::uint32_t>(bytes[i]) << 8 | bytes[i + 1];
  }
  if (i < bytes.size()) sum += static_cast<std::uint32_t>(bytes[i]) << 8;
  return sum;
}

std::uint16_t fold(std::uint64_t sum) noexcept {
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

void put_u16(std::span<std::uint8_t> bytes, std::size_t at, std::uint16_t value) noexcept {
  bytes[at] = static_cast<std::uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<std::uint8_t>(value);
}

void put_u32(std::span<std::uint8_t> bytes, std::size_t at, std::uint32_t value) noexcept {
  put_u16(bytes, at, static_cast<std::uint16_t>(value >> 16));
  put_u16(bytes, at + 2, static_cast<std::uint16_t>(value));
}

void put_v4_header(std::span<std::uint8_t> bytes, const Packet& packet) noexcept {
  constexpr std::uint16_t kDontFragment = 0x4000;
  bytes[0] = 0x45;
  put_u16(bytes, 2, static_cast<std::uint16_t>(bytes.size()));
  put_u16(bytes, 6, kDontFragment);
  bytes[8] = kDefaultTimeToLive;
  bytes[9] = kProtocolTcp;
  std::ranges::copy(packet.source.raw(), bytes.begin() + 12);
  std::ranges::copy(packet.destination.raw(), bytes.begin() + 16);
  put_u16(bytes, 10, fold(sum_words(bytes.first(kIpV4HeaderSize))));
}

void put_v6_header(std::span<std::uint8_t> bytes, const Packet& packet) noexcept {
  bytes[0] = 0x60;
  put_u16(bytes, 4, static_cast<std::uint16_t>(bytes.size() - kIpV6HeaderSize));
  bytes[6] = kProtocolTcp;
  bytes[7] = kDefaultTimeToLive;
  std::ranges::copy(packet.source.raw(), bytes.begin() + 8);
  std::ranges::copy(packet.destination.raw(), bytes.begin() + 24);
}

}  // namespace

void write_tcp_checksum(std::span<std::uint8_t> bytes, const Packet& packet) noexcept {
  const std::size_t offset = packet.transport_offset;
  const std::size_t size = packet.transport_size;
  CHECK(packet.protocol == kProtocolTcp && size >= kTcpHeaderSize && offset + size <= bytes.size());
  const auto segment = bytes.subspan(offset, size);
  put_u16(segment, kChecksumOffset, 0);
  std::uint64_t sum = sum_words(packet.source.raw());
  sum = sum_words(packet.destination.raw(), sum) + kProtocolTcp + size;
  put_u16(segment, kChecksumOffset, fold(sum_words(segment, sum)));
}

std::span<const std::uint8_t> make_reset(const Packet& packet, ResetBuffer& buffer) noexcept {
  const std::size_t header_size = packet.source.is_v6 ? kIpV6HeaderSize : kIpV4HeaderSize;
  buffer.fill(0);
  const auto bytes = std::span(buffer).first(header_size + kTcpHeaderSize);
  if (packet.source.is_v6) {
    put_v6_header(bytes, packet);
  } else {
    put_v4_header(bytes, packet);
  }
  const auto segment = bytes.subspan(header_size);
  put_u16(segment, 0, packet.source_port);
  put_u16(segment, 2, packet.destination_port);
  put_u32(segment, 8, packet.tcp_acknowledgement);
  segment[12] = kTcpHeaderSize / 4 << 4;
  segment[13] = kTcpRst | kTcpAck;
  Packet reset;
  reset.source = packet.source;
  reset.destination = packet.destination;
  reset.protocol = kProtocolTcp;
  reset.transport_offset = static_cast<std::uint16_t>(header_size);
  reset.transport_size = kTcpHeaderSize;
  write_tcp_checksum(bytes, reset);
  return bytes;
}

}  // namespace picortex
