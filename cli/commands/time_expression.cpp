#include "cli/commands/time_expression.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "base/ascii.h"
#include "base/parse.h"
#include "base/time/durations.h"
#include "base/time/timestamp.h"

namespace picortex {
namespace {

using std::chrono::sys_days;
using Words = std::vector<std::string_view>;

std::tm local_fields(std::int64_t unix_ms) {
  const std::time_t seconds = unix_ms / kSecondMs;
  std::tm fields{};
  localtime_r(&seconds, &fields);
  return fields;
}

std::int64_t offset_ms(std::int64_t unix_ms) { return local_fields(unix_ms).tm_gmtoff * kSecondMs; }

// Returns the instant at which local clocks show `clock_ms` on `day`. Does not use mktime(3), whose
// answer depends on earlier calls where an hour occurs twice.
std::int64_t instant_of(sys_days day, std::int64_t clock_ms) {
  const std::int64_t shown = std::chrono::milliseconds(day.time_since_epoch()).count() + clock_ms;
  const std::int64_t before = offset_ms(shown - kDayMs);
  const std::int64_t after = offset_ms(shown + kDayMs);
  // The first of two instants has the greater offset. The offset from before a gap leads to the
  // time after it.
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

Words split(std::string_view text) {
  Words words;
  for (std::size_t at = 0; (at = text.find_first_not_of(" \t", at)) != text.npos;) {
    const std::size_t end = std::min(text.find_first_of(" \t", at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

// Parses all of `text` as digits.
std::optional<int> number(std::string_view text, std::size_t digits_max) {
  if (text.size() > digits_max) return std::nullopt;
  return parse_whole<int>(text, 0);
}

// Parses "9am", "12:30 pm" and the like.
std::optional<std::int64_t> parse_half_day_clock(std::string_view text) {
  const bool is_afternoon = lower(text[text.size() - 2]) == 'p';
  text.remove_suffix(2);
  const std::size_t colon = std::min(text.find(':'), text.size());
  const auto hour = number(text.substr(0, colon), 2);
  const auto minute = colon == text.size() ? 0 : number(text.substr(colon + 1), 2);
  const bool is_minute = colon == text.size() || text.size() == colon + 3;
  if (!hour || !minute || !is_minute || *hour < 1 || *hour > 12 || *minute > 59)
    return std::nullopt;
  return (*hour % 12 + (is_afternoon ? 12 : 0)) * kHourMs + *minute * std::int64_t{60'000};
}

// Parses "14:00", "14:00:05", "14:00:05.123", "9am", "noon" as milliseconds of the day.
std::optional<std::int64_t> parse_clock(std::string_view text) {
  if (equals_ignoring_case(text, "noon")) return kDayMs / 2;
  if (text.size() > 2 && lower(text.back()) == 'm' &&
      (lower(text[text.size() - 2]) == 'a' || lower(text[text.size() - 2]) == 'p')) {
    return parse_half_day_clock(text);
  }
  // The parser for RFC 3339 accepts exactly this as its time of day, once a date and a zone are
  // added.
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
    if (text.size() >= 3 && equals_ignoring_case(text, kNames[i].substr(0, text.size()))) return i;
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

std::optional<unsigned> parse_month(std::string_view text) {
  constexpr std::array<std::string_view, 12> kNames{
      "january", "february", "march",     "april",   "may",      "june",
      "july",    "august",   "september", "october", "november", "december"};
  for (unsigned i = 0; i < kNames.size(); ++i) {
    if (text.size() >= 3 && equals_ignoring_case(text, kNames[i].substr(0, text.size()))) {
      return i + 1;
    }
  }
  return std::nullopt;
}

// A day of a month in words: "nov 17", "17 november", either with a year. Without one it is the
// latest such day that is not in the future.
struct NamedDay {
  sys_days day;
  std::size_t words;
};
std::optional<NamedDay> parse_named_day(const Words& words, sys_days today) {
  if (words.size() < 2) return std::nullopt;
  const bool is_month_first = parse_month(words[0]).has_value();
  const auto month = parse_month(words[is_month_first ? 0 : 1]);
  std::string_view digits = words[is_month_first ? 1 : 0];
  if (digits.ends_with(',')) digits.remove_suffix(1);
  const auto day = number(digits, 2);
  if (!month || !day) return std::nullopt;
  const bool has_year = words.size() > 2 && words[2].size() == 4 && number(words[2], 4);
  const std::chrono::year_month_day now{today};
  auto date = std::chrono::year_month_day{
      has_year ? std::chrono::year(*number(words[2], 4)) : now.year(), std::chrono::month(*month),
      std::chrono::day(static_cast<unsigned>(*day))};
  // Of February 29 the latest leap year's is meant.
  for (int back = 0; !has_year && back < 8 && (!date.ok() || sys_days(date) > today); ++back) {
    date -= std::chrono::years(1);
  }
  if (!date.ok()) return std::nullopt;
  return NamedDay{sys_days(date), has_year ? std::size_t{3} : std::size_t{2}};
}

// Parses "this week", "last month" and the like: all of it. A week begins on Monday.
std::optional<TimeSpan> parse_period(const Words& words, std::int64_t now_ms) {
  if (words.size() != 2) return std::nullopt;
  const bool is_last = equals_ignoring_case(words[0], "last");
  if (!is_last && !equals_ignoring_case(words[0], "this")) return std::nullopt;
  const sys_days today = local_day(now_ms);
  const std::chrono::year_month_day date{today};
  sys_days begin;
  sys_days end;
  if (equals_ignoring_case(words[1], "week")) {
    begin = today - (std::chrono::weekday(today) - std::chrono::Monday) -
            std::chrono::days(is_last ? 7 : 0);
    end = begin + std::chrono::days(7);
  } else if (equals_ignoring_case(words[1], "month")) {
    const auto month = date.year() / date.month() - std::chrono::months(is_last ? 1 : 0);
    begin = sys_days(month / std::chrono::day(1));
    end = sys_days((month + std::chrono::months(1)) / std::chrono::day(1));
  } else if (equals_ignoring_case(words[1], "year")) {
    const auto year = date.year() - std::chrono::years(is_last ? 1 : 0);
    begin = sys_days(year / std::chrono::January / 1);
    end = sys_days((year + std::chrono::years(1)) / std::chrono::January / 1);
  } else {
    return std::nullopt;
  }
  return TimeSpan{instant_of(begin, 0), instant_of(end, 0)};
}

// Parses seconds or milliseconds since 1970, with or without @ before them: below 10^11 they are
// seconds, which may have a fraction. Fewer than nine digits are no time that a person means.
std::optional<std::int64_t> parse_epoch(std::string_view text) {
  constexpr std::int64_t kLeastMs = 100'000'000'000;
  if (text.starts_with('@')) text.remove_prefix(1);
  const std::size_t point = std::min(text.find('.'), text.size());
  const auto whole = parse_whole<std::int64_t>(text.substr(0, point), 0);
  if (!whole || point < 9) return std::nullopt;
  if (point == text.size()) return *whole >= kLeastMs ? *whole : *whole * kSecondMs;
  std::string fraction(text.substr(point + 1, 3));
  const bool is_number = text.size() > point + 1 && text.size() < point + 11 &&
                         std::ranges::all_of(text.substr(point + 1), is_digit);
  if (!is_number || *whole >= kLeastMs) return std::nullopt;
  fraction.resize(3, '0');
  return *whole * kSecondMs + parse_whole<std::int64_t>(fraction).value_or(0);
}

// Consumes the words of a day from the front.
std::optional<sys_days> take_day(Words& words, std::int64_t now_ms) {
  using std::chrono::days;
  const sys_days today = local_day(now_ms);
  std::optional<sys_days> day;
  std::size_t taken = 1;
  const bool is_last = equals_ignoring_case(words[0], "last") && words.size() > 1;
  if (equals_ignoring_case(words[0], "today")) {
    day = today;
  } else if (equals_ignoring_case(words[0], "yesterday")) {
    day = today - days(1);
  } else if (const auto weekday = parse_weekday(words[is_last ? 1 : 0])) {
    const auto back = (std::chrono::weekday(today) - std::chrono::weekday(*weekday)).count();
    day = today - days(is_last && back == 0 ? 7 : back);
    taken = is_last ? 2 : 1;
  } else if (const auto named = parse_named_day(words, today)) {
    day = named->day;
    taken = named->words;
  } else {
    day = parse_date(words[0]);
  }
  if (day) words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(taken));
  return day;
}

struct Unit {
  std::string_view name;  // the plural adds an s
  std::int64_t ms;        // 0: counted in days
  int days;
};
constexpr std::array<Unit, 13> kTimeUnits{{{"s", 1000, 0},
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

// Takes "2h" or "2hours" off the front of `text`.
struct UnitCount {
  const Unit* unit;
  int count;
};
std::optional<UnitCount> take_count(std::string_view& text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::size_t end = std::min(text.find_first_of("0123456789", digits), text.size());
  const auto count = number(text.substr(0, digits), 6);
  const std::string_view name = text.substr(digits, end - digits);
  if (!count) return std::nullopt;
  for (const Unit& unit : kTimeUnits) {
    if (!equals_ignoring_case(name, unit.name) &&
        !equals_ignoring_case(name, std::string(unit.name) + 's')) {
      continue;
    }
    text.remove_prefix(end);
    return UnitCount{&unit, *count};
  }
  return std::nullopt;
}

// Parses "2h", "2 hours" or "1h30m", each with or without "ago".
std::optional<std::int64_t> parse_duration(Words words, std::int64_t now_ms) {
  if (words.size() > 1 && equals_ignoring_case(words.back(), "ago")) words.pop_back();
  std::string joined;
  for (const std::string_view word : words) joined += word;
  std::int64_t days = 0;
  std::int64_t ms = 0;
  std::string_view text = joined;
  do {
    const auto part = take_count(text);
    if (!part) return std::nullopt;
    days += std::int64_t{part->count} * part->unit->days;
    ms += part->count * part->unit->ms;
  } while (!text.empty());
  if (days == 0) return now_ms - ms;
  return instant_of(local_day(now_ms) - std::chrono::days(days), local_clock_ms(now_ms)) - ms;
}

// Makes one word of "9 am".
void join_half_day(std::string& text) {
  for (const std::string_view half : {" am", " pm", " AM", " PM"}) {
    if (text.size() > 3 && text.ends_with(half) && is_digit(text[text.size() - 4])) {
      text.erase(text.size() - 3, 1);
    }
  }
}

std::optional<TimeSpan> parse_words(Words words, std::int64_t now_ms) {
  if (words.empty()) return std::nullopt;
  if (words.size() == 1 && equals_ignoring_case(words[0], "now")) return TimeSpan{now_ms, now_ms};
  if (const auto at = parse_duration(words, now_ms)) return TimeSpan{*at, *at};
  if (const auto period = parse_period(words, now_ms)) return period;
  if (words.size() == 1) {
    if (const auto at = parse_epoch(words[0])) return TimeSpan{*at, *at};
  }
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
  join_half_day(spaced);
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
