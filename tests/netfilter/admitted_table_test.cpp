#include "netfilter/admitted_table.h"

#include <boost/test/unit_test.hpp>

namespace {

using namespace picortex;

FlowKey key(std::uint32_t number) {
  return {.source = *parse_ip_address("93.184.0.2"),
          .destination = *parse_ip_address("93.184.216.34"),
          .source_port = static_cast<std::uint16_t>(number),
          .destination_port = static_cast<std::uint16_t>(number >> 16)};
}

BOOST_AUTO_TEST_SUITE(admitted_table)

BOOST_AUTO_TEST_CASE(a_connection_is_found_under_its_last_name) {
  AdmittedTable table;
  table.add(key(1), *HostName::parse("a.test"));
  table.add(key(1), *HostName::parse("b.test"));
  BOOST_TEST(table.size() == 1);
  BOOST_REQUIRE(table.find(key(1)) != nullptr);
  BOOST_TEST(table.find(key(1))->view() == "b.test");
  table.remove(key(1));
  BOOST_TEST(table.find(key(1)) == nullptr);
}

BOOST_AUTO_TEST_CASE(the_first_admitted_goes_when_it_is_full) {
  AdmittedTable table;
  for (std::uint32_t i = 0; i <= AdmittedTable::kSizeMax; ++i) table.add(key(i), {});
  BOOST_TEST(table.size() == AdmittedTable::kSizeMax);
  BOOST_TEST(table.find(key(0)) == nullptr);
  BOOST_TEST(table.find(key(1)) != nullptr);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
