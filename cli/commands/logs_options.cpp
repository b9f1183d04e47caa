#include <simdjson.h>

#include <cstdlib>
#include <ctime>
#include <utility>

#include "base/time/clock.h"
#include "cli/commands/logs.h"
#include "cli/commands/time_expression.h"
#include "daemon/config/serve_options.h"
#include "handlers/query/query_parameters.h"
#include "storage/event.h"

namespace picortex {
namespace {

constexpr std::size_t kTextSizeMax = 1000;

// An empty text means the default: no condition.
auto parse_text(std::size_t size_max) {
  return [size_max](std::string_view text) -> std::optional<std::string> {
    if (text.size() > size_max || !simdjson::validate_utf8(text)) return std::nullopt;
    return std::string(text);
  };
}

// The outer optional is empty if the value is wrong; the inner one is empty if no value is given.
template <class Parse>
auto or_none(Parse parse) {
  return [parse](std::string_view text) {
    using Value = decltype(parse(text));
    if (text.empty()) return std::optional<Value>(Value());
    Value value = parse(text);
    return value ? std::optional<Value>(std::move(value)) : std::nullopt;
  };
}

std::optional<std::string> parse_type(std::string_view text) {
  return is_type_filter(text) ? parse_text(kEventTypeSizeMax)(text) : std::nullopt;
}

}  // namespace

std::optional<IdPrefix> parse_id_prefix(std::string_view text) {
  constexpr std::size_t kShortest = 8;
  if (text.size() < kShortest || text.size() > Uuid::kTextSize) return std::nullopt;
  const auto completed = [text](std::string_view rest) {
    return parse_uuid(std::string(text) + std::string(rest.substr(text.size())));
  };
  const auto low = completed("00000000-0000-0000-0000-000000000000");
  const auto high = completed("ffffffff-ffff-ffff-ffff-ffffffffffff");
  if (!low || !high) return std::nullopt;
  return IdPrefix{*low, *high};
}

std::optional<AroundPlace> parse_around(std::string_view text, std::int64_t now_ms) {
  if (const auto id = parse_id_prefix(text)) return AroundPlace{.id = id};
  const auto time = parse_time_expression(text, now_ms);
  if (!time) return std::nullopt;
  return AroundPlace{.id = {}, .time_ms = time->begin_ms};
}

std::string read_chat_filter(Settings& settings) {
  return settings.one(kFilterChat, [](std::string_view text) {
    return is_type_filter(text) ? parse_text(kChatIdSizeMax)(text) : std::nullopt;
  });
}

void read_zone(Settings& settings) {
  if (!settings.toggle(kAnswerUtc)) return;
  setenv("TZ", "UTC", 1);
  tzset();
}

void read_times(Settings& settings, EventFilter& filter, bool is_open) {
  const auto parse = or_none([now_ms = kSystemClock.unix_ms()](std::string_view text) {
    return parse_time_expression(text, now_ms);
  });
  const auto since = settings.one(kFilterSince, parse);
  const auto until = settings.one(kFilterUntil, parse);
  if (since) filter.since_ms = since->begin_ms;
  if (until) {
    filter.until_ms = until->end_ms;
  } else if (since && !since->is_instant() && !is_open) {
    filter.until_ms = since->end_ms;
  }
}

namespace {

void read_filters_without_times(Settings& settings, EventFilter& filter,
                                std::optional<IdPrefix>& request) {
  filter.chat_id = read_chat_filter(settings);
  filter.event_type = settings.one(kFilterType, parse_type);
  filter.text = settings.one(kFilterText, parse_text(kTextSizeMax));
  filter.level = settings.one(kFilterLevel, parse_level);
  filter.where = settings.each(kFilterWhere, FieldCondition::parse);
  request = settings.one(kFilterRequest, or_none(parse_id_prefix));
}

}  // namespace

void read_filters(Settings& settings, EventFilter& filter, std::optional<IdPrefix>& request) {
  read_filters_without_times(settings, filter, request);
  read_times(settings, filter, false);
}

Result<LogsOptions> read_logs_options(Settings& settings) {
  LogsOptions options;
  read_zone(settings);
  options.data_dir = read_data_dir(settings);
  auto fleet = read_fleet(settings);
  read_filters_without_times(settings, options.filter, options.request);
  options.around = settings.one(kLogsAround, or_none([](std::string_view text) {
                                  return parse_around(text, kSystemClock.unix_ms());
                                }));
  options.follow = settings.toggle(kLogsFollow);
  options.chart = settings.toggle(kChart);
  options.json = settings.toggle(kAnswerJson);
  if (settings.toggle(kLogsIds)) options.ids = EventIds::shown;
  const bool is_short = options.follow || options.around;
  options.limit = settings.is_given(kLogsLimit) ? settings.number(kLogsLimit)
                  : is_short                    ? 20
                                                : 1000;
  read_times(settings, options.filter, options.follow);
  if (settings.error()) return std::unexpected(*settings.error());
  if (!fleet) return failure("logs: " + fleet.error().what);
  options.fleet = *std::move(fleet);
  if (options.follow && options.fleet) {
    return failure(
        "logs: --follow needs the order of arrival, which the fleet's table does not have: run it "
        "on "
        "the host without --from, or ask again with --since 5m");
  }
  if (options.follow && (options.around || settings.is_given(kFilterUntil))) {
    return failure("logs: --follow waits for new events: leave out --until and --around");
  }
  if (options.filter.since_ms >= options.filter.until_ms) {
    return failure("logs: --since is not before --until: there is nothing between");
  }
  return options;
}

}  // namespace picortex
