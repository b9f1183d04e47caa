#include "base/callback.h"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(callback)

namespace {

struct Owner {
  void add(int value) noexcept { sum += value; }
  bool is_large(const std::string& text) const noexcept { return text.size() > limit; }
  void append(std::string& out) noexcept { out += "appended"; }

  int sum = 0;
  std::size_t limit = 3;
};

}  // namespace

BOOST_AUTO_TEST_CASE(calls_the_member_on_its_own_object) {
  Owner one;
  Owner other;
  const auto first = Callback<int>::to<&Owner::add>(one);
  Callback<int> second = first;
  second(2);
  second = Callback<int>::to<&Owner::add>(other);
  second(5);
  first(1);
  BOOST_TEST(one.sum == 3);
  BOOST_TEST(other.sum == 5);
}

BOOST_AUTO_TEST_CASE(passes_references_through_and_returns_the_answer) {
  Owner owner;
  std::string text;
  Callback<std::string&>::to<&Owner::append>(owner)(text);
  BOOST_TEST(text == "appended");
  const Owner& constant = owner;
  const auto is_large = BoundMember<bool(const std::string&)>::to<&Owner::is_large>(constant);
  BOOST_TEST(is_large("four"));
  BOOST_TEST(!is_large("two"));
}

BOOST_AUTO_TEST_CASE(one_that_is_bound_to_nothing_does_nothing) {
  Callback<int>()(1);
  BOOST_TEST(!BoundMember<bool()>()());
}

BOOST_AUTO_TEST_SUITE_END()
