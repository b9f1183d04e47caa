#include "storage/egress_host_table.h"

#include "storage/sqlite/schema.h"
#include "tests/storage/store_fixture.h"

using namespace picortex;

namespace {

struct EgressFixture : StoreFixture {
  // Gives the request that it came with.
  Uuid attempt(std::string_view host, EgressOutcome outcome, std::int64_t count,
               std::int64_t time_ms) {
    const EgressAttempt made{
        .host = host, .port = 443, .protocol = 6, .outcome = outcome, .count = count};
    Event event = this->event("egress.rejected", time_ms);
    event.egress = &made;
    put(event);
    return event.request_id;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(egress_hosts, EgressFixture)

BOOST_AUTO_TEST_CASE(attempts_at_a_host_add_up_and_survive_a_restart) {
  open();
  attempt("evil.test", EgressOutcome::denied, 1, kNow);
  attempt("good.test", EgressOutcome::allowed, 1, kNow + 1);
  const Uuid last = attempt("evil.test", EgressOutcome::learned, 7, kNow + 60'000);
  open();
  const auto hosts = get(read_egress_hosts(directory));
  BOOST_REQUIRE(hosts.size() == 2u);
  BOOST_TEST(hosts[0].name == "evil.test");
  BOOST_TEST(hosts[0].port == 443);
  BOOST_TEST(hosts[0].protocol == 6);
  BOOST_TEST(hosts[0].first_seen_ms == kNow);
  BOOST_TEST(hosts[0].last_seen_ms == kNow + 60'000);
  BOOST_TEST(hosts[0].attempts == 8);
  BOOST_TEST(hosts[0].allowed == 0);
  BOOST_TEST(hosts[0].learned == 7);
  BOOST_TEST(hosts[0].denied == 1);
  BOOST_TEST(outcome_label(hosts[0].outcome) == "learned");
  BOOST_TEST(outcome_label(hosts[1].outcome) == "allowed");
  BOOST_TEST(bool(hosts[0].last_request == last));
}

BOOST_AUTO_TEST_CASE(what_connections_carried_adds_up_by_host_and_turn) {
  open();
  attempt("good.test", EgressOutcome::allowed, 2, kNow);
  EgressTraffic carried{.host = "good.test",
                        .port = 443,
                        .connections = 2,
                        .bytes_up = 100,
                        .bytes_down = 3000,
                        .has_turn = true};
  Event event = this->event("egress.closed", kNow + 1);
  event.traffic = &carried;
  put(event);
  carried.connections = 1;
  Event later = this->event("egress.closed", kNow + 120'000);
  later.request_id = event.request_id;
  later.traffic = &carried;
  put(later);
  carried.has_turn = false;
  Event of_no_turn = this->event("egress.closed", kNow + 2);
  of_no_turn.traffic = &carried;
  put(of_no_turn);
  // A host that has no row gets none.
  carried.host = "unknown.test";
  Event of_no_host = this->event("egress.closed", kNow + 3);
  of_no_host.traffic = &carried;
  put(of_no_host);
  open();
  const auto hosts = get(read_egress_hosts(directory));
  BOOST_REQUIRE(hosts.size() == 1u);
  BOOST_TEST(hosts[0].connections_ended == 4);
  BOOST_TEST(hosts[0].bytes_up == 300);
  BOOST_TEST(hosts[0].bytes_down == 9000);
  BOOST_TEST(number("SELECT count(*) FROM egress_traffic") == 1);
  BOOST_TEST(number("SELECT sum(bytes_up) FROM turn") == 200);
  // The report of an end is late, and does not prolong the turn.
  BOOST_TEST(number("SELECT end_ms FROM turn WHERE bytes_up > 0") == kNow + 1);
}

BOOST_AUTO_TEST_CASE(an_attempt_is_undone_with_its_transaction) {
  open();
  const EgressAttempt made{.host = "evil.test", .port = 443, .protocol = 6};
  Event event = this->event("egress.rejected");
  event.egress = &made;
  get(store->begin(kNow));
  get(store->append(event));
  store->rollback();
  BOOST_TEST(get(read_egress_hosts(directory)).empty());
}

// A table that is full at the smallest limit. What each name says is what the row is.
struct FullFixture : EgressFixture {
  static constexpr std::int64_t kFull = (40 << 20) / 10 / 500;
  static constexpr std::int64_t kAllowed = kFull - 5000;

  FullFixture() {
    open();
    store.reset();
    // Denied: d1, seen first, to d5000. Allowed: a5001 to a8388.
    get(reader()->execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8388)"
        " INSERT INTO egress_host SELECT iif(i <= 5000, 'd', 'a') || i, 443, 6,"
        " iif(i <= 5000, 2, 0), i, i, 1, NULL FROM n;"
        "INSERT INTO egress_outcome SELECT name, port, outcome = 0, 0, outcome = 2"
        " FROM egress_host;"
        "INSERT INTO egress_traffic SELECT name, port, 1, 2, 3 FROM egress_host"));
    open();
    store->keep_within({.size_max = Retention::kSizeMaxMin});
  }
  std::int64_t rows(std::string_view condition) {
    return number("SELECT count(*) FROM egress_host WHERE " + std::string(condition));
  }
  std::int64_t evicted() {
    return number("SELECT ifnull(max(value), 0) FROM total WHERE name = 'egress_hosts_evicted'");
  }
  void flood(std::string_view prefix, EgressOutcome outcome, int count, std::int64_t begin_ms) {
    get(store->begin(kNow));
    for (int i = 0; i < count; ++i) {
      const std::string host = std::string(prefix) + std::to_string(i);
      const EgressAttempt made{.host = host, .port = 443, .protocol = 6, .outcome = outcome};
      Event event = this->event("egress.rejected", begin_ms + i);
      event.egress = &made;
      get(store->append(event));
    }
    commit();
  }
};

BOOST_FIXTURE_TEST_CASE(denied_junk_evicts_denied_hosts_of_the_middle_alone, FullFixture) {
  flood("junk", EgressOutcome::denied, 500, kNow);
  BOOST_TEST(rows("name LIKE 'a%'") == kAllowed);
  BOOST_TEST(rows("name LIKE 'junk%'") == 500);
  // The older half of the denied ones is what it was, and the rest went from its oldest on.
  BOOST_TEST(rows("name LIKE 'd%' AND last_seen_ms <= 2500") == 2500);
  BOOST_TEST(rows("name = 'd2501'") == 0);
  BOOST_TEST(rows("name = 'd5000'") == 1);
  BOOST_TEST(rows("1") + evicted() == kFull + 500);
  BOOST_TEST(rows("1") <= kFull);
  BOOST_TEST(number("SELECT count(*) FROM egress_outcome") == rows("1"));
  BOOST_TEST(number("SELECT count(*) FROM egress_traffic WHERE name LIKE 'd%'") ==
             rows("name LIKE 'd%'"));
}

BOOST_FIXTURE_TEST_CASE(junk_below_an_allowed_wildcard_leaves_half_of_the_rows_to_denied_hosts,
                        FullFixture) {
  flood("wild", EgressOutcome::allowed, 3000, kNow);
  BOOST_TEST(rows("name LIKE 'd%'") >= 4000);
  BOOST_TEST(rows("name LIKE 'd%' AND last_seen_ms <= 2000") == 2000);
  BOOST_TEST(rows("name = 'd5000'") == 1);
  BOOST_TEST(rows("name LIKE 'a%' AND last_seen_ms <= 6600") == 1600);
}

BOOST_FIXTURE_TEST_CASE(a_denied_attempt_does_not_make_an_allowed_host_evictable, FullFixture) {
  get(store->begin(kNow));
  for (int i = 5001; i <= 5050; ++i) {
    const std::string host = "a" + std::to_string(i);
    const EgressAttempt made{.host = host, .port = 443, .protocol = 17};
    Event event = this->event("egress.rejected", 30);
    event.egress = &made;
    get(store->append(event));
  }
  commit();
  BOOST_TEST(rows("name LIKE 'a%' AND outcome = 2") == 50);
  flood("junk", EgressOutcome::denied, 500, kNow);
  BOOST_TEST(rows("name LIKE 'a%'") == kAllowed);
}

BOOST_FIXTURE_TEST_CASE(an_eviction_is_undone_with_its_transaction, FullFixture) {
  const EgressAttempt made{.host = "new.test", .port = 443, .protocol = 6};
  Event event = this->event("egress.rejected");
  event.egress = &made;
  get(store->begin(kNow));
  get(store->append(event));
  store->rollback();
  BOOST_TEST(rows("1") == kFull);
  BOOST_TEST(evicted() == 0);
  put(event);
  BOOST_TEST(evicted() > 0);
  BOOST_TEST(rows("1") + evicted() == kFull + 1);
}

BOOST_AUTO_TEST_CASE(a_database_of_version_1_is_brought_up_with_its_events) {
  open();
  put(event());
  store.reset();
  get(reader()->execute((kToVersion4 + "DROP TABLE egress_host; PRAGMA user_version = 1").c_str()));
  open();
  BOOST_TEST(number("PRAGMA user_version") == kSchemaVersion);
  BOOST_TEST(number("SELECT count(*) FROM event") == 1);
  attempt("evil.test", EgressOutcome::denied, 1, kNow);
  BOOST_TEST(get(read_egress_hosts(directory)).size() == 1u);
}

BOOST_AUTO_TEST_CASE(attempts_of_before_version_4_count_as_the_last_outcome) {
  open();
  store.reset();
  get(reader()->execute((kToVersion4 +
                         "INSERT INTO egress_host VALUES ('old.test', 443, 6, 2, 1, 2, 14, NULL);"
                         "DROP TABLE egress_outcome; PRAGMA user_version = 3")
                            .c_str()));
  open();
  attempt("old.test", EgressOutcome::allowed, 2, kNow);
  const auto hosts = get(read_egress_hosts(directory));
  BOOST_REQUIRE(hosts.size() == 1u);
  BOOST_TEST(hosts[0].attempts == 16);
  BOOST_TEST(hosts[0].denied == 14);
  BOOST_TEST(hosts[0].allowed == 2);
}

BOOST_AUTO_TEST_CASE(hosts_of_another_version_are_not_guessed_at) {
  open();
  store.reset();
  get(reader()->execute((kToVersion4 + "DROP TABLE egress_host; PRAGMA user_version = 1").c_str()));
  BOOST_TEST((fault_kind(read_egress_hosts(directory)) == FaultKind::open));
}

BOOST_AUTO_TEST_SUITE_END()
