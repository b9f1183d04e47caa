#include "cli/commands/time_expression.h"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <ctime>
#include <fstream>

#include "base/time/timestamp.h"

using namespace picortex;

namespace {

// The zone of each test, put back at its end.
struct Zone {
  explicit Zone(const char* name = "Europe/Berlin") {
    if (const char* old = std::getenv("TZ")) before = old;
    set(name);
  }
  ~Zone() {
    before.empty() ? unsetenv("TZ") : setenv("TZ", before.c_str(), 1);
    tzset();
  }
  static void set(const char* name) {
    setenv("TZ", name, 1);
    tzset();
  }

  std::string before;
};

// "2026-11-17 14:00:00.000" as it is shown, for one instant; "begin .. end" for a span.
std::string shown(std::string_view text, std::string_view now) {
  const auto now_ms = parse_time_expression(now, 0);
  BOOST_REQUIRE(now_ms.has_value());
  const auto span = parse_time_expression(text, now_ms->begin_ms);
  if (!span) return "none";
  const auto without_zeros = [](std::string time) {
    return time.ends_with(".000") ? time.substr(0, 19) : time;
  };
  const std::string begin = without_zeros(local_time(span->begin_ms));
  return span->is_instant() ? begin : begin + " .. " + without_zeros(local_time(span->end_ms));
}

std::int64_t hours(std::string_view text, std::string_view now) {
  const auto span = parse_time_expression(text, parse_time_expression(now, 0)->begin_ms);
  return (span->end_ms - span->begin_ms) / 3'600'000;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(time_expression, Zone)

// 2026-11-23 is a Monday.
BOOST_AUTO_TEST_CASE(days_are_whole_days) {
  constexpr auto kNow = "2026-11-23 09:30";
  BOOST_TEST(shown("today", kNow) == "2026-11-23 00:00:00 .. 2026-11-24 00:00:00");
  BOOST_TEST(shown("Yesterday", kNow) == "2026-11-22 00:00:00 .. 2026-11-23 00:00:00");
  BOOST_TEST(shown("2026-11-17", kNow) == "2026-11-17 00:00:00 .. 2026-11-18 00:00:00");
  BOOST_TEST(shown("last tuesday", kNow) == "2026-11-17 00:00:00 .. 2026-11-18 00:00:00");
  BOOST_TEST(shown("tuesday", kNow) == "2026-11-17 00:00:00 .. 2026-11-18 00:00:00");
  BOOST_TEST(shown("  LAST  Tue ", kNow) == "2026-11-17 00:00:00 .. 2026-11-18 00:00:00");
  BOOST_TEST(shown("sunday", kNow) == "2026-11-22 00:00:00 .. 2026-11-23 00:00:00");
}

BOOST_AUTO_TEST_CASE(a_weekday_may_be_today_and_the_last_one_is_a_week_ago) {
  BOOST_TEST(shown("tuesday", "2026-11-17 12:00") == "2026-11-17 00:00:00 .. 2026-11-18 00:00:00");
  BOOST_TEST(shown("last tuesday", "2026-11-17 12:00") ==
             "2026-11-10 00:00:00 .. 2026-11-11 00:00:00");
  BOOST_TEST(shown("last tuesday", "2026-11-18 00:00") ==
             "2026-11-17 00:00:00 .. 2026-11-18 00:00:00");
  BOOST_TEST(shown("last tuesday", "2026-11-17 23:59:59.999") ==
             "2026-11-10 00:00:00 .. 2026-11-11 00:00:00");
}

BOOST_AUTO_TEST_CASE(times_of_day_are_instants) {
  constexpr auto kNow = "2026-11-23 09:30";
  BOOST_TEST(shown("14:00", kNow) == "2026-11-23 14:00:00");
  BOOST_TEST(shown("9:05", kNow) == "2026-11-23 09:05:00");
  BOOST_TEST(shown("yesterday 14:00:05", kNow) == "2026-11-22 14:00:05");
  BOOST_TEST(shown("last tuesday 14:00", kNow) == "2026-11-17 14:00:00");
  BOOST_TEST(shown("2026-11-17 14:00", kNow) == "2026-11-17 14:00:00");
  BOOST_TEST(shown("2026-11-17T14:00:05", kNow) == "2026-11-17 14:00:05");
  BOOST_TEST(shown("2026-11-17 14:00:05.123", kNow) == "2026-11-17 14:00:05.123");
  BOOST_TEST(shown("2026-11-17T14:00:00Z", kNow) == "2026-11-17 15:00:00");
  BOOST_TEST(shown("2026-11-17T14:00:00-05:00", kNow) == "2026-11-17 20:00:00");
  BOOST_TEST(shown("now", kNow) == "2026-11-23 09:30:00");
}

BOOST_AUTO_TEST_CASE(durations_lead_back_from_now) {
  constexpr auto kNow = "2026-11-23 09:30";
  BOOST_TEST(shown("2h", kNow) == "2026-11-23 07:30:00");
  BOOST_TEST(shown("2h ago", kNow) == "2026-11-23 07:30:00");
  BOOST_TEST(shown("30m", kNow) == "2026-11-23 09:00:00");
  BOOST_TEST(shown("90 minutes ago", kNow) == "2026-11-23 08:00:00");
  BOOST_TEST(shown("45s", kNow) == "2026-11-23 09:29:15");
  BOOST_TEST(shown("3d", kNow) == "2026-11-20 09:30:00");
  BOOST_TEST(shown("1w", kNow) == "2026-11-16 09:30:00");
  BOOST_TEST(shown("10h", kNow) == "2026-11-22 23:30:00");
}

BOOST_AUTO_TEST_CASE(times_of_half_a_day_are_times_of_day) {
  constexpr auto kNow = "2026-11-23 09:30";
  BOOST_TEST(shown("9am", kNow) == "2026-11-23 09:00:00");
  BOOST_TEST(shown("12AM", kNow) == "2026-11-23 00:00:00");
  BOOST_TEST(shown("12:05 pm", kNow) == "2026-11-23 12:05:00");
  BOOST_TEST(shown("Monday 9am", kNow) == "2026-11-23 09:00:00");
  BOOST_TEST(shown("last tuesday 11:59PM", kNow) == "2026-11-17 23:59:00");
  BOOST_TEST(shown("yesterday noon", kNow) == "2026-11-22 12:00:00");
  for (const char* text :
       {"0am", "13pm", "9:5am", "9:60am", ":30am", "am", "9:am", "9 a", "-1pm"}) {
    BOOST_TEST(shown(text, kNow) == "none", text);
  }
}

BOOST_AUTO_TEST_CASE(a_day_of_a_month_is_the_latest_that_has_come) {
  constexpr auto kNow = "2026-11-23 09:30";
  BOOST_TEST(shown("nov 17", kNow) == "2026-11-17 00:00:00 .. 2026-11-18 00:00:00");
  BOOST_TEST(shown("23 November", kNow) == "2026-11-23 00:00:00 .. 2026-11-24 00:00:00");
  BOOST_TEST(shown("nov 24", kNow) == "2025-11-24 00:00:00 .. 2025-11-25 00:00:00");
  BOOST_TEST(shown("feb 29", kNow) == "2024-02-29 00:00:00 .. 2024-03-01 00:00:00");
  BOOST_TEST(shown("Dec 3, 2024", kNow) == "2024-12-03 00:00:00 .. 2024-12-04 00:00:00");
  BOOST_TEST(shown("nov 17 14:00", kNow) == "2026-11-17 14:00:00");
  BOOST_TEST(shown("17 nov 2025 9am", kNow) == "2025-11-17 09:00:00");
  for (const char* text :
       {"nov", "nov 0", "nov 31", "feb 29 2026", "no 17", "november17", "17", "nov 17 26"}) {
    BOOST_TEST(shown(text, kNow) == "none", text);
  }
}

BOOST_AUTO_TEST_CASE(weeks_months_and_years_are_whole) {
  constexpr auto kNow = "2026-11-25 09:30";
  BOOST_TEST(shown("this week", kNow) == "2026-11-23 00:00:00 .. 2026-11-30 00:00:00");
  BOOST_TEST(shown("Last Week", kNow) == "2026-11-16 00:00:00 .. 2026-11-23 00:00:00");
  BOOST_TEST(shown("this week", "2026-11-29 23:59") ==
             "2026-11-23 00:00:00 .. 2026-11-30 00:00:00");
  BOOST_TEST(shown("this month", kNow) == "2026-11-01 00:00:00 .. 2026-12-01 00:00:00");
  BOOST_TEST(shown("last month", kNow) == "2026-10-01 00:00:00 .. 2026-11-01 00:00:00");
  BOOST_TEST(shown("last month", "2026-01-31 12:00") ==
             "2025-12-01 00:00:00 .. 2026-01-01 00:00:00");
  BOOST_TEST(shown("last year", kNow) == "2025-01-01 00:00:00 .. 2026-01-01 00:00:00");
  BOOST_TEST(hours("last month", kNow) == 31 * 24 + 1);  // clocks were set back
  BOOST_TEST(shown("next week", kNow) == "none");
  BOOST_TEST(shown("last weeks", kNow) == "none");
}

BOOST_AUTO_TEST_CASE(durations_may_have_several_units) {
  constexpr auto kNow = "2026-11-23 09:30";
  BOOST_TEST(shown("1h30m", kNow) == "2026-11-23 08:00:00");
  BOOST_TEST(shown("1 hour 30 minutes ago", kNow) == "2026-11-23 08:00:00");
  BOOST_TEST(shown("1d12h", kNow) == "2026-11-21 21:30:00");
  BOOST_TEST(shown("2w 1d", kNow) == "2026-11-08 09:30:00");
  for (const char* text : {"1h30", "h1", "1h-30m", "1h 30x", "ago"}) {
    BOOST_TEST(shown(text, kNow) == "none", text);
  }
}

BOOST_AUTO_TEST_CASE(times_since_1970_are_seconds_or_milliseconds) {
  constexpr auto kNow = "2026-11-23 09:30";
  BOOST_TEST(shown("1763388192", kNow) == "2025-11-17 15:03:12");
  BOOST_TEST(shown("@1763388192", kNow) == "2025-11-17 15:03:12");
  BOOST_TEST(shown("1763388192.5", kNow) == "2025-11-17 15:03:12.500");
  BOOST_TEST(shown("1763388192123", kNow) == "2025-11-17 15:03:12.123");
  for (const char* text :
       {"20261117", "1763388192.", "1763388192.x", "17633881921234567890", "@", "-1763388192"}) {
    BOOST_TEST(shown(text, kNow) == "none", text);
  }
}

BOOST_AUTO_TEST_CASE(around_midnight_and_month_ends_and_leap_days) {
  BOOST_TEST(shown("yesterday", "2026-03-01 00:00") ==
             "2026-02-28 00:00:00 .. 2026-03-01 00:00:00");
  BOOST_TEST(shown("yesterday", "2028-03-01 00:00") ==
             "2028-02-29 00:00:00 .. 2028-03-01 00:00:00");
  BOOST_TEST(shown("today", "2028-02-29 23:59:59.999") ==
             "2028-02-29 00:00:00 .. 2028-03-01 00:00:00");
  BOOST_TEST(shown("yesterday", "2027-01-01 00:00:00") ==
             "2026-12-31 00:00:00 .. 2027-01-01 00:00:00");
  BOOST_TEST(shown("1d", "2026-03-01 00:00") == "2026-02-28 00:00:00");
  BOOST_TEST(shown("2026-02-29", "2026-03-01") == "none");
  BOOST_TEST(shown("2026-04-31", "2026-03-01") == "none");
  BOOST_TEST(shown("2028-02-29", "2026-03-01") == "2028-02-29 00:00:00 .. 2028-03-01 00:00:00");
}

BOOST_AUTO_TEST_CASE(the_day_on_which_clocks_are_set_forward_has_23_hours) {
  BOOST_TEST(hours("2026-03-29", "2026-11-23") == 23);
  BOOST_TEST(hours("yesterday", "2026-03-30 00:00") == 23);
  BOOST_TEST(hours("today", "2026-03-29 12:00") == 23);
  BOOST_TEST(hours("last sunday", "2026-03-30 12:00") == 23);
  // 02:30 never comes: an hour later. An hour before 03:30 it is 01:30.
  BOOST_TEST(shown("2026-03-29 02:30", "2026-11-23") == "2026-03-29 03:30:00");
  BOOST_TEST(shown("2026-03-29 01:59", "2026-11-23") == "2026-03-29 01:59:00");
  BOOST_TEST(shown("2026-03-29 03:00", "2026-11-23") == "2026-03-29 03:00:00");
  BOOST_TEST(shown("1h", "2026-03-29 03:30") == "2026-03-29 01:30:00");
  BOOST_TEST(shown("1d", "2026-03-29 12:00") == "2026-03-28 12:00:00");
  BOOST_TEST(shown("24h", "2026-03-29 12:00") == "2026-03-28 11:00:00");
}

BOOST_AUTO_TEST_CASE(the_day_on_which_clocks_are_set_back_has_25_hours) {
  BOOST_TEST(hours("2026-10-25", "2026-11-23") == 25);
  BOOST_TEST(hours("yesterday", "2026-10-26 00:00") == 25);
  BOOST_TEST(hours("2026-10-24", "2026-11-23") == 24);
  // 02:30 comes twice, at 00:30 and at 01:30 UTC: the first, whatever was asked before.
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST(parse_time_expression("2026-10-25 02:30", 0)->begin_ms ==
               *parse_iso_time("2026-10-25T00:30:00Z"));
    parse_time_expression(i == 0 ? "2026-12-24 12:00" : "2026-07-01 12:00", 0);
  }
  BOOST_TEST(parse_time_expression("2026-10-25 03:00", 0)->begin_ms ==
             *parse_iso_time("2026-10-25T02:00:00Z"));
  BOOST_TEST(parse_time_expression("2026-10-25 01:59", 0)->begin_ms ==
             *parse_iso_time("2026-10-24T23:59:00Z"));
  BOOST_TEST(zone_name(*parse_iso_time("2026-10-25T00:30:00Z")) == "CEST, UTC+02:00");
  BOOST_TEST(zone_name(*parse_iso_time("2026-10-25T01:30:00Z")) == "CET, UTC+01:00");
}

BOOST_AUTO_TEST_CASE(zones_west_of_utc_and_a_midnight_that_is_skipped) {
  Zone::set("America/New_York");
  BOOST_TEST(shown("today", "2026-11-22 23:30") == "2026-11-22 00:00:00 .. 2026-11-23 00:00:00");
  BOOST_TEST(parse_time_expression("2026-11-17", 0)->begin_ms ==
             *parse_iso_time("2026-11-17T05:00:00Z"));
  BOOST_TEST(zone_name(*parse_iso_time("2026-11-17T05:00:00Z")) == "EST, UTC-05:00");
  Zone::set("America/Sao_Paulo");  // 2018-11-04 began at 01:00
  BOOST_TEST(shown("2018-11-04", "2026-11-23") == "2018-11-04 01:00:00 .. 2018-11-05 00:00:00");
  BOOST_TEST(hours("2018-11-04", "2026-11-23") == 23);
}

BOOST_AUTO_TEST_CASE(every_time_in_the_guide_is_one) {
  std::ifstream guide(PICORTEX_SOURCE_DIR "/docs/guides/find-what-happened.md");
  std::size_t count = 0;
  bool is_table = false;
  for (std::string line; std::getline(guide, line);) {
    if (!line.starts_with('|')) is_table = false;
    std::string_view cell = std::string_view(line).substr(0, line.find(" | "));
    while (is_table && cell.find('`') != cell.npos) {
      cell.remove_prefix(cell.find('`') + 1);
      const std::string_view text = cell.substr(0, cell.find('`'));
      cell.remove_prefix(text.size() + 1);
      ++count;
      BOOST_TEST(shown(text, "2026-11-23 09:30") != "none", text);
    }
    if (line.starts_with("| `--since` and `--until` take")) is_table = true;
  }
  BOOST_TEST(count > 25);
}

BOOST_AUTO_TEST_CASE(anything_else_is_rejected) {
  for (const char* text : {"",
                           " ",
                           "last",
                           "tomorrow",
                           "last yesterday",
                           "tu",
                           "tuesdays",
                           "25:00",
                           "14:60",
                           "14",
                           "14:00 14:00",
                           "today yesterday",
                           "2026-11-17 25:00",
                           "2026-1-1",
                           "2026-11-17x",
                           "-2h",
                           "2",
                           "h",
                           "2x",
                           "2h ago ago",
                           "99999999h",
                           "9999-01-01",
                           "1969-12-30",
                           "ago",
                           "now 14:00",
                           "2026-11-17T14:00:00+99:00",
                           "999999d",
                           "14:00:05.",
                           "\xff"}) {
    BOOST_TEST(!parse_time_expression(text, 1'794'924'000'000).has_value(), text);
  }
  BOOST_TEST(!parse_time_expression(std::string(100'000, '1'), 0).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
