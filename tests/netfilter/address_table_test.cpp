#include "netfilter/address_table.h"

#include <boost/test/unit_test.hpp>

using namespace picortex;

namespace {

constexpr std::int64_t kNow = 1'800'000'000'000;

IpAddress numbered(std::uint32_t number) {
  IpAddress address;
  for (int i = 0; i < 4; ++i) address.bytes[i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  return address;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(address_table)

BOOST_AUTO_TEST_CASE(knows_the_names_of_a_shared_address) {
  AddressTable table;
  table.learn(numbered(1), "a.example", 60, kNow);
  table.learn(numbered(1), "b.example", 60, kNow);
  table.learn(numbered(2), "c.example", 60, kNow);
  BOOST_TEST(table.agrees(numbered(1), "a.example", kNow));
  BOOST_TEST(table.agrees(numbered(1), "b.example", kNow));
  BOOST_TEST(!table.agrees(numbered(1), "c.example", kNow));
  BOOST_TEST(!table.agrees(numbered(3), "a.example", kNow));
  IpAddress v6 = numbered(1);
  v6.is_v6 = true;
  BOOST_TEST(!table.agrees(v6, "a.example", kNow));
}

BOOST_AUTO_TEST_CASE(forgets_after_time_to_live_and_grace_and_renews) {
  AddressTable table;
  table.learn(numbered(1), "a.example", 60, kNow);
  const std::int64_t end = kNow + 60'000 + AddressTable::kGraceMs;
  BOOST_TEST(table.agrees(numbered(1), "a.example", end - 1));
  BOOST_TEST(!table.agrees(numbered(1), "a.example", end));
  table.learn(numbered(1), "a.example", 30, kNow);
  BOOST_TEST(table.agrees(numbered(1), "a.example", end - 1));
  table.learn(numbered(1), "a.example", 60, kNow + 5000);
  BOOST_TEST(table.agrees(numbered(1), "a.example", end));
  BOOST_TEST(table.size() == 1u);
  table.learn(numbered(2), "b.example", 60, end + 5000);
  BOOST_TEST(table.size() == 1u);
}

BOOST_AUTO_TEST_CASE(holds_16_names_of_an_address) {
  AddressTable table;
  for (int i = 0; i < 40; ++i) table.learn(numbered(1), "n" + std::to_string(i), 60 + i, kNow);
  BOOST_TEST(table.size() == AddressTable::kNamesMax);
  BOOST_TEST(!table.agrees(numbered(1), "n23", kNow));
  BOOST_TEST(table.agrees(numbered(1), "n24", kNow));
}

BOOST_AUTO_TEST_CASE(is_bounded_and_keeps_what_was_renewed_last) {
  AddressTable table;
  table.learn(numbered(0), "kept", 60, kNow);
  table.learn(numbered(1), "lost", 60, kNow);
  for (std::uint32_t i = 2; i < AddressTable::kEntriesMax; ++i)
    table.learn(numbered(i), "x", 60, kNow);
  table.learn(numbered(0), "kept", 60, kNow);
  table.learn(numbered(0xffff0000), "x", 60, kNow);
  BOOST_TEST(table.size() == AddressTable::kEntriesMax);
  BOOST_TEST(table.agrees(numbered(0), "kept", kNow));
  BOOST_TEST(!table.agrees(numbered(1), "lost", kNow));
}

BOOST_AUTO_TEST_SUITE_END()
