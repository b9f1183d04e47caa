#include "netfilter/budget/upload_meter.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "base/time/durations.h"

BOOST_AUTO_TEST_SUITE(upload_meter)

namespace {

using namespace picortex;

constexpr std::int64_t kStartMs = 1'800'000'000'000;
constexpr std::int64_t kM = 1 << 20;

FlowKey flow(std::uint16_t port) {
  return {.source = *parse_ip_address("192.0.2.1"),
          .destination = *parse_ip_address("203.0.113.5"),
          .source_port = port,
          .destination_port = 443};
}

struct Metered {
  Allowlist list;
  UploadMeter meter;
  std::int64_t now_ms = kStartMs;

  explicit Metered(std::string_view rules, bool enforces = true, UploadBudget fallback = {})
      : meter(enforces) {
    BOOST_REQUIRE(list.add(rules, RuleSource::list).empty());
    meter.adopt(list, fallback, now_ms);
  }

  bool open(std::uint16_t port, std::string_view name) {
    const auto rule = list.match({.name = name, .port = 443}, now_ms);
    return meter.open(flow(port),
                      {.action = Action::judge,
                       .denied = false,
                       .evidence = Evidence::sni,
                       .reason = Reason::permitted,
                       .host = *HostName::parse(name),
                       .rule = rule},
                      now_ms);
  }

  Reason send(std::uint16_t port, std::int64_t bytes) {
    const auto charge = meter.charge(flow(port), bytes, now_ms);
    if (!charge) return Reason::untracked_flow;
    breach = charge->breach;
    return charge->reason;
  }

  std::optional<UploadBreach> breach;
};

BOOST_AUTO_TEST_CASE(connections_share_a_windows_budget_to_the_last_byte) {
  Metered m("a.test upload=1M/1h\n");
  for (std::uint16_t port = 1; port <= 1000; ++port) BOOST_TEST(m.open(port, "a.test"));
  std::int64_t sent = 0;
  for (std::uint16_t port = 1; port <= 1000; ++port) {
    if (m.send(port, 1500) == Reason::permitted) sent += 1500;
  }
  BOOST_TEST(sent == kM / 1500 * 1500);
  BOOST_TEST(m.meter.use_of(0, m.now_ms)->bytes == sent);
  BOOST_TEST(m.meter.use_of(0, m.now_ms)->is_spent);
}

BOOST_AUTO_TEST_CASE(a_breach_is_reported_once_until_the_window_has_moved) {
  Metered m("a.test upload=1M/1h\n");
  m.open(1, "a.test");
  BOOST_TEST((m.send(1, kM - 100) == Reason::permitted));
  BOOST_TEST((m.send(1, 200) == Reason::upload_budget_spent));
  BOOST_REQUIRE(m.breach.has_value());
  BOOST_TEST(m.breach->budget == "1M/1h");
  BOOST_TEST(m.breach->bytes == kM - 100);
  m.open(2, "a.test");
  // The rest of the budget is not given out by the byte.
  BOOST_TEST((m.send(2, 10) == Reason::upload_budget_spent));
  BOOST_TEST(!m.breach.has_value());
  BOOST_TEST((m.send(2, 0) == Reason::upload_budget_spent));
  m.now_ms += 60 * kMinuteMs;
  BOOST_TEST((m.send(2, 10) == Reason::upload_budget_spent));
  m.now_ms += kMinuteMs;
  BOOST_TEST((m.send(2, kM) == Reason::permitted));
  BOOST_TEST((m.send(2, 1) == Reason::upload_budget_spent));
  BOOST_TEST(m.breach.has_value());
}

BOOST_AUTO_TEST_CASE(a_slow_upload_gets_no_more_than_a_fast_one) {
  Metered m("a.test upload=1M/1h\n");
  m.open(1, "a.test");
  std::int64_t sent = 0;
  for (int i = 0; i < 60; ++i) {
    m.now_ms += kMinuteMs;
    if (m.send(1, 50'000) == Reason::permitted) sent += 50'000;
  }
  BOOST_TEST(sent <= kM);
  BOOST_TEST(sent > kM - kM / 20);
}

BOOST_AUTO_TEST_CASE(a_connections_share_is_its_own) {
  Metered m("*.a.test upload=64K/conn\n");
  for (const std::uint16_t port : {1, 2}) {
    m.open(port, "x.a.test");
    BOOST_TEST((m.send(port, 65'536) == Reason::permitted));
    BOOST_TEST((m.send(port, 1) == Reason::upload_share_spent));
    // Reported once a minute.
    BOOST_TEST(m.breach.has_value() == (port == 1));
  }
  BOOST_TEST(!m.meter.is_spent(0, m.now_ms));
  // Another request on the connection is no new connection; another connection on the port is.
  m.open(1, "y.a.test");
  BOOST_TEST((m.send(1, 1) == Reason::upload_share_spent));
  m.meter.close(flow(1));
  m.open(1, "x.a.test");
  BOOST_TEST((m.send(1, 1) == Reason::permitted));
}

BOOST_AUTO_TEST_CASE(names_below_a_wildcard_have_one_budget_and_other_hosts_none) {
  Metered m("*.a.test upload=1M/1h\nb.test\n");
  m.open(1, "x.a.test");
  BOOST_TEST((m.send(1, kM) == Reason::permitted));
  m.open(2, "y.a.test");
  BOOST_TEST((m.send(2, 1) == Reason::upload_budget_spent));
  BOOST_TEST(!m.open(3, "b.test"));
  BOOST_TEST((m.send(3, kM) == Reason::untracked_flow));
  // A connection that goes on for a host without a budget is not counted any more.
  BOOST_TEST(!m.open(1, "b.test"));
  BOOST_TEST((m.send(1, kM) == Reason::untracked_flow));
}

BOOST_AUTO_TEST_CASE(the_default_is_for_rules_that_say_nothing) {
  UploadBudget fallback;
  BOOST_REQUIRE(add_upload("1M/1h", fallback) == nullptr);
  Metered m("a.test\nb.test upload=2M/1h\nc.test upload=unlimited\n", true, fallback);
  BOOST_TEST(m.open(1, "a.test"));
  BOOST_TEST(m.open(2, "b.test"));
  BOOST_TEST(!m.open(3, "c.test"));
  BOOST_TEST((m.send(1, kM + 1) == Reason::upload_budget_spent));
  BOOST_TEST((m.send(2, 2 * kM) == Reason::permitted));
}

BOOST_AUTO_TEST_CASE(a_raised_budget_counts_what_was_sent_before) {
  Metered m("a.test upload=1M/1h\n");
  m.open(1, "a.test");
  m.send(1, kM);
  BOOST_TEST((m.send(1, 1) == Reason::upload_budget_spent));
  Allowlist raised;
  raised.add("other.test\na.test upload=3M/1h\n", RuleSource::list);
  m.meter.adopt(raised, {}, m.now_ms);
  BOOST_TEST((m.send(1, 2 * kM) == Reason::permitted));
  BOOST_TEST((m.send(1, 1) == Reason::upload_budget_spent));
  BOOST_TEST(m.meter.use_of(1, m.now_ms)->bytes == 3 * kM);
}

BOOST_AUTO_TEST_CASE(learn_mode_reports_a_breach_and_counts_on) {
  Metered m("a.test upload=1M/1h\n", false);
  m.open(1, "a.test");
  BOOST_TEST((m.send(1, kM) == Reason::permitted));
  BOOST_TEST((m.send(1, kM) == Reason::upload_budget_spent));
  BOOST_TEST(m.breach.has_value());
  BOOST_TEST((m.send(1, kM) == Reason::permitted));
  BOOST_TEST(m.meter.use_of(0, m.now_ms)->bytes == 3 * kM);
}

BOOST_AUTO_TEST_CASE(the_connection_that_was_idle_the_longest_makes_room) {
  Metered m("a.test upload=1G/1h\n");
  m.open(1, "a.test");
  m.open(2, "a.test");
  m.send(1, 1);
  for (std::size_t i = 0; i < UploadMeter::kConnectionsMax - 1; ++i) {
    m.open(static_cast<std::uint16_t>(1000 + i), "a.test");
  }
  BOOST_TEST(m.meter.connections() == UploadMeter::kConnectionsMax);
  BOOST_TEST((m.send(1, 1) == Reason::permitted));
  BOOST_TEST((m.send(2, 1) == Reason::untracked_flow));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
