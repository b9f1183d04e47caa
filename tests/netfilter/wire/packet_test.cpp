#include "netfilter/wire/packet.h"

#include <boost/test/unit_test.hpp>

#include "tests/netfilter/bytes.h"

using namespace picortex;
using namespace picortex::test;

BOOST_AUTO_TEST_SUITE(packet)

using enum picortex::PacketStatus;

namespace {

const std::string kSegment = from_hex("d43101bb0000000a00000014") + "\x50\x18" +
                             from_hex("ffff00000000") + "data";  // PSH and ACK

std::string v4(const std::string& rest, int protocol = 6, const std::string& options = "",
               std::size_t fragment = 0x4000) {
  return std::string(1, static_cast<char>(0x45 + options.size() / 4)) + '\0' +
         u16(20 + options.size() + rest.size()) + u16(7) + u16(fragment) + '\x40' +
         static_cast<char>(protocol) + u16(0) +
         from_hex(
             "0a000001"
             "c0000207") +
         options + rest;
}

std::string v6(const std::string& rest, int next = 6) {
  return from_hex("60000000") + u16(rest.size()) + static_cast<char>(next) + '\x40' +
         from_hex(
             "20010db8000000000000000000000001"
             "20010db8000000000000000000000002") +
         rest;
}

PacketStatus status_of(const std::string& bytes) {
  Packet packet;
  return parse_packet(bytes_of(bytes), packet);
}

}  // namespace

BOOST_AUTO_TEST_CASE(reads_tcp_over_both_families) {
  for (const std::string& bytes : {v4(kSegment), v6(kSegment), v4(kSegment) + "padding"}) {
    Packet packet;
    BOOST_TEST((parse_packet(bytes_of(bytes), packet) == whole));
    BOOST_TEST(packet.protocol == kProtocolTcp);
    BOOST_TEST(packet.source_port == 54321);
    BOOST_TEST(packet.destination_port == 443);
    BOOST_TEST(packet.tcp_sequence == 10u);
    BOOST_TEST(packet.tcp_flags == 0x18);
    BOOST_TEST(!packet.opens_connection());
    BOOST_TEST(packet.payload.size() == 4u);
    BOOST_TEST(to_string(packet.destination) ==
               (packet.destination.is_v6 ? "2001:db8::2" : "192.0.2.7"));
  }
}

BOOST_AUTO_TEST_CASE(reads_tcp_options_and_syn_data) {
  std::string segment = from_hex("d43101bb0000000a00000000") + "\x60\x02" +
                        from_hex("ffff00000000") + from_hex("02040218") + "early";
  const std::string bytes = v4(segment);
  Packet packet;
  BOOST_TEST((parse_packet(bytes_of(bytes), packet) == whole));
  BOOST_TEST(packet.opens_connection());
  BOOST_TEST(packet.payload.size() == 5u);
}

BOOST_AUTO_TEST_CASE(reads_udp_icmp_and_sctp) {
  Packet packet;
  const std::string udp = v4(from_hex("d43101bb000c0000") + "quic", 17);
  BOOST_TEST((parse_packet(bytes_of(udp), packet) == whole));
  BOOST_TEST(packet.destination_port == 443);
  BOOST_TEST(packet.payload.size() == 4u);
  const std::string icmp = v4(from_hex("0800000000010001") + "secret", 1);
  BOOST_TEST((parse_packet(bytes_of(icmp), packet) == whole));
  BOOST_TEST(packet.icmp_type == 8);
  BOOST_TEST(packet.payload.size() == 6u);
  const std::string sctp = v6(from_hex("d43101bb0000000000000000"), 132);
  BOOST_TEST((parse_packet(bytes_of(sctp), packet) == whole));
  BOOST_TEST(packet.destination_port == 443);
}

BOOST_AUTO_TEST_CASE(walks_extension_headers_to_a_bound) {
  const auto chain = [](int count) {
    std::string out;
    for (int i = 1; i < count; ++i) out += from_hex("3c00010400000000");
    return out + from_hex("0600010400000000") + kSegment;
  };
  Packet packet;
  const std::string bytes = v6(chain(8), 60);
  BOOST_TEST((parse_packet(bytes_of(bytes), packet) == whole));
  BOOST_TEST(packet.destination_port == 443);
  BOOST_TEST((status_of(v6(chain(9), 60)) == malformed));
  BOOST_TEST((status_of(v6(from_hex("06ff"), 60)) == malformed));
}

BOOST_AUTO_TEST_CASE(names_fragments_and_source_routes) {
  BOOST_TEST((status_of(v4(kSegment, 6, "", 0x2000)) == fragment));
  BOOST_TEST((status_of(v4(kSegment, 6, "", 0x0001)) == fragment));
  BOOST_TEST((status_of(v6(from_hex("0600000100000001") + kSegment, 44)) == fragment));
  BOOST_TEST((status_of(v6(from_hex("0602020100000000") + kSegment, 43)) == source_routed));
  BOOST_TEST((status_of(v4(kSegment, 6, from_hex("018307040a000001"))) == source_routed));
  BOOST_TEST((status_of(v4(kSegment, 6, from_hex("018907040a000001"))) == source_routed));
  BOOST_TEST((status_of(v4(kSegment, 6, from_hex("0101010083070400"))) == whole));
}

BOOST_AUTO_TEST_CASE(names_every_cut_and_inconsistency) {
  for (const std::string& bytes : {v4(kSegment), v6(kSegment)}) {
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      BOOST_TEST((status_of(bytes.substr(0, size)) == truncated), size);
    }
  }
  BOOST_TEST((status_of(v4(kSegment.substr(0, 19))) == malformed));
  BOOST_TEST((status_of(v4("\x01", 17)) == malformed));
  BOOST_TEST((status_of(v4(kSegment, 6, from_hex("44000000"))) == malformed));
  BOOST_TEST((status_of(v4(kSegment, 6, from_hex("440c0000"))) == malformed));
  std::string bad = v4(kSegment);
  bad[0] = 0x44;
  BOOST_TEST((status_of(bad) == malformed));
  bad[0] = 0x15;
  BOOST_TEST((status_of(bad) == malformed));
  std::string offset = v4(kSegment);
  offset[32] = '\x40';
  BOOST_TEST((status_of(offset) == malformed));
  offset[32] = '\xf0';
  BOOST_TEST((status_of(offset) == malformed));
}

BOOST_AUTO_TEST_SUITE_END()
