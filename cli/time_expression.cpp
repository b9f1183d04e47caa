#include "cli/time_expression.h"

#include <strings.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "base/timestamp.h"

namespace picortex {
namespace {

using std::chrono::sys_days;
using Words = std::vector<std::string_view>;

constexpr std::int64_t kSecondMs = 1000;
constexpr std::int64_t kDayMs = 86'400 * kSecondMs;

std::tm local_fields(std::int64_t unix_ms) {
  const std::time_t seconds = unix_ms / kSecondMs;
  std::tm fields{};
  localtime_r(&seconds, &fields);
  return fields;
}

std::int64_t offset_ms(std::int64_t unix_ms) { return local_fields(unix_ms).tm_gmtoff * kSecondMs; }

// The instant at which local clocks show `clock_ms` on `day`. Not mktime(3): where there are two
// its answer depends on what it was asked before.
std::int64_t instant_of(sys_days day, std::int64_t clock_ms) {
  const std::int64_t shown = std::chrono::milliseconds(day.time_since_epoch()).count() + clock_ms;
  const std::int64_t before = offset_ms(shown - kDayMs);
  const std::int64_t after = offset_ms(shown + kDayMs);
  // The first of two has the greater offset; with the offset before a gap one lands behind it.
  for (const std::int64_t offset : {std::max(before, after), std::min(before, after)}) {
    if (offset_ms(shown - offset) == offset) return shown - offset;
  }
  return shown - before;
}

sys_days local_day(std::int64_t unix_ms) {
  return std::chrono::floor<std::chrono::days>(std::chrono::sys_time<std::chrono::milliseconds>(
      std::chrono::milliseconds(unix_ms + offset_ms(unix_ms))));
}

std::int64_t local_clock_ms(std::int64_t unix_ms) {
  return (unix_ms + offset_ms(unix_ms)) % kDayMs;
}

bool is_word(std::string_view text, std::string_view word) {
  return text.size() == word.size() && strncasecmp(text.data(), word.data(), word.size()) == 0;
}

Words split(std::string_view text) {
  Words words;
  for (std::size_t at = 0; (at = text.find_first_not_of(" \t", at)) != text.npos;) {
    const std::size_t end = std::min(text.find_first_of(" \t", at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

// All of `text` as digits.
std::optional<int> number(std::string_view text, std::size_t digits_max) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.size() > digits_max ||
      text.front() == '-') {
    return std::nullopt;
  }
  return value;
}

// "14:00", "14:00:05", "14:00:05.123" as milliseconds of the day.
std::optional<std::int64_t> parse_clock(std::string_view text) {
  // What RFC 3339 takes behind a date is just this, to which a date and the zone are added.
  if (text.empty() || text.size() > 20 || text.find_first_not_of("0123456789:.") != text.npos) {
    return std::nullopt;
  }
  const std::string_view zero = text.find(':') == 1 ? "0" : "";  // 9:30
  return parse_iso_time("1970-01-01T" + std::string(zero) + std::string(text) + "Z");
}

std::optional<unsigned> parse_weekday(std::string_view text) {
  constexpr std::array<std::string_view, 7> kNames{"sunday",   "monday", "tuesday", "wednesday",
                                                   "thursday", "friday", "saturday"};
  for (unsigned i = 0; i < kNames.size(); ++i) {
    if (text.size() >= 3 && is_word(text, kNames[i].substr(0, text.size()))) return i;
  }
  return std::nullopt;
}

std::optional<sys_days> parse_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = number(text.substr(0, 4), 4);
  const auto month = number(text.substr(5, 2), 2);
  const auto day = number(text.substr(8, 2), 2);
  if (!year || !month || !day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return sys_days(date);
}

// Takes the words of a day from the front.
std::optional<sys_days> take_day(Words& words, std::int64_t now_ms) {
  using std::chrono::days;
  const sys_days today = local_day(now_ms);
  std::optional<sys_days> day;
  std::size_t taken = 1;
  const bool is_last = is_word(words[0], "last") && words.size() > 1;
  if (is_word(words[0], "today")) {
    day = today;
  } else if (is_word(words[0], "yesterday")) {
    day = today - days(1);
  } else if (const auto weekday = parse_weekday(words[is_last ? 1 : 0])) {
    const auto back = (std::chrono::weekday(today) - std::chrono::weekday(*weekday)).count();
    day = today - days(is_last && back == 0 ? 7 : back);
    taken = is_last ? 2 : 1;
  } else {
    day = parse_date(words[0]);
  }
  if (day) words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(taken));
  return day;
}

struct Unit {
  std::string_view name;  // its plural with an s
  std::int64_t ms;        // 0: counted in days
  int days;
};
constexpr std::array<Unit, 13> kUnits{{{"s", 1000, 0},
                                       {"sec", 1000, 0},
                                       {"second", 1000, 0},
                                       {"m", 60'000, 0},
                                       {"min", 60'000, 0},
                                       {"minute", 60'000, 0},
                                       {"h", 3'600'000, 0},
                                       {"hr", 3'600'000, 0},
                                       {"hour", 3'600'000, 0},
                                       {"d", 0, 1},
                                       {"day", 0, 1},
                                       {"w", 0, 7},
                                       {"week", 0, 7}}};

// "2h", "2 hours", each with or without "ago".
std::optional<std::int64_t> parse_duration(Words words, std::int64_t now_ms) {
  if (words.size() > 1 && is_word(words.back(), "ago")) words.pop_back();
  std::string text;
  for (const std::string_view word : words) text += word;
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0 || words.size() > 2) return std::nullopt;
  const auto count = number(std::string_view(text).substr(0, digits), 6);
  if (!count) return std::nullopt;
  const std::string_view name = std::string_view(text).substr(digits);
  for (const Unit& unit : kUnits) {
    if (!is_word(name, unit.name) && !is_word(name, std::string(unit.name) + 's')) continue;
    if (unit.days == 0) return now_ms - *count * unit.ms;
    const sys_days day = local_day(now_ms) - std::chrono::days(std::int64_t{*count} * unit.days);
    return instant_of(day, local_clock_ms(now_ms));
  }
  return std::nullopt;
}

std::optional<TimeSpan> parse_words(Words words, std::int64_t now_ms) {
  if (words.empty()) return std::nullopt;
  if (words.size() == 1 && is_word(words[0], "now")) return TimeSpan{now_ms, now_ms};
  if (const auto at = parse_duration(words, now_ms)) return TimeSpan{*at, *at};
  const auto day = take_day(words, now_ms);
  if (day && words.empty()) {
    return TimeSpan{instant_of(*day, 0), instant_of(*day + std::chrono::days(1), 0)};
  }
  if (words.size() != 1) return std::nullopt;
  const auto clock = parse_clock(words[0]);
  if (!clock) return std::nullopt;
  const std::int64_t at = instant_of(day.value_or(local_day(now_ms)), *clock);
  return TimeSpan{at, at};
}

}  // namespace

std::optional<TimeSpan> parse_time_expression(std::string_view text, std::int64_t now_ms) {
  if (const auto at = parse_iso_time(text)) return TimeSpan{*at, *at};
  std::string spaced(text.substr(0, 64));
  if (spaced.size() > 10 && (spaced[10] == 'T' || spaced[10] == 't') && spaced[4] == '-') {
    spaced[10] = ' ';
  }
  if (text.size() > spaced.size()) return std::nullopt;
  const auto span = parse_words(split(spaced), now_ms);
  if (!span || span->begin_ms < 0 || span->end_ms > kLatestUnixMs + 1) return std::nullopt;
  return span;
}

std::string local_time(std::int64_t unix_ms) {
  std::string text =
      iso_time(std::clamp<std::int64_t>(unix_ms + offset_ms(unix_ms), 0, kLatestUnixMs));
  text[10] = ' ';
  text.pop_back();
  return text;
}

std::string zone_name(std::int64_t unix_ms) {
  const std::tm fields = local_fields(unix_ms);
  const std::int64_t offset = fields.tm_gmtoff * kSecondMs;
  const std::string clock = iso_time(std::abs(offset)).substr(11, 5);
  return std::string(fields.tm_zone) + ", UTC" + (offset < 0 ? '-' : '+') + clock;
}

}  // namespace picortex
