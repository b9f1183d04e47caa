#include "netfilter/budget/upload_budget.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <utility>
#include <vector>

#include "netfilter/policy/allowlist.h"

BOOST_AUTO_TEST_SUITE(upload_budget)

namespace {

using namespace picortex;

std::string problem_of(std::string_view line) {
  Allowlist list;
  const auto problems = list.add(line, RuleSource::list);
  return problems.empty() ? std::string() : problems.front().reason;
}

UploadBudget budget_of(std::string_view line) {
  Allowlist list;
  BOOST_REQUIRE(list.add(line, RuleSource::list).empty());
  return list.upload_of(0, 0);
}

BOOST_AUTO_TEST_CASE(sizes_are_powers_of_1024_and_windows_times) {
  const std::int64_t k = 1024;
  const std::vector<std::pair<std::string, UploadBudget>> lines{
      {"a.test upload=20M/1h", {.window_bytes = 20 * k * k, .window_ms = 3'600'000}},
      {"*.a.test upload=1M/conn", {.connection_bytes = k * k}},
      {"a.test upload=1024/30m", {.window_bytes = k, .window_ms = 1'800'000}},
      {"a.test upload=3G/1d upload=64K/conn private",
       {.window_bytes = 3 * k * k * k, .window_ms = 86'400'000, .connection_bytes = 64 * k}},
      {"203.0.113.0/24:9000 upload=1K/1m", {.window_bytes = k, .window_ms = 60'000}},
      {"a.test upload=unlimited", {.is_unlimited = true}}};
  for (const auto& [line, budget] : lines) {
    BOOST_TEST_CONTEXT(line) BOOST_TEST((budget_of(line) == budget));
  }
}

BOOST_AUTO_TEST_CASE(texts_are_what_was_read) {
  for (const std::string text : {"20M/1h", "1M/conn", "1500/90m", "3G/2d", "unlimited"}) {
    BOOST_TEST(upload_text(budget_of("a.test upload=" + text)) == text);
  }
  BOOST_TEST(upload_text(budget_of("a.test upload=1M/conn upload=2M/1h")) == "2M/1h,1M/conn");
}

BOOST_AUTO_TEST_CASE(what_is_no_budget_says_why_in_its_line) {
  const std::string size = "the size of upload= is not a number with K, M, G or T from 1K to 1024T";
  const std::string window = "the window of upload= is neither conn nor a time from 1m to 30d";
  for (const auto& [word, why] : std::vector<std::pair<std::string, std::string>>{
           {"upload=", "upload= needs a size and a window, such as 20M/1h or 1M/conn"},
           {"upload=20M", "upload= needs a size and a window, such as 20M/1h or 1M/conn"},
           {"upload=/1h", size},
           {"upload=1023/1h", size},
           {"upload=1.5M/1h", size},
           {"upload=-1M/1h", size},
           {"upload=20m/1h", size},
           {"upload=9999999999999T/1h", size},
           {"upload=1M/59s", window},
           {"upload=1M/31d", window},
           {"upload=1M/0h", window},
           {"upload=1M/", window},
           {"upload=1M/connection", window},
           {"upload=1M/1h upload=2M/1d", "two budgets with a window: give one"},
           {"upload=1M/conn upload=2M/conn", "two budgets for a connection: give one"},
           {"upload=unlimited upload=1M/1h", "upload=unlimited stands alone"},
           {"upload=1M/1h upload=unlimited", "upload=unlimited stands alone"}}) {
    BOOST_TEST_CONTEXT(word) BOOST_TEST(problem_of("a.test " + word) == why);
  }
}

BOOST_AUTO_TEST_CASE(the_last_rule_for_a_target_that_has_a_budget_has_the_say) {
  Allowlist list;
  list.add("github.com\n", RuleSource::built_in);
  list.add("github.com upload=20M/1h\n*.github.com\ngithub.com:22 dns-only\n", RuleSource::list);
  list.add("github.com upload=100M/1h expires=2026-11-23T21:00:00Z\n", RuleSource::temporary);
  const std::int64_t end_ms = list.rules().back().expires_ms;
  // By whichever rule of the target a connection was allowed.
  for (const RuleIndex rule : {0u, 1u, 4u}) {
    BOOST_TEST(upload_text(list.upload_of(rule, end_ms - 1)) == "100M/1h");
    BOOST_TEST(upload_text(list.upload_of(rule, end_ms)) == "20M/1h");
  }
  BOOST_TEST(!list.upload_of(2, 0).is_given());
  BOOST_TEST(!list.upload_of(3, 0).is_given());
  BOOST_TEST(list.has_upload_limits());
}

BOOST_AUTO_TEST_CASE(a_list_without_a_limit_has_none) {
  Allowlist list;
  list.add("a.test\nb.test upload=unlimited\n", RuleSource::list);
  BOOST_TEST(!list.has_upload_limits());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
