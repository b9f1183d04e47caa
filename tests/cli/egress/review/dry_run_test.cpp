#include "cli/egress/review/dry_run.h"

#include <boost/test/unit_test.hpp>

#include "base/uuid/uuid_v7.h"
#include "cli/egress/review/host_grants.h"
#include "storage/event_store.h"
#include "tests/cli/temporary_directory.h"

using namespace picortex;

namespace {

struct DryRunFixture {
  static constexpr std::int64_t kNow = 1'794'924'000'000;

  DryRunFixture() {
    auto opened = EventStore::open(directory.path(), kNow);
    BOOST_REQUIRE(opened.has_value());
    store = std::move(*opened);
    BOOST_REQUIRE(store->begin(kNow).has_value());
  }
  void record(const char* type, const std::string& data, std::int64_t time_ms = kNow) {
    Event event;
    event.event_type = type;
    event.time_ms = time_ms;
    event.request_id = ids.next(kNow);
    event.data = data;
    BOOST_REQUIRE(store->append(event).has_value());
  }
  void connection(const char* type, const std::string& host, const char* reason,
                  const std::string& more = "") {
    record(type, R"({"host":")" + host +
                     R"(","address":"93.184.216.34","port":443,"protocol":"tcp","evidence":"sni",)"
                     R"("reason":")" +
                     reason + '"' + more + '}');
  }
  DryRun judge(std::string_view rules, std::int64_t since_ms = 0) {
    BOOST_REQUIRE(store->commit().has_value());
    const auto groups = read_attempts(directory.path(), since_ms);
    BOOST_REQUIRE(groups.has_value());
    BOOST_REQUIRE(store->begin(kNow).has_value());
    list = {};
    BOOST_TEST(list.add(rules, RuleSource::list).empty());
    return dry_run(list, *groups, kNow);
  }
  static std::string shown(const std::vector<ChangedOutcome>& outcomes) {
    std::string text;
    for (const ChangedOutcome& outcome : outcomes) {
      text += outcome.place + '*' + std::to_string(outcome.count) + ' ' +
              (outcome.rule.empty() ? std::string(reason_label(outcome.reason)) : outcome.rule) +
              "; ";
    }
    return text;
  }
  std::string unused(const DryRun& run) const {
    std::string text;
    for (const RuleIndex index : run.unused) text += list.rules()[index].text + ' ';
    return text;
  }

  TemporaryDirectory directory;
  std::unique_ptr<EventStore> store;
  UuidV7Generator ids;
  Allowlist list;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(dry_run_of_a_list, DryRunFixture)

BOOST_AUTO_TEST_CASE(says_what_would_pass_and_what_would_be_denied) {
  connection("egress.allowed", "a.test", "permitted");
  connection("egress.allowed", "a.test", "permitted", R"(,"repeated":6)");
  connection("egress.allowed", "b.test", "permitted");
  connection("egress.rejected", "c.test", "name_not_allowed");
  connection("egress.new_host", "c.test", "name_not_allowed");  // the same attempt
  connection("egress.allowed", "l.test", "name_not_allowed", R"(,"learned":true)");
  record("egress.rejected", R"({"host":"c.test","protocol":"udp","evidence":"dns",)"
                            R"("reason":"name_not_allowed"})");
  const DryRun run = judge("b.test\nc.test\nnever.test\n");
  BOOST_TEST(run.attempts == 11);
  BOOST_TEST(run.unchanged == 1);
  BOOST_TEST(shown(run.now_allowed) == "c.test:443*1 c.test; c.test*1 c.test; ");
  BOOST_TEST(shown(run.now_denied) ==
             "a.test:443*7 name_not_allowed; l.test:443*1 name_not_allowed; ");
  BOOST_TEST(unused(run) == "never.test ");
}

BOOST_AUTO_TEST_CASE(reads_lists_of_places_and_leaves_out_what_it_cannot_read) {
  record("egress.allowed", R"({"outcome":"allowed","attempts":9,"places":["a.test:443",)"
                           R"("[2001:db8::1]:8443","no place",7]})");
  for (const char* broken :
       {"", "{}", R"({"host":7,"port":"x"})", R"({"host":"a.test","port":443})"}) {
    record("egress.rejected", broken);
  }
  const DryRun run = judge("[2001:db8::/32]:8443\n");
  BOOST_TEST(shown(run.now_denied) == "a.test:443*1 name_not_allowed; ");
  BOOST_TEST(run.now_allowed.empty());
}

BOOST_AUTO_TEST_CASE(attempts_from_before_the_time_do_not_count) {
  connection("egress.allowed", "a.test", "permitted");
  BOOST_TEST(judge("", kNow).attempts == 1);
  BOOST_TEST(judge("", kNow + 1).attempts == 0);
}

BOOST_AUTO_TEST_CASE(a_hundred_thousand_attempts_are_judged) {
  for (int i = 0; i < 100'000; ++i) {
    connection("egress.allowed", "h" + std::to_string(i % 5'000) + ".a.test", "permitted");
  }
  const DryRun run = judge("*.a.test\n");
  BOOST_TEST(run.attempts == 100'000);
  BOOST_TEST(run.unchanged == 100'000);
}

BOOST_AUTO_TEST_CASE(what_every_built_in_host_permits_is_known) {
  list.add(kBuiltInRules, RuleSource::built_in);
  for (const Rule& rule : list.rules()) {
    BOOST_TEST((find_grant(rule.name) != nullptr), rule.name);
  }
  BOOST_TEST((find_grant("a.test") == nullptr));
}

BOOST_AUTO_TEST_SUITE_END()
