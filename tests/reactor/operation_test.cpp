#include "reactor/operation.h"

#include <boost/test/unit_test.hpp>
#include <memory>
#include <vector>

#include "tests/support/forked_abort.h"

using namespace picortex;

BOOST_AUTO_TEST_SUITE(operation)

namespace {

struct Owner {
  void on_completion(const Completion& completion) noexcept {
    was_in_flight.push_back(operation.in_flight());
    results.push_back(completion.result);
    if (arm_again && !completion.more) operation.begin();
  }

  std::vector<bool> was_in_flight;
  std::vector<int> results;
  bool arm_again = false;
  Operation operation = Operation::to<&Owner::on_completion>(*this);
};

constexpr Completion completion_of(int result, bool more) {
  return {.result = result, .more = more, .buffer = Completion::kNoBuffer};
}

}  // namespace

BOOST_AUTO_TEST_CASE(is_in_flight_from_begin_until_its_last_completion) {
  Owner owner;
  BOOST_TEST(!owner.operation.in_flight());
  owner.operation.begin();
  BOOST_TEST(owner.operation.in_flight());
  owner.operation.deliver(completion_of(1, true));
  BOOST_TEST(owner.operation.in_flight());
  owner.operation.deliver(completion_of(2, false));
  BOOST_TEST(!owner.operation.in_flight());
  BOOST_TEST(owner.results == (std::vector{1, 2}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_flag_falls_before_the_handler_runs) {
  Owner owner;
  owner.operation.begin();
  owner.operation.deliver(completion_of(0, true));
  owner.operation.deliver(completion_of(0, false));
  BOOST_TEST(owner.was_in_flight[0]);
  BOOST_TEST(!owner.was_in_flight[1]);
}

BOOST_AUTO_TEST_CASE(its_handler_may_begin_it_again) {
  Owner owner;
  owner.arm_again = true;
  owner.operation.begin();
  owner.operation.deliver(completion_of(5, false));
  BOOST_TEST(owner.operation.in_flight());
  owner.arm_again = false;
  owner.operation.deliver(completion_of(6, false));
  BOOST_TEST(!owner.operation.in_flight());
}

BOOST_AUTO_TEST_CASE(destroying_it_in_flight_aborts) {
  BOOST_TEST(test::aborts([] {
    auto owner = std::make_unique<Owner>();
    owner->operation.begin();
    owner.reset();
  }));
  BOOST_TEST(!test::aborts([] { std::make_unique<Owner>().reset(); }));
}

BOOST_AUTO_TEST_CASE(beginning_it_twice_aborts) {
  BOOST_TEST(test::aborts([] {
    Owner owner;
    owner.operation.begin();
    owner.operation.begin();
  }));
}

BOOST_AUTO_TEST_CASE(a_completion_of_an_idle_operation_aborts) {
  BOOST_TEST(test::aborts([] {
    Owner owner;
    owner.operation.deliver(completion_of(0, false));
  }));
}

BOOST_AUTO_TEST_SUITE_END()
