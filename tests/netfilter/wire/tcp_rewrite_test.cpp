#include "netfilter/wire/tcp_rewrite.h"

#include <boost/test/unit_test.hpp>
#include <vector>

#include "tests/netfilter/bytes.h"

using namespace picortex;
using namespace picortex::test;

BOOST_AUTO_TEST_SUITE(tcp_rewrite)

namespace {

std::vector<std::uint8_t> vector_of(const std::string& hex) {
  const std::string bytes = from_hex(hex);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

// From port 1 to port 2, sequence 3, acknowledgement 4, window 5, with "abc". The checksums were
// computed by another program.
const std::string kV4 =
    "4500002b00004000400600000a0000010a00000200010002000000030000000450180005d7550000616263";
const std::string kV6 =
    "600000000017064020010db800000000000000000000000120010db8000000000000000000000002"
    "00010002000000030000000450180005"
    "8fe30000616263";

BOOST_AUTO_TEST_CASE(writes_the_checksum_of_a_segment) {
  for (const auto& [hex, at] : {std::pair{kV4, 36u}, {kV6, 56u}}) {
    const std::vector<std::uint8_t> right = vector_of(hex);
    std::vector<std::uint8_t> bytes = right;
    bytes[at] ^= 0x5a;
    bytes[at + 1] = 0;
    Packet packet;
    BOOST_TEST((parse_packet(bytes, packet) == PacketStatus::whole));
    write_tcp_checksum(bytes, packet);
    BOOST_TEST(bytes == right);
  }
}

BOOST_AUTO_TEST_CASE(answers_as_a_closed_port_does) {
  const auto reset_of = [](const std::string& hex) {
    const std::vector<std::uint8_t> bytes = vector_of(hex);
    Packet packet;
    BOOST_TEST((parse_packet(bytes, packet) == PacketStatus::whole));
    ResetBuffer buffer;
    const auto reset = make_reset(packet, buffer);
    return std::vector<std::uint8_t>(reset.begin(), reset.end());
  };
  BOOST_TEST(reset_of(kV4) == vector_of("4500002800004000400626ce0a0000010a000002"
                                        "000100020000000000000004501400009bc70000"));
  BOOST_TEST(
      reset_of(kV6) ==
      vector_of("600000000014064020010db800000000000000000000000120010db8000000000000000000000002"
                "0001000200000000000000045014000054550000"));
}

BOOST_AUTO_TEST_SUITE_END()
