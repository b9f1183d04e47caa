#include "netfilter/opening/opening_set.h"

#include <fcntl.h>
#include <sched.h>

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <cstring>
#include <iostream>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(opening_set)

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart{std::chrono::hours(1)};
const FencedUser kUser{"chat-user", {{1001, 1001}, {100000, 165535}}};

IpAddress numbered(std::uint32_t number) {
  IpAddress address;
  for (int i = 0; i < 4; ++i) address.bytes[i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  return address;
}

// A network namespace of the test's own.
class OwnNetwork {
 public:
  OwnNetwork() : before_(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) {
    is_entered_ = before_.is_open() && unshare(CLONE_NEWNET) == 0;
    if (is_entered_) return;
    std::cerr << "skipped " << boost::unit_test::framework::current_test_case().p_name
              << ": needs root to make a network namespace (" << strerror(errno) << ")\n";
  }
  ~OwnNetwork() {
    if (is_entered_) BOOST_TEST(setns(before_.number(), CLONE_NEWNET) == 0);
  }
  bool is_entered() const { return is_entered_; }

 private:
  FileDescriptor before_;
  bool is_entered_ = false;
};

std::unique_ptr<OpeningSet> made() {
  auto set = OpeningSet::open(kUser);
  BOOST_REQUIRE_MESSAGE(set, (set ? "" : set.error().what));
  return std::move(*set);
}

bool is_made() { return OpeningSet::is_made().value(); }

}  // namespace

BOOST_AUTO_TEST_CASE(the_table_lasts_as_long_as_its_owner) {
  const OwnNetwork network;
  if (!network.is_entered()) return;
  BOOST_TEST(!is_made());
  auto set = made();
  BOOST_TEST(is_made());
  BOOST_TEST(!OpeningSet::open(kUser));  // one at a time
  set.reset();
  BOOST_TEST(!is_made());
  set = made();
  BOOST_TEST(is_made());
}

BOOST_AUTO_TEST_CASE(entries_last_for_their_time_and_until_all_are_cleared) {
  const OwnNetwork network;
  if (!network.is_entered()) return;
  const auto set = made();
  const IpAddress v6 = parse_ip_address("2001:db8::1").value();
  set->add(numbered(1), 443, seconds(60), kStart);
  set->add(v6, 443, seconds(600), kStart);
  set->add(numbered(2), 443, milliseconds(0), kStart);
  BOOST_TEST(set->send().has_value());
  BOOST_TEST(set->contains(numbered(1), 443, kStart));
  BOOST_TEST(set->contains(v6, 443, kStart));
  BOOST_TEST(!set->contains(numbered(1), 80, kStart));
  BOOST_TEST(!set->contains(numbered(2), 443, kStart));
  // The kernel's own time ends before.
  BOOST_TEST(set->contains(numbered(1), 443, kStart + seconds(61)));
  BOOST_TEST(!set->contains(numbered(1), 443, kStart + seconds(62)));
  set->prune(kStart + seconds(62));
  BOOST_TEST(set->size() == 1u);
  set->add(numbered(1), 443, seconds(60), kStart + seconds(62));
  BOOST_TEST(set->send().has_value());
  BOOST_TEST(set->size() == 2u);
  BOOST_TEST(set->clear().has_value());
  BOOST_TEST(set->size() == 0u);
  BOOST_TEST(!set->contains(v6, 443, kStart));
  BOOST_TEST(set->clear().has_value());
  BOOST_TEST(set->turned_away() == 0u);
}

BOOST_AUTO_TEST_CASE(is_bounded_and_makes_room_for_others_when_entries_expire) {
  const OwnNetwork network;
  if (!network.is_entered()) return;
  const auto set = made();
  for (std::uint32_t i = 0; i < OpeningSet::kEntriesMax; ++i) {
    set->add(numbered(i), 443, seconds(i % 2 == 0 ? 60 : 600), kStart);
    if (i % 64 == 0) BOOST_REQUIRE(set->send().has_value());
  }
  BOOST_TEST(set->send().has_value());
  BOOST_TEST(set->turned_away() == 0u);
  const IpAddress another = parse_ip_address("2001:db8::1").value();
  set->add(another, 443, seconds(60), kStart);
  BOOST_TEST(!set->contains(another, 443, kStart));
  BOOST_TEST(set->turned_away() == 1u);
  // What is there already needs no room.
  set->add(numbered(0), 443, seconds(60), kStart + seconds(100));
  BOOST_TEST(set->turned_away() == 1u);
  const Instant later = kStart + seconds(100);
  for (std::size_t i = 0; i < OpeningSet::kEntriesMax / OpeningSet::kLooksPerPrune + 1; ++i) {
    set->prune(later);
  }
  BOOST_TEST(set->size() == OpeningSet::kEntriesMax / 2 + 1);
  set->add(another, 443, seconds(60), later);
  BOOST_TEST(set->contains(another, 443, later));
  BOOST_TEST(set->send().has_value());
}

BOOST_AUTO_TEST_SUITE_END()
