#include "base/object_pool.h"

#include <boost/test/unit_test.hpp>
#include <set>

#include "tests/support/forked_abort.h"

using namespace picortex;

BOOST_AUTO_TEST_SUITE(object_pool)

namespace {

struct Object {
  explicit Object(int& counter) : made(++counter) {}
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  int made;
};

}  // namespace

BOOST_AUTO_TEST_CASE(what_was_given_back_is_lent_again_before_anything_is_made) {
  int counter = 0;
  ObjectPool<Object> pool;
  Object& first = pool.lend(counter);
  Object& second = pool.lend(counter);
  BOOST_TEST(counter == 2);
  BOOST_TEST(pool.lent() == 2u);
  pool.give_back(first);
  pool.give_back(second);
  BOOST_TEST(pool.lent() == 0u);
  BOOST_TEST(&pool.lend(counter) == &second);  // the warmest
  BOOST_TEST(&pool.lend(counter) == &first);
  BOOST_TEST(counter == 2);
}

BOOST_AUTO_TEST_CASE(no_more_are_out_than_its_limit) {
  int counter = 0;
  ObjectPool<Object> pool(1);
  BOOST_TEST(!pool.is_used_up());
  Object& only = pool.lend(counter);
  BOOST_TEST(pool.is_used_up());
  BOOST_TEST(test::aborts([&] { pool.lend(counter); }));
  pool.give_back(only);
  BOOST_TEST(!pool.is_used_up());
}

BOOST_AUTO_TEST_CASE(each_object_is_visited_even_if_the_visit_lends_another) {
  int counter = 0;
  ObjectPool<Object> pool;
  pool.lend(counter);
  std::set<int> visited;
  pool.for_each([&](Object& object) {
    visited.insert(object.made);
    // Enough of them to make any container move what it holds.
    if (counter < 100) pool.lend(counter);
  });
  BOOST_TEST(visited.size() == 100u);
}

BOOST_AUTO_TEST_SUITE_END()
