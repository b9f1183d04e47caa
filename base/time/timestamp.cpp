#include "base/time/timestamp.h"

#include <chrono>

namespace picortex {
namespace {

char* put_digits(char* out, unsigned value, int width) noexcept {
  for (int i = width - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return out + width;
}

// Reads from the front of a text, and records whether everything requested was there.
class Scanner {
 public:
  explicit Scanner(std::string_view text) noexcept : rest_(text) {}

  int digits(std::size_t width) noexcept {
    if (rest_.size() < width) return fail();
    int value = 0;
    for (std::size_t i = 0; i < width; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9') return fail();
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(width);
    return value;
  }

  bool take(std::string_view any_of) noexcept {
    if (rest_.empty() || any_of.find(rest_.front()) == std::string_view::npos) return false;
    taken_ = rest_.front();
    rest_.remove_prefix(1);
    return true;
  }

  void expect(std::string_view any_of) noexcept {
    if (!take(any_of)) fail();
  }

  char taken() const noexcept { return taken_; }
  bool next_is_digit() const noexcept {
    return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9';
  }
  bool complete() const noexcept { return good_ && rest_.empty(); }

 private:
  int fail() noexcept {
    good_ = false;
    return 0;
  }

  std::string_view rest_;
  char taken_ = 0;
  bool good_ = true;
};

int read_fraction_ms(Scanner& scanner) noexcept {
  int ms = 0;
  int scale = 100;
  if (!scanner.next_is_digit()) scanner.digits(1);
  while (scanner.next_is_digit()) {
    ms += scanner.digits(1) * scale;
    scale /= 10;
  }
  return ms;
}

// Parses "Z", "+01:00", "+0100" or "+01". Returns the minutes to subtract; nothing if the hours or
// minutes are out of range.
std::optional<int> read_offset_minutes(Scanner& scanner) noexcept {
  if (scanner.take("Zz")) return 0;
  scanner.expect("+-");
  const int sign = scanner.taken() == '-' ? -1 : 1;
  const int hour = scanner.digits(2);
  const bool has_minute = scanner.take(":") || scanner.next_is_digit();
  const int minute = has_minute ? scanner.digits(2) : 0;
  if (hour > 23 || minute > 59) return std::nullopt;
  return sign * (hour * 60 + minute);
}

}  // namespace

void format_iso_time(std::int64_t unix_ms, char* out) noexcept {
  using namespace std::chrono;
  const sys_time<milliseconds> time{milliseconds{unix_ms}};
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const auto ms = static_cast<unsigned>((time - day).count());
  out = put_digits(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  *out++ = '-';
  out = put_digits(out, static_cast<unsigned>(date.month()), 2);
  *out++ = '-';
  out = put_digits(out, static_cast<unsigned>(date.day()), 2);
  *out++ = 'T';
  out = put_digits(out, ms / 3'600'000, 2);
  *out++ = ':';
  out = put_digits(out, ms / 60'000 % 60, 2);
  *out++ = ':';
  out = put_digits(out, ms / 1'000 % 60, 2);
  *out++ = '.';
  out = put_digits(out, ms % 1'000, 3);
  *out = 'Z';
}

std::string iso_time(std::int64_t unix_ms) {
  std::string text(kIsoTimeSize, '\0');
  format_iso_time(unix_ms, text.data());
  return text;
}

std::optional<std::int64_t> parse_iso_time(std::string_view text) noexcept {
  using namespace std::chrono;
  Scanner scanner(text);
  const int year_number = scanner.digits(4);
  const bool is_date_extended = scanner.take("-");
  const int month_number = scanner.digits(2);
  if (is_date_extended) scanner.expect("-");
  const int day_number = scanner.digits(2);
  scanner.expect("Tt ");
  const int hour = scanner.digits(2);
  const bool is_time_extended = scanner.take(":");
  const int minute = scanner.digits(2);
  int second = 0;
  int fraction_ms = 0;
  if (is_time_extended ? scanner.take(":") : scanner.next_is_digit()) {
    second = scanner.digits(2);
    if (scanner.take(".,")) fraction_ms = read_fraction_ms(scanner);
  }
  scanner.take(" ");
  const auto offset_minutes = read_offset_minutes(scanner);
  if (!offset_minutes) return std::nullopt;
  if (!scanner.complete()) return std::nullopt;
  const year_month_day date{year{year_number}, month{static_cast<unsigned>(month_number)},
                            day{static_cast<unsigned>(day_number)}};
  // A leap second (60) is the first second of the next minute, as in POSIX.
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const std::int64_t unix_ms =
      milliseconds{sys_days{date} + hours{hour} + minutes{minute - *offset_minutes} +
                   seconds{second} - sys_days{}}
          .count() +
      fraction_ms;
  if (unix_ms < 0 || unix_ms > kLatestUnixMs) return std::nullopt;
  return unix_ms;
}

}  // namespace picortex
