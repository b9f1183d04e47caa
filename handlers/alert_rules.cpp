#include "handlers/alert_rules.h"

#include <charconv>
#include <optional>
#include <utility>

#include "storage/event_matcher.h"

namespace picortex {
namespace {

constexpr std::int64_t kDurationMinMs = 10'000;
constexpr std::int64_t kDurationMaxMs = 7 * 86'400'000;
constexpr std::string_view kOwnAlerts = "alert.";

template <class Number>
std::optional<Number> read_number(std::string_view text) noexcept {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// In milliseconds.
std::optional<std::int64_t> read_duration(std::string_view text) noexcept {
  if (text.empty()) return std::nullopt;
  std::int64_t unit_ms = 0;
  switch (text.back()) {
    case 's':
      unit_ms = 1'000;
      break;
    case 'm':
      unit_ms = 60'000;
      break;
    case 'h':
      unit_ms = 3'600'000;
      break;
    case 'd':
      unit_ms = 86'400'000;
      break;
    default:
      return std::nullopt;
  }
  text.remove_suffix(1);
  const auto number = read_number<std::uint32_t>(text);
  if (!number) return std::nullopt;
  const std::int64_t duration_ms = *number * unit_ms;
  if (duration_ms < kDurationMinMs || duration_ms > kDurationMaxMs) return std::nullopt;
  return duration_ms;
}

constexpr std::string_view kDurationWanted = " is no duration such as 30s, 5m, 1h, from 10s to 7d";

class RuleReader {
 public:
  explicit RuleReader(AlertRule& rule) : rule_(rule) {}

  Result<void> read(std::string_view word) {
    const std::size_t sign = word.find_first_of("=>");
    if (sign == std::string_view::npos) return refuse(word, " is no condition and no trigger");
    const std::string_view name = word.substr(0, sign + 1);
    const std::string_view value = word.substr(sign + 1);
    if (value.empty()) return refuse(word, " lacks its value");
    if (name == "level=") return read_level(value);
    if (name == "event_type=") return read_text(rule_.event_type, value, kEventTypeSizeMax);
    if (name == "chat_id=") return read_text(rule_.chat_id, value, kChatIdSizeMax);
    if (name == "rate>") return read_rate(value);
    if (name == "silent>") return read_silence(value);
    if (name == "cooldown=") return read_duration_of(rule_.cooldown_ms, value);
    return refuse(word, " is no condition and no trigger");
  }

  Result<void> finish() const {
    if (!has_condition_) return failure("it has no condition: level=, event_type= or chat_id=");
    if (!has_trigger_) return failure("it has no trigger: rate>N/DURATION or silent>DURATION");
    return {};
  }

 private:
  static std::unexpected<Error> refuse(std::string_view word, std::string_view why) {
    return failure('\'' + std::string(word) + '\'' + std::string(why));
  }

  Result<void> read_level(std::string_view value) {
    const auto level = parse_level(value);
    if (!level) return refuse(value, " is none of trace, debug, info, warn, error, fatal");
    rule_.level = *level;
    has_condition_ = true;
    return {};
  }

  Result<void> read_text(std::string& text, std::string_view value, std::size_t size_max) {
    if (!text.empty()) return refuse(value, " is the second of its kind");
    if (value.size() > size_max) return refuse(value, " is too long");
    const std::size_t star = value.find('*');
    if (&text == &rule_.event_type && star != std::string_view::npos && star + 1 != value.size()) {
      return refuse(value, " has a * that is not at its end");
    }
    text = value;
    has_condition_ = true;
    return {};
  }

  Result<void> read_rate(std::string_view value) {
    const std::size_t slash = value.find('/');
    if (slash == std::string_view::npos) return refuse(value, " is no rate such as 10/5m");
    const auto count = read_number<std::uint32_t>(value.substr(0, slash));
    if (!count || *count > AlertRule::kCountMax) {
      return refuse(value.substr(0, slash), " is no number from 0 to 1000000");
    }
    rule_.count = *count;
    return read_trigger(AlertRule::Trigger::rate, value.substr(slash + 1));
  }

  Result<void> read_silence(std::string_view value) {
    return read_trigger(AlertRule::Trigger::silent, value);
  }

  Result<void> read_trigger(AlertRule::Trigger trigger, std::string_view duration) {
    if (std::exchange(has_trigger_, true)) return failure("it has more than one trigger");
    rule_.trigger = trigger;
    return read_duration_of(rule_.window_ms, duration);
  }

  static Result<void> read_duration_of(std::int64_t& duration_ms, std::string_view value) {
    const auto duration = read_duration(value);
    if (!duration) return refuse(value, kDurationWanted);
    duration_ms = *duration;
    return {};
  }

  AlertRule& rule_;
  bool has_condition_ = false;
  bool has_trigger_ = false;
};

}  // namespace

bool AlertRule::fits(const Event& event) const noexcept {
  return event.level >= level && (event_type.empty() || type_fits(event_type, event.event_type)) &&
         (chat_id.empty() || chat_id == event.chat_id) && !event.event_type.starts_with(kOwnAlerts);
}

Result<AlertRule> parse_alert_rule(std::string_view text) {
  constexpr std::string_view kBlank = " \t";
  if (text.size() > AlertRule::kTextSizeMax) return failure("it is longer than 400 bytes");
  AlertRule rule{.text = std::string(text), .event_type = {}, .chat_id = {}};
  RuleReader reader(rule);
  for (std::size_t at = text.find_first_not_of(kBlank); at != std::string_view::npos;
       at = text.find_first_not_of(kBlank, at)) {
    const std::size_t end = std::min(text.find_first_of(kBlank, at), text.size());
    if (auto read = reader.read(text.substr(at, end - at)); !read) {
      return std::unexpected(read.error());
    }
    at = end;
  }
  if (auto done = reader.finish(); !done) return std::unexpected(done.error());
  return rule;
}

}  // namespace picortex
