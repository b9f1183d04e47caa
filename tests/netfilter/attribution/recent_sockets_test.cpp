#include "netfilter/attribution/recent_sockets.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <vector>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(recent_sockets)

namespace {

// Places of processes 1 … `count`, the last one being the latest.
struct Pool {
  explicit Pool(pid_t count) {
    for (pid_t pid = 1; pid <= count; ++pid) sockets.add({pid, 3, {}});
  }

  // Looks at places until one is the process's, which is a match. Returns how many it looked at.
  int looks_for(pid_t pid) {
    sockets.begin();
    for (int looks = 1; !sockets.is_finished(); ++looks) {
      if (sockets.next().pid != pid) continue;
      sockets.note_match();
      return looks;
    }
    return 0;
  }

  std::vector<pid_t> order() {
    std::vector<pid_t> order;
    for (sockets.begin(); !sockets.is_finished();) order.push_back(sockets.next().pid);
    return order;
  }

  RecentSockets sockets;
};

}  // namespace

BOOST_AUTO_TEST_CASE(the_latest_is_first_at_the_beginning) {
  BOOST_TEST(Pool(0).order().empty());
  BOOST_TEST(Pool(5).order() == (std::vector<pid_t>{5, 4, 3, 2, 1}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_process_that_opens_one_socket_after_the_other_is_found_at_once) {
  Pool pool(16);
  BOOST_TEST(pool.looks_for(7) == 10);
  pool.looks_for(7);
  for (int i = 0; i < 10; ++i) BOOST_TEST(pool.looks_for(7) == 1);
}

BOOST_AUTO_TEST_CASE(processes_that_take_turns_are_found_at_once_as_well) {
  Pool pool(16);
  pool.looks_for(1);
  for (int i = 0; i < 40; ++i) BOOST_TEST(pool.looks_for(i % 15 + 2) <= 2);
}

BOOST_AUTO_TEST_CASE(each_place_is_looked_at_once_wherever_the_search_begins) {
  for (pid_t count = 1; count <= 9; ++count) {
    for (pid_t match = 1; match <= count; ++match) {
      Pool pool(count);
      pool.looks_for(match);
      std::vector<pid_t> order = pool.order();
      BOOST_TEST(pool.sockets.places().back().pid == match);
      std::ranges::sort(order);
      BOOST_REQUIRE(order.size() == static_cast<std::size_t>(count));
      for (pid_t pid = 1; pid <= count; ++pid)
        BOOST_TEST(order[static_cast<std::size_t>(pid - 1)] == pid);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_match_begins_again_for_the_other_questions) {
  Pool pool(3);
  pool.sockets.begin();
  pool.sockets.next();
  pool.sockets.next();
  pool.sockets.note_match();  // of 2
  std::vector<pid_t> rest;
  while (!pool.sockets.is_finished()) rest.push_back(pool.sockets.next().pid);
  BOOST_TEST(rest == (std::vector<pid_t>{3, 1, 2}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_process_that_is_forgotten_is_not_looked_at) {
  Pool pool(3);
  pool.sockets.begin();
  BOOST_TEST(pool.sockets.next().pid == 3);
  pool.sockets.forget(2);
  BOOST_TEST(pool.looks_for(2) == 0);
  BOOST_TEST(pool.order() == (std::vector<pid_t>{3, 1}), boost::test_tools::per_element());
  pool.sockets.forget(2);
  BOOST_TEST(pool.sockets.is_finished());
}

BOOST_AUTO_TEST_CASE(of_each_process_there_is_the_last_place_and_of_all_a_bounded_number) {
  Pool pool(RecentSockets::kMax);
  pool.sockets.add({1, 8, {}});
  BOOST_TEST(pool.sockets.places().size() == RecentSockets::kMax);
  BOOST_TEST(pool.sockets.places().back().descriptor == 8);
  pool.sockets.add({1000, 3, {}});
  BOOST_TEST(pool.sockets.places().size() == RecentSockets::kMax);
  BOOST_TEST(pool.looks_for(2) == 0);
  BOOST_TEST(pool.looks_for(1) > 0);
}

BOOST_AUTO_TEST_SUITE_END()
