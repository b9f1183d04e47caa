#include "netfilter/policy/connection_table.h"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(allowed_table)

namespace {

using namespace picortex;

FlowKey key(std::uint32_t number) {
  return {.source = *parse_ip_address("93.184.0.2"),
          .destination = *parse_ip_address("93.184.216.34"),
          .source_port = static_cast<std::uint16_t>(number),
          .destination_port = static_cast<std::uint16_t>(number >> 16)};
}

BOOST_AUTO_TEST_CASE(a_connection_is_found_under_its_last_name) {
  ConnectionTable table;
  table.add(key(1), *HostName::parse("a.test"));
  table.add(key(1), *HostName::parse("b.test"));
  BOOST_TEST(table.size() == 1);
  BOOST_REQUIRE(table.find(key(1)) != nullptr);
  BOOST_TEST(table.find(key(1))->view() == "b.test");
  table.remove(key(1));
  BOOST_TEST(table.find(key(1)) == nullptr);
}

BOOST_AUTO_TEST_CASE(the_oldest_entry_is_removed_when_it_is_full) {
  ConnectionTable table;
  for (std::uint32_t i = 0; i <= ConnectionTable::kSizeMax; ++i) table.add(key(i), {});
  BOOST_TEST(table.size() == ConnectionTable::kSizeMax);
  BOOST_TEST(table.find(key(0)) == nullptr);
  BOOST_TEST(table.find(key(1)) != nullptr);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
