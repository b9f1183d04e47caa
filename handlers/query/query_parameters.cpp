#include "handlers/query/query_parameters.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/parse.h"
#include "base/time/durations.h"
#include "base/time/timestamp.h"
#include "storage/event.h"

namespace picortex {
namespace {

constexpr std::size_t kPairsMax = 32;
constexpr std::size_t kTextSizeMax = 256;
constexpr std::size_t kShownMax = 64;

std::unexpected<Error> rejection(std::string_view name, std::string_view why) {
  return failure(std::string(name.substr(0, kShownMax)) + ' ' + std::string(why));
}

// Returns nothing if an escape is invalid.
std::optional<std::string> unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

Result<std::string> decode(std::string_view text) {
  auto decoded = unescape(text);
  if (!decoded) return failure("The query has a broken %-escape");
  return std::move(*decoded);
}

// Parses ISO 8601 or Unix milliseconds.
std::optional<std::int64_t> time_of_text(std::string_view text) noexcept {
  if (const auto iso = parse_iso_time(text)) return iso;
  return parse_whole<std::int64_t>(text, 0, kLatestUnixMs);
}

using Reader = Result<void> (*)(EventsRequest& request, std::string_view name, std::string& value);

Result<void> read_chat_id(EventsRequest& request, std::string_view name, std::string& value) {
  if (value.size() > kChatIdSizeMax) return rejection(name, "is longer than 256 bytes");
  if (!is_type_filter(value)) {
    return rejection(name, "may have a * at its end only, as in chat-*");
  }
  request.filter.chat_id = std::move(value);
  return {};
}

Result<void> read_request_id(EventsRequest& request, std::string_view name, std::string& value) {
  request.filter.request_id = parse_uuid(value);
  if (!request.filter.request_id) return rejection(name, "is not a UUID");
  return {};
}

Result<void> read_event_type(EventsRequest& request, std::string_view name, std::string& value) {
  if (value.size() > kEventTypeSizeMax) return rejection(name, "is longer than 128 bytes");
  if (!is_type_filter(value)) {
    return rejection(name, "may have a * at its end only, as in linq.*");
  }
  request.filter.event_type = std::move(value);
  return {};
}

Result<void> read_level(EventsRequest& request, std::string_view name, std::string& value) {
  const auto level = parse_level(value);
  if (!level) return rejection(name, "is not one of trace, debug, info, warn, error, fatal");
  request.filter.level = *level;
  return {};
}

Result<void> read_time(std::int64_t& time_ms, std::string_view name, std::string_view value) {
  const auto time = time_of_text(value);
  if (!time) {
    return rejection(name, kTimeParameter);
  }
  time_ms = *time;
  return {};
}

Result<void> read_since(EventsRequest& request, std::string_view name, std::string& value) {
  return read_time(request.filter.since_ms, name, value);
}

Result<void> read_until(EventsRequest& request, std::string_view name, std::string& value) {
  return read_time(request.filter.until_ms, name, value);
}

Result<void> read_text(EventsRequest& request, std::string_view name, std::string& value) {
  if (value.size() > kTextSizeMax) return rejection(name, "is longer than 256 bytes");
  request.filter.text = std::move(value);
  return {};
}

Result<void> read_where(EventsRequest& request, std::string_view name, std::string& value) {
  auto condition = FieldCondition::parse(value);
  if (!condition) return rejection(name, condition.error().what);
  request.filter.where.push_back(std::move(*condition));
  return {};
}

Result<void> read_limit(EventsRequest& request, std::string_view name, std::string& value) {
  const auto limit = parse_whole<std::size_t>(value, 1, kEventsLimitMax);
  if (!limit) return rejection(name, "is not a number from 1 to 1000");
  request.limit = *limit;
  return {};
}

Result<void> read_cursor(EventsRequest& request, std::string_view name, std::string& value) {
  request.after = parse_cursor(value);
  if (!request.after) return rejection(name, "is not a next_cursor of an earlier answer");
  return {};
}

// Those of pages last.
constexpr std::array<std::pair<std::string_view, Reader>, 10> kReaders{
    {{"chat_id", read_chat_id},
     {"request_id", read_request_id},
     {"event_type", read_event_type},
     {"level", read_level},
     {"since", read_since},
     {"until", read_until},
     {"text", read_text},
     {"where", read_where},
     {"limit", read_limit},
     {"cursor", read_cursor}}};
constexpr std::size_t kReadersOfStreams = 8;

// `last_event_id` receives lastEventId; null: the parameter is unknown.
Result<EventsRequest> parse_request(std::string_view query, std::size_t readers,
                                    std::string* last_event_id = nullptr) {
  auto pairs = TRY(parse_form(query));
  EventsRequest request;
  for (auto& [name, value] : pairs) {
    if (last_event_id != nullptr && name == "lastEventId") {
      *last_event_id = std::move(value);
      continue;
    }
    const auto* const end = kReaders.begin() + readers;
    const auto* const reader = std::find_if(
        kReaders.begin(), end, [&](const auto& candidate) { return candidate.first == name; });
    if (reader == end) return rejection(name, "is not a parameter of this endpoint");
    if (value.empty()) continue;
    TRY(reader->second(request, name, value));
  }
  return request;
}

}  // namespace

std::optional<std::int64_t> parse_time_parameter(std::string_view text) noexcept {
  return time_of_text(text);
}

std::optional<std::size_t> parse_number_parameter(std::string_view text) noexcept {
  return parse_whole<std::size_t>(text);
}

Result<FormPairs> parse_form(std::string_view query) {
  FormPairs pairs;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto name = TRY(decode(pair.substr(0, equals)));
    auto value = TRY(decode(pair.substr(std::min(equals + 1, pair.size()))));
    for (const auto& other : pairs) {
      if (other.first == name && name != "where") return rejection(name, "is given twice");
    }
    if (pairs.size() == kPairsMax) return failure("The query has more than 32 parameters");
    pairs.emplace_back(std::move(name), std::move(value));
  }
  return pairs;
}

Result<void> reject_parameters(std::string_view query) {
  const auto pairs = TRY(parse_form(query));
  if (pairs.empty()) return {};
  return rejection(pairs.front().first, "is not a parameter of this endpoint, which has none");
}

bool is_type_filter(std::string_view text) noexcept {
  const std::size_t star = text.find('*');
  return star == std::string_view::npos || star + 1 == text.size();
}

Result<EventsRequest> parse_events_request(std::string_view query) {
  return parse_request(query, kReaders.size());
}

Result<StreamRequest> parse_stream_request(std::string_view query) {
  StreamRequest request;
  auto rest = TRY(parse_request(query, kReadersOfStreams, &request.last_event_id));
  request.filter = std::move(rest.filter);
  return request;
}

// --- What is counted ---

namespace {

constexpr std::size_t kGroupsShownMax = 10'000;

Result<void> read_by(StatsRequest& request, std::string_view names) {
  while (!names.empty()) {
    const std::string_view name = names.substr(0, names.find(','));
    names.remove_prefix(std::min(name.size() + 1, names.size()));
    if (name.empty()) return failure("by has an empty name between its commas");
    if (request.by.size() == StatsQuery::kDimensionsMax) return failure("by has over 4 names");
    request.by.push_back(StatsDimension::of(name));
  }
  return {};
}

Result<void> read_aggregate(StatsRequest& request, StatsAggregate::Kind kind,
                            std::string_view paths) {
  while (!paths.empty()) {
    const std::string_view path = paths.substr(0, paths.find(','));
    paths.remove_prefix(std::min(path.size() + 1, paths.size()));
    if (request.aggregates.size() == StatsQuery::kAggregatesMax) {
      return failure("sum, max, p50 and p95 have over 8 fields together");
    }
    request.aggregates.push_back({kind, std::string(path)});
  }
  return {};
}

// "+01:00", "-0330", "Z".
std::optional<std::int64_t> zone_of(std::string_view text) noexcept {
  if (text == "Z" || text == "z") return 0;
  if (text.size() != 5 && text.size() != 6) return std::nullopt;
  const bool has_colon = text.size() == 6;
  if ((text[0] != '+' && text[0] != '-') || (has_colon && text[3] != ':')) return std::nullopt;
  const auto hours = parse_whole<unsigned>(text.substr(1, 2), 0, 14);
  const auto minutes = parse_whole<unsigned>(text.substr(has_colon ? 4 : 3, 2), 0, 59);
  if (!hours || !minutes) return std::nullopt;
  const std::int64_t ahead = (std::int64_t{*hours} * 60 + *minutes) * kMinuteMs;
  return text[0] == '-' ? -ahead : ahead;
}

// Whole seconds, minutes, hours or days: 30s, 5m, 1h, 1d.
std::optional<std::int64_t> step_of(std::string_view text) noexcept {
  if (text.size() < 2) return std::nullopt;
  constexpr std::pair<char, std::int64_t> kUnits[] = {
      {'s', 1000}, {'m', kMinuteMs}, {'h', 60 * kMinuteMs}, {'d', 1440 * kMinuteMs}};
  const auto number = parse_whole<unsigned>(text.substr(0, text.size() - 1), 1, 366);
  for (const auto& [unit, ms] : kUnits) {
    if (text.back() == unit && number) return *number * ms;
  }
  return std::nullopt;
}

Result<void> read_stats_parameter(StatsRequest& request, std::string_view name,
                                  std::string_view value) {
  using Kind = StatsAggregate::Kind;
  if (name == "by") return read_by(request, value);
  if (name == "sum") return read_aggregate(request, Kind::sum, value);
  if (name == "max") return read_aggregate(request, Kind::max, value);
  if (name == "p50") return read_aggregate(request, Kind::p50, value);
  if (name == "p95") return read_aggregate(request, Kind::p95, value);
  if (name == "zone") {
    const auto zone = zone_of(value);
    if (!zone) return rejection(name, "is no distance from UTC, as in %2B01:00, -03:30 or Z");
    request.zone_ms = *zone;
  } else if (name == "step") {
    const auto step = step_of(value);
    if (!step) return rejection(name, "is no step of 1 to 366 s, m, h or d, as in 5m");
    request.step_ms = *step;
  } else {
    const auto limit = parse_whole<std::size_t>(value, 1, kGroupsShownMax);
    if (!limit) {
      return rejection(name, "is not a number from 1 to 10000");
    }
    request.limit = *limit;
  }
  return {};
}

}  // namespace

Result<StatsRequest> parse_stats_request(std::string_view query,
                                         std::initializer_list<std::string_view> others) {
  auto pairs = TRY(parse_form(query));
  EventsRequest filters;
  StatsRequest request;
  const auto* const end = kReaders.begin() + kReadersOfStreams;
  for (auto& [name, value] : pairs) {
    const auto* const reader = std::find_if(
        kReaders.begin(), end, [&](const auto& candidate) { return candidate.first == name; });
    const bool is_other = std::ranges::find(others, name) != others.end();
    if (reader == end && !is_other) return rejection(name, "is not a parameter of this endpoint");
    if (value.empty()) continue;
    TRY(is_other ? read_stats_parameter(request, name, value)
                 : reader->second(filters, name, value));
  }
  request.filter = std::move(filters.filter);
  return request;
}

}  // namespace picortex
