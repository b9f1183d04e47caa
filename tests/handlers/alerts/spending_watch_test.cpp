#include "handlers/alerts/spending_watch.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "storage/turn_note.h"

using namespace picortex;

namespace {

constexpr std::int64_t kSpendingUnix = 1'794'924'000'000;
constexpr std::int64_t kHour = 3'600'000;

struct SpendingFixture {
  ClockReading now() const {
    return {Instant(std::chrono::milliseconds(now_ms)), kSpendingUnix + now_ms};
  }
  void adopt(std::initializer_list<const char*> texts) {
    std::vector<AlertRule> rules;
    for (const char* text : texts) rules.push_back(*parse_alert_rule(text));
    watch.adopt(std::move(rules));
  }
  void spend(std::string_view chat, std::int64_t micros, std::int64_t age_ms = 0,
             bool is_proved = true) {
    TurnNote note;
    note.counts.cost_micros = micros;
    note.is_chat_proved = is_proved;
    Event event;
    event.event_type = "claude.api_request";
    event.chat_id = chat;
    event.time_ms = now().unix_ms - age_ms;
    event.turn = &note;
    ledger.append(event);
    ledger.publish(now());
  }
  std::int64_t spent(std::string_view chat, std::int64_t window_ms) const {
    return ledger.spent(chat, window_ms, now().unix_ms);
  }
  std::vector<std::string> look() {
    std::vector<std::string> seen;
    watch.look(now(), [&](const AlertRule&, std::string_view chat, std::int64_t micros) {
      seen.push_back(std::string(chat) + '=' + std::to_string(micros));
    });
    return seen;
  }
  bool reports(const std::string& what) { return look() == std::vector{what}; }

  std::int64_t now_ms = 1000 * kHour;
  SpendingLedger ledger;
  SpendingWatch watch{ledger};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(spending_watch, SpendingFixture)

BOOST_AUTO_TEST_CASE(each_chat_is_reported_when_it_has_spent_more_than_the_rule_allows) {
  adopt({"cost>5/1d by=chat_id cooldown=1h"});
  spend("a", 5'000'000);
  spend("b", 1);
  BOOST_TEST(look().empty());
  spend("a", 1);
  BOOST_TEST(reports("a=5000001"));
  spend("a", 1);
  spend("b", 6'000'000);
  BOOST_TEST(reports("b=6000001"));
  now_ms += kHour;
  BOOST_TEST(look().empty());  // nothing was spent since
  spend("a", 1);
  BOOST_TEST(reports("a=5000003"));
}

BOOST_AUTO_TEST_CASE(a_rule_may_mean_one_chat_or_all_of_them_together) {
  adopt({"chat_id=a cost>1/1h", "cost>2/1h"});
  spend("b", 1'500'000);
  BOOST_TEST(look().empty());
  spend("a", 1'000'000);
  BOOST_TEST(reports("=2500000"));
  spend("a", 500'000, 0, false);
  BOOST_TEST(look().empty());
  spend("a", 1);
  BOOST_TEST(reports("a=1000001"));
}

BOOST_AUTO_TEST_CASE(what_was_spent_leaves_the_window) {
  spend("a", 3);
  now_ms += kHour;
  spend("a", 4);
  BOOST_TEST(spent("a", kHour / 2) == 4);
  BOOST_TEST(spent("a", 2 * kHour) == 7);
  BOOST_TEST(spent("", 2 * kHour) == 7);
  BOOST_TEST(spent("b", 2 * kHour) == 0);
  now_ms += 2 * kHour + 60'000;
  BOOST_TEST(spent("a", kHour) == 0);
  // What has happened long ago counts then, and a time to come counts as now.
  spend("a", 9, 30 * kHour);
  spend("a", 2, -30 * kHour);
  BOOST_TEST(spent("a", kHour) == 2);
  BOOST_TEST(spent("a", 48 * kHour) == 18);
}

BOOST_AUTO_TEST_CASE(a_claim_without_proof_charges_no_chat) {
  spend("a", 5, 0, false);
  BOOST_TEST(spent("a", kHour) == 0);
  BOOST_TEST(spent("", kHour) == 5);
}

BOOST_AUTO_TEST_CASE(an_opened_store_replaces_what_is_known) {
  spend("a", 5);
  TurnsSoFar turns;
  turns.spent = {{"a", now().unix_ms, 7}, {"", now().unix_ms, 1}, {"b", now().unix_ms - kHour, 2}};
  ledger.on_opened(turns);
  BOOST_TEST(spent("a", 2 * kHour) == 7);
  BOOST_TEST(spent("", 2 * kHour) == 10);
  ledger.forget("a");
  BOOST_TEST(spent("a", 2 * kHour) == 0);
  BOOST_TEST(spent("b", 2 * kHour) == 2);
}

BOOST_AUTO_TEST_CASE(the_ledger_has_a_bound_and_keeps_what_is_new) {
  const std::int64_t minute = 60'000;
  for (std::int64_t i = 0; i < 30; ++i) {
    now_ms += minute;
    for (std::size_t chat = 0; chat < SpendingLedger::kEntriesMax / 25; ++chat) {
      spend("chat-" + std::to_string(chat), 1);
    }
  }
  BOOST_TEST(spent("chat-0", minute) > 0);
  BOOST_TEST(spent("chat-0", 1000 * minute) < 30);
}

BOOST_AUTO_TEST_CASE(limits_are_read_and_shown) {
  const std::tuple<const char*, std::int64_t, std::int64_t> right[] = {
      {"5/1d", 5'000'000, 24 * kHour},
      {"0.50/1h", 500'000, kHour},
      {"0.000001/7d", 1, 168 * kHour},
      {"1000000/1m", 1'000'000'000'000, 60'000}};
  for (const auto& [text, micros, window_ms] : right) {
    const auto limit = parse_spending_limit(text);
    BOOST_REQUIRE_MESSAGE(limit.has_value(), text);
    BOOST_TEST(limit->cost_micros == micros, text);
    BOOST_TEST(limit->window_ms == window_ms, text);
  }
  for (const char* text : {"", "5", "/1d", "5/", "-1/1d", "5./1d", ".5/1d", "0.0000001/1d", "5/1s",
                           "5/8d", "1000001/1d", "5 /1d", "x/1d", "0.-1/1d"}) {
    BOOST_TEST(!parse_spending_limit(text).has_value(), text);
  }
  BOOST_TEST(dollars_text(5'019'999) == "$5.01");
  BOOST_TEST(dollars_text(4'210) == "$0.0042");
  BOOST_TEST(window_text(24 * kHour) == "1d");
  BOOST_TEST(window_text(90 * 60'000) == "90m");
}

BOOST_AUTO_TEST_SUITE_END()
