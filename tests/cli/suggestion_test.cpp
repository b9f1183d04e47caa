#include "cli/suggestion.h"

#include <boost/test/unit_test.hpp>
#include <utility>
#include <vector>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(suggestion)

BOOST_AUTO_TEST_CASE(the_nearest_name_is_found) {
  const std::vector<std::string> names{"serve", "health", "run", "logs", "why", "db", "egress"};
  const std::pair<const char*, const char*> typos[] = {
      {"lgos", "logs"},     {"log", "logs"},     {"logss", "logs"},    {"serv", "serve"},
      {"sevre", "serve"},   {"helth", "health"}, {"heatlh", "health"}, {"egres", "egress"},
      {"egrses", "egress"}, {"rnu", "run"},      {"wyh", "why"},       {"bd", "db"},
      {"he", "health"}};
  for (const auto& [typo, meant] : typos) BOOST_TEST(nearest_name(typo, names) == meant, typo);
  for (const char* far : {"", "x", "status", "tokens", "stats", "frobnicate"}) {
    BOOST_TEST(nearest_name(far, names) == "", far);
  }
  BOOST_TEST(nearest_name(std::string(1'000'000, 'l'), names) == "");
  BOOST_TEST(nearest_name("logs", {}) == "");
}

BOOST_AUTO_TEST_SUITE_END()
