#include "netfilter/dns/address_use.h"

#include <boost/test/unit_test.hpp>
#include <set>

#include "tests/netfilter/now.h"

using namespace picortex;
using namespace picortex::test;

BOOST_AUTO_TEST_SUITE(address_use)

namespace {

struct Connections {
  bool is_open(const SocketEnds& connection) noexcept {
    ++looks;
    return open.contains(connection.source_port);
  }
  AddressUse::IsOpen callback() { return AddressUse::IsOpen::to<&Connections::is_open>(*this); }

  std::set<std::uint16_t> open;
  int looks = 0;
};

SocketEnds connection_from(std::uint16_t port) {
  return {.protocol = 6,
          .source = *parse_ip_address("192.0.2.1"),
          .source_port = port,
          .destination = *parse_ip_address("93.184.216.34"),
          .destination_port = 443};
}

}  // namespace

BOOST_AUTO_TEST_CASE(an_open_connection_keeps_its_address_good) {
  DnsCache table;
  Connections connections;
  AddressUse use(table, connections.callback());
  const IpAddress address = connection_from(1).destination;
  table.learn(address, "a.test", 60, kNow);
  use.note(connection_from(1));
  connections.open.insert(1);
  std::int64_t now = kNow;
  for (int i = 0; i < 7200; ++i) use.tick(now += 1000);
  BOOST_TEST(table.agrees(address, "a.test", now + DnsCache::kUseMs - 60'000));
  connections.open.clear();
  use.tick(now);
  BOOST_TEST(use.size() == 0u);
  BOOST_TEST(!table.agrees(address, "a.test", now + DnsCache::kUseMs));
}

BOOST_AUTO_TEST_CASE(is_bounded_in_connections_and_in_looks) {
  DnsCache table;
  Connections connections;
  AddressUse use(table, connections.callback());
  for (std::size_t i = 0; i < 2 * AddressUse::kConnectionsMax; ++i) {
    use.note(connection_from(static_cast<std::uint16_t>(i)));
    connections.open.insert(static_cast<std::uint16_t>(i));
  }
  BOOST_TEST(use.size() == AddressUse::kConnectionsMax);
  use.tick(kNow);
  BOOST_TEST(connections.looks == static_cast<int>(AddressUse::kLooksPerTick));
  connections.open.clear();
  for (std::size_t i = 0; i < AddressUse::kConnectionsMax; ++i) use.tick(kNow);
  BOOST_TEST(use.size() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
