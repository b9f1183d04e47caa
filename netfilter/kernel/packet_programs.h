#pragma once

#include <string_view>

namespace picortex {

// Classic BPF programs for xt_bpf, as iptables-save prints them: the number of instructions, then
// "code jump-true jump-false constant" of each. A packet begins at its IP header. A load past the
// packet's end ends the program with "no match".

// "This TCP segment carries no data and nothing else to examine": its size less its headers' is 0,
// and it has no urgent pointer. IP options and IPv6 extension headers, which a user may fill at
// will, make it false, so that such a packet is examined.
//
//   v4: ldb [0]; jeq 0x45; ldb [33]; jset URG; ldb [32]; and 0xf0; rsh 2; add 20; tax;
//       ldh [2]; sub x; jeq 0
//   v6: ldb [6]; jeq TCP; ldb [53]; jset URG; ldb [52]; and 0xf0; rsh 2; tax; ldh [4]; sub x; jeq 0
inline constexpr std::string_view kNoDataV4 =
    "14,48 0 0 0,21 0 11 69,48 0 0 33,69 9 0 32,48 0 0 32,84 0 0 240,116 0 0 2,4 0 0 20,"
    "7 0 0 0,40 0 0 2,28 0 0 0,21 0 1 0,6 0 0 1,6 0 0 0";
inline constexpr std::string_view kNoDataV6 =
    "13,48 0 0 6,21 0 10 6,48 0 0 53,69 8 0 32,48 0 0 52,84 0 0 240,116 0 0 2,7 0 0 0,40 0 0 4,"
    "28 0 0 0,21 0 1 0,6 0 0 1,6 0 0 0";

// "A server answers a TLS hello with its own, and does not ask for another": the segment's data
// begins with a handshake record that begins with a ServerHello whose random is not that of a
// HelloRetryRequest (RFC 8446, section 4.1.3; its first 4 bytes are compared). A warning may
// precede it, as servers send one in TLS 1.2 for a name that they do not know.
//
//   x = offset of the data
//   if [x] == alert and half [x + 3] == 2: x += 7
//   [x] == handshake, [x + 1] == 3, [x + 5] == ServerHello, [x + 9] == 3,
//   word [x + 11] != 0xcf21ad74
inline constexpr std::string_view kServerHelloV4 =
    "25,177 0 0 0,80 0 0 12,84 0 0 240,116 0 0 2,12 0 0 0,7 0 0 0,80 0 0 0,21 0 6 21,72 0 0 3,"
    "21 0 14 2,135 0 0 0,4 0 0 7,7 0 0 0,80 0 0 0,21 0 9 22,80 0 0 1,21 0 7 3,80 0 0 5,"
    "21 0 5 2,80 0 0 9,21 0 3 3,64 0 0 11,21 1 0 3475090804,6 0 0 1,6 0 0 0";
inline constexpr std::string_view kServerHelloV6 =
    "26,48 0 0 6,21 0 23 6,48 0 0 52,84 0 0 240,116 0 0 2,4 0 0 40,7 0 0 0,80 0 0 0,21 0 6 21,"
    "72 0 0 3,21 0 14 2,135 0 0 0,4 0 0 7,7 0 0 0,80 0 0 0,21 0 9 22,80 0 0 1,21 0 7 3,"
    "80 0 0 5,21 0 5 2,80 0 0 9,21 0 3 3,64 0 0 11,21 1 0 3475090804,6 0 0 1,6 0 0 0";

// "An ICMP error of type destination unreachable quotes an answer of the DNS proxy": a UDP packet
// from port 53 whose time to live (hop limit) is kDnsAnswerHops.
//
//   v4: ldxb 4*([0]&0xf); [x] == 3; [x + 8] == 0x45; [x + 16] == 1; [x + 17] == UDP;
//       half [x + 28] == 53
//   v6: [6] == ICMPv6; [40] == 1; [54] == UDP; [55] == 1; half [88] == 53
inline constexpr std::string_view kQuotesAnswerV4 =
    "13,177 0 0 0,80 0 0 0,21 0 9 3,80 0 0 8,21 0 7 69,80 0 0 16,21 0 5 1,80 0 0 17,21 0 3 17,"
    "72 0 0 28,21 0 1 53,6 0 0 1,6 0 0 0";
inline constexpr std::string_view kQuotesAnswerV6 =
    "12,48 0 0 6,21 0 9 58,48 0 0 40,21 0 7 1,48 0 0 54,21 0 5 17,48 0 0 55,21 0 3 1,40 0 0 88,"
    "21 0 1 53,6 0 0 1,6 0 0 0";

}  // namespace picortex
