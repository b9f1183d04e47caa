#include "handlers/alerts/alert_rules.h"

#include <boost/test/unit_test.hpp>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(alert_rules)

namespace {

AlertRule rule(std::string_view text) {
  const auto parsed = parse_alert_rule(text);
  if (!parsed) BOOST_FAIL(parsed.error().what);
  return *parsed;
}

Event event(std::string_view type, Level level = Level::info, std::string_view chat = {}) {
  Event made;
  made.event_type = type;
  made.level = level;
  made.chat_id = chat;
  return made;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_rate_and_a_silence_are_read) {
  const AlertRule rate = rule("level=error rate>10/5m");
  BOOST_TEST((rate.level == Level::error));
  BOOST_TEST((rate.trigger == AlertRule::Trigger::rate));
  BOOST_TEST(rate.count == 10u);
  BOOST_TEST(rate.window_ms == 300'000);
  BOOST_TEST(rate.cooldown_ms == AlertRule::kDefaultCooldownMs);
  BOOST_TEST(rate.text == "level=error rate>10/5m");
  const AlertRule silence = rule("  event_type=linq.*\tsilent>1h   cooldown=2d ");
  BOOST_TEST((silence.trigger == AlertRule::Trigger::silent));
  BOOST_TEST(silence.event_type == "linq.*");
  BOOST_TEST(silence.window_ms == 3'600'000);
  BOOST_TEST(silence.cooldown_ms == 2 * 86'400'000);
}

BOOST_AUTO_TEST_CASE(a_cost_is_read) {
  const AlertRule each = rule("cost>5/1d by=chat_id");
  BOOST_TEST((each.trigger == AlertRule::Trigger::cost));
  BOOST_TEST((each.spending == SpendingLimit{5'000'000, 86'400'000}));
  BOOST_TEST(each.by_chat);
  const AlertRule one = rule("chat_id=a cost>0.25/30m cooldown=1h");
  BOOST_TEST(one.chat_id == "a");
  BOOST_TEST(!one.by_chat);
  BOOST_TEST((one.spending == SpendingLimit{250'000, 1'800'000}));
  BOOST_TEST(one.cooldown_ms == 3'600'000);
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_said) {
  const std::pair<const char*, const char*> wrong[] = {
      {"", "no condition"},
      {"rate>1/1m", "no condition"},
      {"level=error", "no trigger"},
      {"level=loud rate>1/1m", "'loud' is not one of trace"},
      {"level= rate>1/1m", "'level=' lacks its value"},
      {"level=error rate>1", "'1' is not a rate"},
      {"level=error rate>many/1m", "'many' is not a number"},
      {"level=error rate>-1/1m", "'-1' is not a number"},
      {"level=error rate>1000001/1m", "'1000001' is not a number"},
      {"level=error rate>1/1", "'1' is not a duration"},
      {"level=error rate>1/9s", "'9s' is not a duration"},
      {"level=error rate>1/8d", "'8d' is not a duration"},
      {"level=error rate>1/99999999999d", "is not a duration"},
      {"level=error silent>", "lacks its value"},
      {"level=error rate>1/1m silent>1m", "more than one trigger"},
      {"event_type=a event_type=b silent>1m", "second of its kind"},
      {"event_type=*.a silent>1m", "a * that is not at its end"},
      {"level=error rate>1/1m cooldown=soon", "'soon' is not a duration"},
      {"cost>5", "not an amount and a time"},
      {"cost>five/1d", "'five' is not a number of US dollars"},
      {"cost>5/1s", "'1s' is not a duration"},
      {"cost>5/1d by=host", "'host' is not chat_id"},
      {"cost>5/1d by=chat_id chat_id=a", "exclude each other"},
      {"level=error cost>5/1d", "no condition but chat_id="},
      {"event_type=a cost>5/1d", "no condition but chat_id="},
      {"cost>5/1d silent>1m", "more than one trigger"},
      {"level=error rate>1/1m by=chat_id", "belongs to cost>"},
      {"ship.lag>1s", "'1s' is not a duration"},
      {"level=error ship.lag>10m", "ship.lag> takes no condition"},
      {"ship.lag>10m by=chat_id", "belongs to cost>"},
      {"ship.lag>10m silent>1m", "more than one trigger"},
      {"level=error rate>1/1m please", "'please' is neither a condition"},
      {"color=red rate>1/1m", "'color=red' is neither a condition"}};
  for (const auto& [text, why] : wrong) {
    const auto parsed = parse_alert_rule(text);
    BOOST_TEST(!parsed.has_value(), text);
    if (!parsed) {
      BOOST_TEST(parsed.error().what.find(why) != std::string::npos,
                 text << ": " << parsed.error().what);
    }
  }
  BOOST_TEST(!parse_alert_rule("chat_id=" + std::string(257, 'x') + " silent>1m").has_value());
  BOOST_TEST(!parse_alert_rule("level=error rate>1/1m" + std::string(400, ' ')).has_value());
}

BOOST_AUTO_TEST_CASE(events_fit_all_conditions_or_not) {
  BOOST_TEST(rule("level=error silent>1m").fits(event("a", Level::fatal)));
  BOOST_TEST(!rule("level=error silent>1m").fits(event("a", Level::warn)));
  BOOST_TEST(rule("event_type=linq.* silent>1m").fits(event("linq.inbound")));
  BOOST_TEST(!rule("event_type=linq.* silent>1m").fits(event("tmux.turn.start")));
  BOOST_TEST(!rule("event_type=linq silent>1m").fits(event("linq.inbound")));
  const AlertRule all = rule("level=warn event_type=a chat_id=c silent>1m");
  BOOST_TEST(all.fits(event("a", Level::warn, "c")));
  BOOST_TEST(!all.fits(event("a", Level::warn, "d")));
  BOOST_TEST(!all.fits(event("b", Level::warn, "c")));
}

BOOST_AUTO_TEST_CASE(alerts_lead_to_no_alerts) {
  BOOST_TEST(!rule("level=info silent>1m").fits(event("alert.given_up", Level::error)));
  BOOST_TEST(!rule("event_type=alert.* silent>1m").fits(event("alert.rate", Level::warn)));
}

BOOST_AUTO_TEST_SUITE_END()
