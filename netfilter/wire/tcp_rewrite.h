#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "netfilter/wire/packet.h"

namespace picortex {

// Writes the checksum of the TCP segment in an IP packet (RFC 9293, section 3.1), for a packet that
// the kernel will send unchanged. `packet` must have been parsed from `bytes`.
void write_tcp_checksum(std::span<std::uint8_t> bytes, const Packet& packet) noexcept;

// An IPv6 header and a TCP header.
using ResetBuffer = std::array<std::uint8_t, 60>;

// Builds the answer of a closed port to the SYN that `packet`, a SYN with ACK, answers (RFC 9293,
// section 3.10.7.1). It contains nothing of the SYN with ACK except its addresses, ports and
// acknowledgement.
std::span<const std::uint8_t> make_reset(const Packet& packet, ResetBuffer& buffer) noexcept;

}  // namespace picortex
