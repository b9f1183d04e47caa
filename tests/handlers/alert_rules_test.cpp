#include "handlers/alert_rules.h"

#include <boost/test/unit_test.hpp>

using namespace picortex;

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

BOOST_AUTO_TEST_SUITE(alert_rules)

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

BOOST_AUTO_TEST_CASE(what_is_wrong_is_said) {
  const std::pair<const char*, const char*> wrong[] = {
      {"", "no condition"},
      {"rate>1/1m", "no condition"},
      {"level=error", "no trigger"},
      {"level=loud rate>1/1m", "'loud' is none of trace"},
      {"level= rate>1/1m", "'level=' lacks its value"},
      {"level=error rate>1", "'1' is no rate"},
      {"level=error rate>many/1m", "'many' is no number"},
      {"level=error rate>-1/1m", "'-1' is no number"},
      {"level=error rate>1000001/1m", "'1000001' is no number"},
      {"level=error rate>1/1", "'1' is no duration"},
      {"level=error rate>1/9s", "'9s' is no duration"},
      {"level=error rate>1/8d", "'8d' is no duration"},
      {"level=error rate>1/99999999999d", "is no duration"},
      {"level=error silent>", "lacks its value"},
      {"level=error rate>1/1m silent>1m", "more than one trigger"},
      {"event_type=a event_type=b silent>1m", "second of its kind"},
      {"event_type=*.a silent>1m", "a * that is not at its end"},
      {"level=error rate>1/1m cooldown=soon", "'soon' is no duration"},
      {"level=error rate>1/1m please", "'please' is no condition"},
      {"color=red rate>1/1m", "'color=red' is no condition"}};
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
