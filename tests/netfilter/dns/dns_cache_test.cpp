#include "netfilter/dns/dns_cache.h"

#include <boost/test/unit_test.hpp>
#include <limits>
#include <string>
#include <vector>

#include "tests/netfilter/now.h"

using namespace picortex;
using namespace picortex::test;

BOOST_AUTO_TEST_SUITE(address_table)

namespace {

IpAddress numbered(std::uint32_t number) {
  IpAddress address;
  for (int i = 0; i < 4; ++i) address.bytes[i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  return address;
}

}  // namespace

BOOST_AUTO_TEST_CASE(knows_the_names_of_a_shared_address) {
  DnsCache table;
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

BOOST_AUTO_TEST_CASE(expires_after_time_to_live_and_grace_and_renews) {
  DnsCache table;
  table.learn(numbered(1), "a.example", 60, kNow);
  const std::int64_t end = kNow + 60'000 + DnsCache::kGraceMs;
  BOOST_TEST(table.agrees(numbered(1), "a.example", end - 1));
  BOOST_TEST(!table.agrees(numbered(1), "a.example", end));
  BOOST_TEST(table.valid_until_ms(numbered(1), "a.example") == end);
  BOOST_TEST(table.valid_until_ms(numbered(1), "b.example") == 0);
  table.learn(numbered(1), "a.example", 30, kNow);
  BOOST_TEST(table.agrees(numbered(1), "a.example", end - 1));
  table.learn(numbered(1), "a.example", 60, kNow + 5000);
  BOOST_TEST(table.agrees(numbered(1), "a.example", end));
  BOOST_TEST(table.size() == 1u);
  table.learn(numbered(2), "b.example", 60, end + 5000);
  BOOST_TEST(table.size() == 1u);
}

std::string named(int number) { return "n" + std::to_string(number); }

struct Recorder final : DnsCache::Recorder {
  void on_address(const AddressRecord& record) noexcept override { records.push_back(record); }
  std::vector<AddressRecord> records;
};

BOOST_AUTO_TEST_CASE(an_address_keeps_its_share_of_names_and_more_while_their_clients_connect) {
  DnsCache table;
  const int names = static_cast<int>(DnsCache::kNamesMax);
  for (int i = 0; i < 3 * names; ++i) BOOST_TEST(table.learn(numbered(1), named(i), 60, kNow));
  BOOST_TEST(table.agrees(numbered(1), named(0), kNow));
  // Those clients have connected by now: the oldest names give way, two for each new one.
  const std::int64_t later = kNow + DnsCache::kAnswerHoldMs;
  for (int i = 0; i < 2 * names; ++i) table.learn(numbered(1), "x" + named(i), 60, later);
  BOOST_TEST(!table.agrees(numbered(1), named(3 * names - 1), later));
  BOOST_TEST(table.agrees(numbered(1), "x" + named(0), later));
}

BOOST_AUTO_TEST_CASE(no_name_gives_way_while_a_connection_to_its_address_opens) {
  DnsCache table;
  const int names = static_cast<int>(DnsCache::kNamesMax);
  for (int i = 0; i < names; ++i) table.learn(numbered(1), named(i), 600, kNow);
  const std::int64_t syn = kNow + DnsCache::kAnswerHoldMs;
  table.hold(numbered(1), syn);
  const std::int64_t hello = syn + DnsCache::kOpeningHoldMs - 1;
  table.learn(numbered(1), "more", 600, hello);
  BOOST_TEST(table.agrees(numbered(1), named(0), hello));
  table.learn(numbered(1), "still more", 600, hello + 1);
  BOOST_TEST(!table.agrees(numbered(1), named(0), hello + 1));
}

BOOST_AUTO_TEST_CASE(use_renews_what_is_good_for_a_day_at_most) {
  DnsCache table;
  table.learn(numbered(1), "a.example", 60, kNow);
  std::int64_t now = kNow;
  for (; now < kNow + DnsCache::kAgeMaxMs; now += DnsCache::kUseMs - 1) {
    BOOST_REQUIRE(table.agrees(numbered(1), "a.example", now));
    table.use(numbered(1), now);
  }
  BOOST_TEST(!table.agrees(numbered(1), "a.example", kNow + DnsCache::kAgeMaxMs));
  // A use does not bring back what has expired.
  table.use(numbered(1), now);
  BOOST_TEST(!table.agrees(numbered(1), "a.example", now));
}

BOOST_AUTO_TEST_CASE(visits_the_name_answered_last_first) {
  DnsCache table;
  for (const char* name : {"a", "b", "c", "a"}) table.learn(numbered(1), name, 60, kNow);
  std::string seen;
  table.find_name(numbered(1), kNow, [&seen](std::string_view name) {
    seen += name;
    return false;
  });
  BOOST_TEST(seen == "acb");
}

BOOST_AUTO_TEST_CASE(knows_the_names_that_it_has_addresses_of) {
  DnsCache table;
  table.learn(numbered(1), "a.example", 60, kNow);
  table.learn(numbered(2), "a.example", 60, kNow);
  BOOST_TEST(table.knows_name("a.example"));
  BOOST_TEST(table.knows(numbered(2), kNow));
  BOOST_TEST(!table.knows_name("b.example"));
  table.learn(numbered(3), "b.example", 60, kNow + 24 * 3'600'000);
  BOOST_TEST(!table.knows_name("a.example"));
}

BOOST_AUTO_TEST_CASE(records_what_is_new_and_renewals_of_weight) {
  DnsCache table;
  Recorder recorder;
  table.set_recorder(&recorder);
  table.learn(numbered(1), "a.example", 60, kNow);
  for (int i = 1; i <= 60; ++i) table.learn(numbered(1), "a.example", 60, kNow + i * 1000);
  BOOST_TEST(recorder.records.size() == 1u);
  table.learn(numbered(1), "a.example", 60, kNow + 180'000);
  BOOST_TEST(recorder.records.size() == 2u);
  // What is renewed during a walk is recorded, since the walk may have passed its new place by.
  table.learn(numbered(2), "b.example", 60, kNow + 180'000);
  table.begin_walk();
  table.learn(numbered(1), "a.example", 60, kNow + 181'000);
  BOOST_TEST(recorder.records.size() == 4u);
  std::string walked;
  while (table.walk(1, [&walked](const AddressRecord& record) { walked += record.name + ' '; })) {
    continue;
  }
  BOOST_TEST(walked.find("b.example") != walked.npos);
}

BOOST_AUTO_TEST_CASE(restores_only_what_an_answer_could_have_left) {
  DnsCache table;
  const auto restore = [&table](std::int64_t answered_ms, std::int64_t expires_ms) {
    return table.restore({numbered(1), "a.example", answered_ms, expires_ms}, kNow);
  };
  BOOST_TEST(!restore(kNow - 1000, kNow));                // expired
  BOOST_TEST(!restore(kNow + 60'000, kNow + 120'000));    // answered in the future
  BOOST_TEST(!restore(kNow - 1000, kNow + 100'000'000));  // no TTL is as long
  BOOST_TEST(!restore(kNow - DnsCache::kAgeMaxMs - 1, kNow + 1000));
  BOOST_TEST(!restore(std::numeric_limits<std::int64_t>::min(), kNow + 1000));
  BOOST_TEST(!restore(kNow, std::numeric_limits<std::int64_t>::max()));
  BOOST_TEST(table.size() == 0u);
  BOOST_TEST(restore(kNow - 300'000, kNow + 200'000));
  BOOST_TEST(table.agrees(numbered(1), "a.example", kNow + 199'999));
  // What is restored first gives no way to the rest, however much it is.
  for (int i = 0; i < 3 * static_cast<int>(DnsCache::kNamesMax); ++i) {
    table.restore({numbered(1), named(i), kNow - 1000, kNow + 200'000}, kNow);
  }
  BOOST_TEST(table.agrees(numbered(1), "a.example", kNow));
}

BOOST_AUTO_TEST_CASE(is_bounded_and_keeps_what_was_renewed_last) {
  DnsCache table;
  table.learn(numbered(0), "kept", 3600, kNow);
  table.learn(numbered(1), "lost", 3600, kNow);
  for (std::uint32_t i = 2; i < DnsCache::kEntriesMax; ++i)
    table.learn(numbered(i), "x", 3600, kNow);
  const std::int64_t later = kNow + DnsCache::kAnswerHoldMs;
  // While each may have a client that connects, a new one is turned away.
  BOOST_TEST(!table.learn(numbered(0xffff0000), "x", 60, later - 1));
  BOOST_TEST(table.turned_away() == 1u);
  table.learn(numbered(0), "kept", 3600, later);
  BOOST_TEST(table.learn(numbered(0xffff0000), "x", 60, later));
  BOOST_TEST(table.size() == DnsCache::kEntriesMax);
  BOOST_TEST(table.agrees(numbered(0), "kept", later));
  BOOST_TEST(!table.agrees(numbered(1), "lost", later));
}

BOOST_AUTO_TEST_SUITE_END()
