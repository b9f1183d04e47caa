#include "handlers/alerts/alert_rules.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "base/parse.h"
#include "storage/query/event_matcher.h"

namespace picortex {
namespace {

constexpr std::int64_t kDurationMinMs = 10'000;
constexpr std::int64_t kDurationMaxMs = 7 * 86'400'000;
constexpr std::string_view kOwnAlerts = "alert.";
constexpr std::string_view kOtherAlerts[] = {"turn.waiting", "turn.lost", "turn.failed",
                                             "error.returned"};

bool is_own_alert(std::string_view event_type) noexcept {
  return event_type.starts_with(kOwnAlerts) ||
         std::ranges::find(kOtherAlerts, event_type) != std::end(kOtherAlerts);
}

constexpr DurationUnit kRuleUnits[] = {
    {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
constexpr std::string_view kDurationWanted =
    " is not a duration such as 30s, 5m, 1h, from 10s to 7d";

class RuleReader {
 public:
  explicit RuleReader(AlertRule& rule) : rule_(rule) {}

  Result<void> read(std::string_view word) {
    const std::size_t sign = word.find_first_of("=>");
    if (sign == std::string_view::npos)
      return reject(word, " is neither a condition nor a trigger");
    const std::string_view name = word.substr(0, sign + 1);
    const std::string_view value = word.substr(sign + 1);
    if (value.empty()) return reject(word, " lacks its value");
    if (name == "level=") return read_level(value);
    if (name == "event_type=") return read_text(rule_.event_type, value, kEventTypeSizeMax);
    if (name == "chat_id=") return read_text(rule_.chat_id, value, kChatIdSizeMax);
    if (name == "rate>") return read_rate(value);
    if (name == "silent>") return read_silence(value);
    if (name == "cost>") return read_cost(value);
    if (name == "ship.lag>") return read_trigger(AlertRule::Trigger::ship_lag, value);
    if (name == "by=") return read_by(value);
    if (name == "cooldown=") return read_duration_of(rule_.cooldown_ms, value);
    return reject(word, " is neither a condition nor a trigger");
  }

  Result<void> finish() const {
    if (rule_.trigger == AlertRule::Trigger::cost) return finish_cost();
    if (rule_.by_chat) return failure("by=chat_id belongs to cost>");
    if (rule_.trigger == AlertRule::Trigger::ship_lag) {
      return has_condition_ ? failure("ship.lag> takes no condition") : Result<void>();
    }
    if (!has_condition_) return failure("it has no condition: level=, event_type= or chat_id=");
    if (!has_trigger_) {
      return failure(
          "it has no trigger: rate>N/DURATION, silent>DURATION, cost>DOLLARS/DURATION or "
          "ship.lag>DURATION");
    }
    return {};
  }

 private:
  Result<void> finish_cost() const {
    if (rule_.level != Level::trace || !rule_.event_type.empty()) {
      return failure("cost> takes no condition but chat_id=");
    }
    if (rule_.by_chat && !rule_.chat_id.empty()) {
      return failure("by=chat_id and chat_id= exclude each other");
    }
    return {};
  }

  static std::unexpected<Error> reject(std::string_view word, std::string_view why) {
    return failure('\'' + std::string(word) + '\'' + std::string(why));
  }

  Result<void> read_level(std::string_view value) {
    const auto level = parse_level(value);
    if (!level) return reject(value, " is not one of trace, debug, info, warn, error, fatal");
    rule_.level = *level;
    has_condition_ = true;
    return {};
  }

  Result<void> read_text(std::string& text, std::string_view value, std::size_t size_max) {
    if (!text.empty()) return reject(value, " is the second of its kind");
    if (value.size() > size_max) return reject(value, " is too long");
    const std::size_t star = value.find('*');
    if (&text == &rule_.event_type && star != std::string_view::npos && star + 1 != value.size()) {
      return reject(value, " has a * that is not at its end");
    }
    text = value;
    has_condition_ = true;
    return {};
  }

  Result<void> read_rate(std::string_view value) {
    const std::size_t slash = value.find('/');
    if (slash == std::string_view::npos) return reject(value, " is not a rate such as 10/5m");
    const auto count = parse_whole<std::uint32_t>(value.substr(0, slash), 0, AlertRule::kCountMax);
    if (!count) return reject(value.substr(0, slash), " is not a number from 0 to 1000000");
    rule_.count = *count;
    return read_trigger(AlertRule::Trigger::rate, value.substr(slash + 1));
  }

  Result<void> read_silence(std::string_view value) {
    return read_trigger(AlertRule::Trigger::silent, value);
  }

  Result<void> read_cost(std::string_view value) {
    if (std::exchange(has_trigger_, true)) return failure("it has more than one trigger");
    rule_.trigger = AlertRule::Trigger::cost;
    rule_.spending = TRY(parse_spending_limit(value));
    return {};
  }

  Result<void> read_by(std::string_view value) {
    if (value != "chat_id") return reject(value, " is not chat_id");
    rule_.by_chat = true;
    return {};
  }

  Result<void> read_trigger(AlertRule::Trigger trigger, std::string_view duration) {
    if (std::exchange(has_trigger_, true)) return failure("it has more than one trigger");
    rule_.trigger = trigger;
    return read_duration_of(rule_.window_ms, duration);
  }

  static Result<void> read_duration_of(std::int64_t& duration_ms, std::string_view value) {
    const auto duration = parse_duration(value, kRuleUnits, kDurationMinMs, kDurationMaxMs);
    if (!duration) return reject(value, kDurationWanted);
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
         (chat_id.empty() || chat_id == event.chat_id) && !is_own_alert(event.event_type);
}

Result<AlertRule> parse_alert_rule(std::string_view text) {
  constexpr std::string_view kBlank = " \t";
  if (text.size() > AlertRule::kTextSizeMax) return failure("it is longer than 400 bytes");
  AlertRule rule{.text = std::string(text), .event_type = {}, .chat_id = {}, .spending = {}};
  RuleReader reader(rule);
  for (std::size_t at = text.find_first_not_of(kBlank); at != std::string_view::npos;
       at = text.find_first_not_of(kBlank, at)) {
    const std::size_t end = std::min(text.find_first_of(kBlank, at), text.size());
    TRY(reader.read(text.substr(at, end - at)));
    at = end;
  }
  TRY(reader.finish());
  return rule;
}

}  // namespace picortex
