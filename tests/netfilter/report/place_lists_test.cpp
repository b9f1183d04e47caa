#include "netfilter/report/place_lists.h"

#include <boost/test/unit_test.hpp>

using namespace picortex;

namespace {

struct ListsFixture {
  void add(const std::string& place, const std::string& executable = "/bin/a") {
    lists.add({"egress.rejected", EgressOutcome::denied, executable}, place,
              [this](const PlaceLists::List& list) { reported.push_back(list); });
  }
  void flush() {
    lists.flush([this](const PlaceLists::List& list) { reported.push_back(list); });
  }

  PlaceLists lists;
  std::vector<PlaceLists::List> reported;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(place_lists, ListsFixture)

BOOST_AUTO_TEST_CASE(a_place_is_listed_once_with_all_attempts) {
  for (int i = 0; i < 5; ++i) add(i == 2 ? "b.test:443" : "a.test:443");
  add("a.test:443", "/bin/b");
  flush();
  BOOST_REQUIRE(reported.size() == 2u);
  BOOST_TEST(reported[0].attempts == 5);
  BOOST_REQUIRE(reported[0].places.size() == 2u);
  BOOST_TEST(reported[0].places[0].attempts == 4);
  BOOST_TEST(lists.size() == 0u);
}

BOOST_AUTO_TEST_CASE(a_full_list_is_reported_and_begun_again) {
  for (int i = 0; i < 2000; ++i) add("10.0.0." + std::to_string(i) + ":443");
  flush();
  std::size_t places = 0;
  for (const PlaceLists::List& list : reported) {
    places += list.places.size();
    BOOST_TEST(list.text_size <= PlaceLists::kTextSizeMax + PlaceLists::kPlaceSizeMax);
  }
  BOOST_TEST(places == 2000u);
  BOOST_TEST(reported.size() > 5u);
}

BOOST_AUTO_TEST_CASE(the_oldest_of_too_many_lists_makes_room) {
  for (std::size_t i = 0; i <= PlaceLists::kListsMax; ++i) add("a.test:443", std::to_string(i));
  BOOST_TEST(lists.size() == PlaceLists::kListsMax);
  BOOST_REQUIRE(reported.size() == 1u);
  BOOST_TEST(reported[0].kind.executable == "0");
}

BOOST_AUTO_TEST_CASE(a_place_is_cut) {
  add(std::string(10'000, 'x'));
  flush();
  BOOST_TEST(reported.at(0).places.at(0).text.size() == PlaceLists::kPlaceSizeMax);
}

BOOST_AUTO_TEST_SUITE_END()
