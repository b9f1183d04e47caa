#include "reactor/deadline_list.h"

#include <boost/test/unit_test.hpp>
#include <optional>
#include <vector>

#include "tests/support/forked_abort.h"

using namespace picortex;
using std::chrono::seconds;

namespace {

struct Sleeper {
  Sleeper(int number, std::vector<int>& log) : own_number(number), woken(log) {}

  void wake() noexcept {
    woken.push_back(own_number);
    if (restart_in != nullptr) restart_in->start(deadline, restart_at);
    if (stops != nullptr) stops->deadline.stop();
  }

  int own_number;
  std::vector<int>& woken;
  DeadlineList* restart_in = nullptr;
  Instant restart_at{};
  Sleeper* stops = nullptr;
  Deadline deadline = Deadline::to<&Sleeper::wake>(*this);
};

struct Sleepers {
  std::vector<int> woken;
  DeadlineList list{seconds(10)};
  Sleeper one{1, woken};
  Sleeper two{2, woken};
  Sleeper three{3, woken};
  const Instant start{seconds(1000)};

  void expect(const std::vector<int>& numbers) {
    BOOST_TEST(woken == numbers, boost::test_tools::per_element());
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(deadline_list, Sleepers)

BOOST_AUTO_TEST_CASE(wakes_in_the_order_of_starting_and_not_before_the_time) {
  list.start(one.deadline, start);
  list.start(two.deadline, start + seconds(1));
  BOOST_TEST((list.next() == start + seconds(10)));
  list.expire(start + seconds(10) - Nanoseconds(1));
  expect({});
  list.expire(start + seconds(10));
  expect({1});
  BOOST_TEST(!one.deadline.is_running());
  BOOST_TEST(two.deadline.is_in(list));
  list.expire(start + seconds(60));
  expect({1, 2});
  BOOST_TEST((list.next() == Instant::max()));
}

BOOST_AUTO_TEST_CASE(starting_again_moves_to_the_end) {
  list.start(one.deadline, start);
  list.start(two.deadline, start);
  list.start(three.deadline, start);
  list.start(one.deadline, start + seconds(1));
  list.start(three.deadline, start + seconds(1));
  list.expire(start + seconds(11));
  expect({2, 1, 3});
}

BOOST_AUTO_TEST_CASE(stopping_first_middle_and_last_keeps_the_rest) {
  for (Sleeper* stopped : {&one, &two, &three}) {
    woken.clear();
    for (Sleeper* sleeper : {&one, &two, &three}) list.start(sleeper->deadline, start);
    stopped->deadline.stop();
    stopped->deadline.stop();
    list.expire(start + seconds(10));
    BOOST_TEST(woken.size() == 2u);
    BOOST_TEST(woken[0] < woken[1]);
    BOOST_TEST(list.is_empty());
  }
}

BOOST_AUTO_TEST_CASE(starting_in_another_list_leaves_the_first) {
  DeadlineList other(seconds(1));
  list.start(one.deadline, start);
  other.start(one.deadline, start);
  BOOST_TEST(list.is_empty());
  BOOST_TEST(one.deadline.is_in(other));
  one.deadline.stop();
}

BOOST_AUTO_TEST_CASE(expire_first_wakes_one_before_its_time) {
  BOOST_TEST(!list.expire_first());
  list.start(one.deadline, start);
  list.start(two.deadline, start);
  BOOST_TEST(list.expire_first());
  expect({1});
  BOOST_TEST(!list.is_empty());
  two.deadline.stop();
}

BOOST_AUTO_TEST_CASE(a_handler_may_start_its_own_deadline_again) {
  one.restart_in = &list;
  one.restart_at = start + seconds(10);
  list.start(one.deadline, start);
  list.expire(start + seconds(10));
  expect({1});
  BOOST_TEST((list.next() == start + seconds(20)));
  one.deadline.stop();
}

BOOST_AUTO_TEST_CASE(a_handler_may_stop_the_next_one) {
  one.stops = &two;
  for (Sleeper* sleeper : {&one, &two, &three}) list.start(sleeper->deadline, start);
  list.expire(start + seconds(10));
  expect({1, 3});
}

BOOST_AUTO_TEST_CASE(a_destroyed_deadline_leaves_its_list) {
  {
    Sleeper passing(4, woken);
    list.start(passing.deadline, start);
  }
  BOOST_TEST(list.is_empty());
}

BOOST_AUTO_TEST_CASE(destroying_a_list_in_use_aborts) {
  BOOST_TEST(test::aborts([&] {
    auto short_lived = std::make_optional<DeadlineList>(seconds(1));
    short_lived->start(one.deadline, start);
    short_lived.reset();
  }));
}

BOOST_AUTO_TEST_SUITE_END()
