#include "netfilter/kernel/conntrack_message.h"

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <string>

#include "netfilter/kernel/conntrack_settings.h"
#include "netfilter/kernel/firewall_rules.h"
#include "tests/netfilter/bytes.h"

using namespace picortex;
using picortex::test::from_hex;

BOOST_AUTO_TEST_SUITE(conntrack_message)

namespace {

// The end of a connection from 127.0.0.1 to 127.0.0.1:5555 with 100,000 bytes of data, as the kernel
// reported it.
const std::string kEnd = from_hex(
    "040100000201000000000000000000000200000034000180140001800800"
    "01007f000001080002007f0000011c000280050001000600000006000200"
    "dcf800000600030015b300003400028014000180080001007f0000010800"
    "02007f0000011c00028005000100060000000600020015b3000006000300"
    "dcf8000008000c002597dcd2080003000000020e1c0009800c0001000000"
    "0000000000070c00020000000000000188141c000a800c00010000000000"
    "000000040c00020000000000000000d81c0014800c00010018ec7f3faacd"
    "6fe80c00020018ec7f3fe63ad575100004800c0001800500010007000000"
    "08000800020000000c001b0018ec7f44a21c8c37");

std::optional<ConntrackEntry> parse(const std::string& message,
                                    ConntrackMessage kind = ConntrackMessage::destroyed) {
  return parse_conntrack({message.data(), message.size()}, kind);
}

// An attribute with its padding. `length` is what it claims to be; -1: what it is.
std::string attribute(std::uint16_t type, const std::string& payload, int length = -1) {
  const auto size = static_cast<std::uint16_t>(length < 0 ? payload.size() + 4 : length);
  std::string out(4, '\0');
  std::memcpy(out.data(), &size, 2);
  std::memcpy(out.data() + 2, &type, 2);
  out += payload;
  out.resize((out.size() + 3) & ~std::size_t{3});
  return out;
}

std::string message_of(const std::string& attributes) {
  std::string message = kEnd.substr(0, 20) + attributes;
  const auto size = static_cast<std::uint32_t>(message.size());
  std::memcpy(message.data(), &size, sizeof size);
  return message;
}

const std::string kPorts = attribute(2, std::string("\x01\xbb", 2)) + attribute(3, "AB");

std::string tuple(const std::string& addresses, const std::string& protocol) {
  return attribute(0x8001, attribute(0x8001, addresses) + attribute(0x8002, protocol));
}

const std::string kV4 = attribute(1, "aaaa") + attribute(2, "bbbb");
const std::string kTcp = attribute(1, "\x06") + kPorts;

struct Counter {
  void take(std::span<const char> message) noexcept {
    ++count;
    bytes += message.size();
  }
  int count = 0;
  std::size_t bytes = 0;
};

Counter count_messages(const std::string& datagram) {
  Counter counter;
  for_each_message({datagram.data(), datagram.size()},
                   Callback<std::span<const char>>::to<&Counter::take>(counter));
  return counter;
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_the_kernel_sent_is_read) {
  const auto entry = parse(kEnd);
  BOOST_REQUIRE(entry.has_value());
  BOOST_TEST(int{entry->ends.protocol} == 6);
  BOOST_TEST(to_string(entry->ends.source) == "127.0.0.1");
  BOOST_TEST(to_string(entry->ends.destination) == "127.0.0.1");
  BOOST_TEST(entry->ends.source_port == 0xdcf8);
  BOOST_TEST(entry->ends.destination_port == 5555);
  BOOST_TEST((entry->mark & kMarkMask) == kMarkAllowed);
  BOOST_TEST(bool(entry->up == ByteCount{.packets = 7, .bytes = 0x18814}));
  BOOST_TEST(bool(entry->down == ByteCount{.packets = 4, .bytes = 0xd8}));
  BOOST_TEST(int{entry->tcp_state} == 7);
  BOOST_TEST(entry->start_ns < entry->end_ns);
  BOOST_TEST(entry->timeout_s == 0u);
}

BOOST_AUTO_TEST_CASE(another_kind_or_subsystem_is_nothing) {
  BOOST_TEST(!parse(kEnd, ConntrackMessage::present));
  std::string other = kEnd;
  other[5] = 2;
  BOOST_TEST(!parse(other));
}

BOOST_AUTO_TEST_CASE(every_cut_and_every_changed_byte_is_survived) {
  for (std::size_t size = 0; size < kEnd.size(); ++size) {
    // A copy of its own, so that a sanitizer sees what is read past its end.
    const std::string cut(kEnd.data(), size);
    const auto entry = parse(cut);
    if (size < 72) BOOST_TEST(!entry, "complete after " << size << " bytes");
  }
  for (std::size_t at = 0; at < kEnd.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string changed = kEnd;
      changed[at] = static_cast<char>(value);
      parse(changed);
      count_messages(changed);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_tuple_has_to_be_complete) {
  BOOST_TEST(parse(message_of(tuple(kV4, kTcp))).has_value());
  BOOST_TEST(!parse(message_of("")));
  BOOST_TEST(!parse(message_of(tuple(attribute(1, "aaaa"), kTcp))));
  BOOST_TEST(!parse(message_of(tuple(attribute(1, "aaa") + attribute(2, "bbbb"), kTcp))));
  BOOST_TEST(!parse(message_of(tuple(kV4, kPorts))));
  // One address of each family is none.
  BOOST_TEST(
      !parse(message_of(tuple(attribute(1, "aaaa") + attribute(4, "bbbbbbbbbbbbbbbb"), kTcp))));
  const std::string v6 = attribute(3, "aaaaaaaaaaaaaaaa") + attribute(4, "bbbbbbbbbbbbbbbb");
  const auto entry = parse(message_of(tuple(v6, kTcp)));
  BOOST_REQUIRE(entry.has_value());
  BOOST_TEST(entry->ends.source.is_v6);
  BOOST_TEST(entry->ends.source_port == 443);
  // ICMP has no ports.
  const auto ping = parse(message_of(tuple(kV4, attribute(1, "\x01"))));
  BOOST_REQUIRE(ping.has_value());
  BOOST_TEST(ping->ends.destination_port == 0);
}

BOOST_AUTO_TEST_CASE(attributes_that_contradict_themselves_end_the_reading) {
  for (const int length : {0, 1, 3, 65535}) {
    const auto before = parse(message_of(tuple(kV4, kTcp) + attribute(8, "mark", length)));
    BOOST_REQUIRE(before.has_value());
    BOOST_TEST(before->mark == 0u);
    BOOST_TEST(!parse(message_of(attribute(8, "mark", length) + tuple(kV4, kTcp))));
  }
  // A counter of another size is no count.
  const std::string counters = attribute(0x8009, attribute(1, "1234") + attribute(2, "12345678"));
  BOOST_TEST(!parse(message_of(tuple(kV4, kTcp) + counters))->up);
  // Types that are not known are skipped.
  BOOST_TEST(parse(message_of(attribute(0x3ffe, "x") + tuple(kV4, kTcp))).has_value());
}

BOOST_AUTO_TEST_CASE(messages_of_a_datagram_are_taken_apart_by_their_lengths) {
  BOOST_TEST(count_messages(kEnd).count == 1);
  BOOST_TEST(count_messages(kEnd + kEnd).count == 2);
  BOOST_TEST(count_messages(kEnd + kEnd.substr(0, kEnd.size() - 1)).count == 1);
  BOOST_TEST(count_messages(kEnd + kEnd).bytes == 2 * kEnd.size());
  for (const std::uint32_t length : {0u, 15u, 0x7fffffffu, 0xffffffffu}) {
    std::string broken = kEnd;
    std::memcpy(broken.data(), &length, sizeof length);
    BOOST_TEST(count_messages(broken).count == 0);
  }
}

BOOST_AUTO_TEST_CASE(a_connection_lasts_until_its_last_packet) {
  const ConntrackSettings unset;
  ConntrackEntry entry;
  BOOST_TEST(!unset.duration_ms(entry));
  entry.start_ns = 1'000'000'000;
  entry.end_ns = 999'999'999;
  BOOST_TEST(!unset.duration_ms(entry));
  entry.end_ns = 3'500'000'000;
  BOOST_TEST(unset.duration_ms(entry).value() == 2500);
  // With the timeouts of this host: an entry that reached its time, and one that was removed at once.
  const ConntrackSettings settings = ConntrackSettings::read();
  entry.ends.protocol = 6;
  entry.tcp_state = 7;
  entry.end_ns = 1'000'000'000'000;
  const std::int64_t expired = settings.duration_ms(entry).value();
  entry.timeout_s = 1'000'000;
  BOOST_TEST(settings.duration_ms(entry).value() == 999'000);
  BOOST_TEST(expired <= 999'000);
}

BOOST_AUTO_TEST_SUITE_END()
