#include "netfilter/report/connection_ledger.h"

#include <boost/test/unit_test.hpp>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(connection_ledger)

namespace {

SocketEnds ends_of(std::uint32_t number) {
  SocketEnds ends;
  ends.protocol = 6;
  ends.source = parse_ip_address("10.0.0.1").value();
  ends.source_port = static_cast<std::uint16_t>(number);
  ends.destination = parse_ip_address("93.184.0.1").value();
  ends.destination.bytes[2] = static_cast<std::uint8_t>(number >> 16);
  ends.destination_port = 443;
  return ends;
}

OpenConnection connection_to(const std::string& host, std::int64_t client_pid = 0) {
  OpenConnection connection;
  connection.host = host;
  connection.client_pid = client_pid;
  return connection;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_connection_is_taken_once) {
  ConnectionLedger ledger;
  ledger.note(ends_of(1), connection_to("a.test", 7));
  BOOST_TEST(!ledger.take(ends_of(2)));
  SocketEnds udp = ends_of(1);
  udp.protocol = 17;
  BOOST_TEST(!ledger.take(udp));
  const auto taken = ledger.take(ends_of(1));
  BOOST_REQUIRE(taken.has_value());
  BOOST_TEST(taken->host == "a.test");
  BOOST_TEST(taken->client_pid == 7);
  BOOST_TEST(!ledger.take(ends_of(1)));
  BOOST_TEST(ledger.size() == 0u);
}

BOOST_AUTO_TEST_CASE(the_latest_host_counts_and_a_process_stays_known) {
  ConnectionLedger ledger;
  ledger.note(ends_of(1), connection_to("a.test", 7));
  ledger.note(ends_of(1), connection_to("b.test"));
  BOOST_TEST(ledger.size() == 1u);
  const auto taken = ledger.take(ends_of(1));
  BOOST_TEST(taken->host == "b.test");
  BOOST_TEST(taken->client_pid == 7);
}

BOOST_AUTO_TEST_CASE(the_oldest_makes_room) {
  ConnectionLedger ledger;
  constexpr std::uint32_t kCount = ConnectionLedger::kSizeMax + 10;
  for (std::uint32_t i = 0; i < kCount; ++i) ledger.note(ends_of(i), connection_to("a.test"));
  BOOST_TEST(ledger.size() == ConnectionLedger::kSizeMax);
  BOOST_TEST(!ledger.take(ends_of(9)));
  BOOST_TEST(ledger.take(ends_of(10)).has_value());
  BOOST_TEST(ledger.take(ends_of(kCount - 1)).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
