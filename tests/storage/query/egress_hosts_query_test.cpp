#include "storage/query/egress_hosts_query.h"

#include "tests/storage/store_fixture.h"

using namespace picortex;

namespace {

using Verdict = EgressHostsFilter::Verdict;

constexpr QueryBudget kStep{.time_max = std::chrono::microseconds(0)};

// 5,000 denied hosts, the newest ones, after some that matter.
struct HostsFixture : StoreFixture {
  HostsFixture() {
    open();
    attempt("github.com", 443, EgressOutcome::allowed, 1);
    attempt("github.com", 443, EgressOutcome::denied, 2);
    attempt("pastebin.example", 443, EgressOutcome::denied, 3);
    attempt("learned.example", 8443, EgressOutcome::learned, 4);
    get(store->begin(kNow));
    for (int i = 0; i < 5000; ++i) {
      append("h" + std::to_string(i) + ".evil.example", 443, EgressOutcome::denied, 1000 + i / 7);
    }
    commit();
  }
  void append(std::string_view host, std::uint16_t port, EgressOutcome outcome, std::int64_t age) {
    const EgressAttempt made{.host = host, .port = port, .protocol = 6, .outcome = outcome};
    Event event = this->event("egress.rejected", kNow + age);
    event.egress = &made;
    get(store->append(event));
  }
  void attempt(std::string_view host, std::uint16_t port, EgressOutcome outcome, std::int64_t age) {
    get(store->begin(kNow));
    append(host, port, outcome, age);
    commit();
  }
  EgressHostsPage page(EgressHostsFilter filter, std::size_t limit = 200,
                       std::optional<EgressHostCursor> after = {}) {
    auto reader = get(EventReader::open(directory));
    EgressHostsQuery query(std::move(filter), std::move(after), limit);
    int slices = 0;
    for (; !query.is_done(); ++slices) get(query.run(*reader, kStep));
    BOOST_TEST(slices > 30);
    return query.take_page();
  }
  static std::vector<std::string> names(const EgressHostsPage& page) {
    std::vector<std::string> names;
    for (const EgressHost& host : page.hosts) names.push_back(host.name);
    return names;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(egress_hosts_query, HostsFixture)

BOOST_AUTO_TEST_CASE(the_newest_come_first_with_the_counts_of_all) {
  const auto found = page({});
  BOOST_TEST(found.hosts.size() == 200u);
  BOOST_TEST(found.has_more);
  BOOST_TEST(found.total == 5003);
  BOOST_TEST(found.any == 5003);
  BOOST_TEST(found.denied == 5002);
  BOOST_TEST(found.allowed == 2);
  BOOST_TEST(found.evicted == 0);
  // 4998 and 4999 share the newest millisecond.
  BOOST_TEST(found.hosts[0].name == "h4998.evil.example");
  BOOST_TEST(found.hosts[1].name == "h4999.evil.example");
}

BOOST_AUTO_TEST_CASE(what_was_allowed_is_found_though_its_last_attempt_was_denied) {
  const auto found = page({.text = {}, .verdict = Verdict::allowed});
  BOOST_TEST(names(found) == std::vector<std::string>({"learned.example", "github.com"}),
             boost::test_tools::per_element());
  BOOST_TEST(!found.has_more);
  BOOST_TEST(found.hosts[1].allowed == 1);
  BOOST_TEST(found.hosts[1].denied == 1);
  BOOST_TEST(found.matching(Verdict::denied) == 5002);
}

BOOST_AUTO_TEST_CASE(a_text_finds_a_host_in_any_case_and_by_its_port) {
  BOOST_TEST(names(page({.text = "PasteBin"})) == std::vector<std::string>({"pastebin.example"}),
             boost::test_tools::per_element());
  BOOST_TEST(names(page({.text = "example:8443"})) == std::vector<std::string>({"learned.example"}),
             boost::test_tools::per_element());
  const auto both = page({.text = "github", .verdict = Verdict::denied});
  BOOST_TEST(both.any == 1);
  BOOST_TEST(both.hosts.size() == 1u);
  BOOST_TEST(page({.text = "%"}).any == 0);
}

BOOST_AUTO_TEST_CASE(a_time_is_that_of_the_last_attempt) {
  const auto found = page({.text = {}, .since_ms = kNow + 2, .until_ms = kNow + 4});
  BOOST_TEST(names(found) == std::vector<std::string>({"pastebin.example", "github.com"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(pages_have_each_host_once_and_in_order) {
  std::vector<EgressHost> seen;
  std::optional<EgressHostCursor> after;
  for (bool more = true; more;) {
    auto found = page({}, 999, after);
    more = found.has_more;
    BOOST_TEST(found.any == 5003);
    for (EgressHost& host : found.hosts) seen.push_back(std::move(host));
    const EgressHost& last = seen.back();
    after =
        EgressHostCursor::parse(EgressHostCursor{last.last_seen_ms, last.name, last.port}.text());
    BOOST_REQUIRE(after.has_value());
  }
  BOOST_REQUIRE(seen.size() == 5003u);
  for (std::size_t i = 1; i < seen.size(); ++i) {
    const auto order = [](const EgressHost& host) {
      return std::tuple(-host.last_seen_ms, std::string_view(host.name), host.port);
    };
    BOOST_TEST_REQUIRE((order(seen[i - 1]) < order(seen[i])));
  }
  BOOST_TEST(seen.back().name == "github.com");
}

BOOST_AUTO_TEST_CASE(a_host_that_is_attempted_between_slices_is_counted_once) {
  auto reader = get(EventReader::open(directory));
  EgressHostsQuery query({}, std::nullopt, 3);
  get(query.run(*reader, kStep));
  attempt("github.com", 443, EgressOutcome::denied, 90'000);
  attempt("h4.evil.example", 443, EgressOutcome::denied, 90'001);
  while (!query.is_done()) get(query.run(*reader, kStep));
  const auto found = query.take_page();
  BOOST_TEST(found.any == 5003);
  BOOST_TEST(found.hosts.size() == 3u);
}

BOOST_AUTO_TEST_CASE(cursors_hold_any_name_and_nothing_else_is_one) {
  const EgressHostCursor cursor{
      .last_seen_ms = 17, .name = std::string("a.b\0\xff", 5), .port = 8443};
  const auto read = EgressHostCursor::parse(cursor.text());
  BOOST_REQUIRE(read.has_value());
  BOOST_TEST(read->name == cursor.name);
  BOOST_TEST(read->port == 8443);
  BOOST_TEST(read->last_seen_ms == 17);
  for (const char* text : {"", "1", "1.2", "1.2.6", "1.2.6g", "1.70000.61", "-1.2.61", "1..61",
                           "1.2.61.", "x.2.61", "99999999999999999999.2.61"}) {
    BOOST_TEST(!EgressHostCursor::parse(text).has_value(), text);
  }
  BOOST_TEST(!EgressHostCursor::parse("1.2." + std::string(508, 'a')).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
