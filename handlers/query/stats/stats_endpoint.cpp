#include "handlers/query/stats/stats_endpoint.h"

#include <algorithm>
#include <map>
#include <span>
#include <utility>

#include "base/json/json_object.h"
#include "base/parse.h"
#include "base/time/durations.h"

namespace picortex {
namespace {

constexpr std::chrono::milliseconds kSlice{2};
constexpr std::size_t kFacetsMax = 200;
constexpr std::int64_t kStepsMax = 2'000;

std::int64_t number_in(const std::string& text) {
  return parse_whole<std::int64_t>(text).value_or(0);
}

std::string_view name_of(StatsAggregate::Kind kind) noexcept {
  switch (kind) {
    case StatsAggregate::Kind::sum:
      return "sum";
    case StatsAggregate::Kind::max:
      return "max";
    case StatsAggregate::Kind::p50:
      return "p50";
    case StatsAggregate::Kind::p95:
      return "p95";
  }
  return "sum";
}

// The step that gives about a hundred of them.
std::int64_t suggested_step(std::int64_t range_ms) noexcept {
  constexpr std::int64_t kSteps[] = {1'000,
                                     5'000,
                                     15'000,
                                     kMinuteMs,
                                     5 * kMinuteMs,
                                     15 * kMinuteMs,
                                     60 * kMinuteMs,
                                     180 * kMinuteMs,
                                     720 * kMinuteMs,
                                     1440 * kMinuteMs,
                                     7 * 1440 * kMinuteMs};
  for (const std::int64_t step : kSteps) {
    if (range_ms / step <= 150) return step;
  }
  return 30 * 1440 * kMinuteMs;
}

// {"by":{"chat":"c1"},"count":3,"sum":{"cost_usd":1.25},"p95":{"duration_ms":81000}}
void append_group(JsonArray& groups, const StatsQuery::Asked& asked, const StatsGroup& group) {
  using Kind = StatsAggregate::Kind;
  JsonObject object = groups.object();
  {
    JsonObject by = object.object("by");
    for (std::size_t i = 0; i < asked.by.size(); ++i) {
      const bool is_time = asked.by[i].kind == StatsDimension::Kind::time;
      is_time ? by.time(asked.by[i].name, number_in(group.by[i]))
              : by.text_or_null(asked.by[i].name, group.by[i]);
    }
  }
  object.number("count", group.count);
  for (const Kind kind : {Kind::sum, Kind::max, Kind::p50, Kind::p95}) {
    const bool is_asked =
        std::ranges::find(asked.aggregates, kind, &StatsAggregate::kind) != asked.aggregates.end();
    if (!is_asked) continue;
    JsonObject values = object.object(name_of(kind));
    for (std::size_t i = 0; i < asked.aggregates.size(); ++i) {
      const StatsAggregate& aggregate = asked.aggregates[i];
      if (aggregate.kind != kind) continue;
      group.values[i] ? values.number(aggregate.path, *group.values[i])
                      : values.null(aggregate.path);
    }
  }
}

TimeSteps steps_of(const StatsRequest& request) {
  const auto time =
      std::ranges::find(request.by, StatsDimension::Kind::time, &StatsDimension::kind);
  const bool is_day = time != request.by.end() && time->name == "day";
  return TimeSteps::every(is_day ? kRollupDayMs : kHourMs, request.zone_ms);
}

}  // namespace

StatsEndpoint::StatsEndpoint(Reactor& reactor, QueryRunner& runner)
    : reactor_(reactor), runner_(runner) {
  for (std::size_t i = 0; i < kAnswersMax; ++i) free_.push_back(&answers_.emplace_back(*this));
}

void StatsEndpoint::start(http::Exchange& exchange, StatsRequest request,
                          std::unique_ptr<SlicedQuery> query, Write write) {
  if (free_.empty()) {
    return exchange.fail(503, "Too many queries are running; try again later",
                         "Retry-After: 1\r\n");
  }
  Answer& answer = *free_.back();
  free_.pop_back();
  answer.exchange = &exchange;
  answer.request = std::move(request);
  answer.write = write;
  answer.since = reactor_.now();
  answer.body.clear();
  runner_.start(answer.query, std::move(query), {.rows_max = 256, .time_max = kSlice});
}

void StatsEndpoint::get_stats(http::Exchange& exchange) noexcept {
  auto request = parse_stats_request(exchange.request().query,
                                     {"by", "sum", "max", "p50", "p95", "zone", "limit"});
  if (!request) return exchange.fail(400, request.error().what);
  auto query = std::make_unique<StatsQuery>(StatsQuery::Asked{.filter = request->filter,
                                                              .by = request->by,
                                                              .steps = steps_of(*request),
                                                              .aggregates = request->aggregates});
  start(exchange, std::move(*request), std::move(query), &StatsEndpoint::write_stats);
}

void StatsEndpoint::get_histogram(http::Exchange& exchange) noexcept {
  auto request = parse_stats_request(exchange.request().query, {"step", "zone"});
  if (!request) return exchange.fail(400, request.error().what);
  EventFilter& filter = request->filter;
  // Without its ends a histogram is of the last day.
  const std::int64_t now_ms = reactor_.unix_ms();
  if (filter.until_ms > now_ms + kRollupDayMs) filter.until_ms = now_ms + 1;
  if (filter.since_ms == 0) filter.since_ms = filter.until_ms - kRollupDayMs;
  const std::int64_t range_ms = filter.until_ms - filter.since_ms;
  if (range_ms <= 0) return exchange.fail(400, "since is not before until");
  const bool is_given = request->step_ms != 0;
  if (!is_given) request->step_ms = suggested_step(range_ms);
  if (range_ms / request->step_ms > kStepsMax) {
    return exchange.fail(400, "step divides the time into over 2000 steps: give a longer one");
  }
  auto query = std::make_unique<HistogramQuery>(HistogramQuery::Asked{.filter = filter,
                                                                      .step_ms = request->step_ms,
                                                                      .zone_ms = request->zone_ms,
                                                                      .may_widen = !is_given});
  start(exchange, std::move(*request), std::move(query), &StatsEndpoint::write_histogram);
}

void StatsEndpoint::get_facets(http::Exchange& exchange) noexcept {
  auto request = parse_stats_request(exchange.request().query, {});
  if (!request) return exchange.fail(400, request.error().what);
  auto query = std::make_unique<FacetsQuery>(request->filter);
  start(exchange, std::move(*request), std::move(query), &StatsEndpoint::write_facets);
}

void StatsEndpoint::get_chats(http::Exchange& exchange) noexcept {
  auto request = parse_stats_request(exchange.request().query, {"limit"});
  if (!request) return exchange.fail(400, request.error().what);
  auto query = std::make_unique<ChatsQuery>(request->filter);
  start(exchange, std::move(*request), std::move(query), &StatsEndpoint::write_chats);
}

void StatsEndpoint::get_errors(http::Exchange& exchange) noexcept {
  auto request = parse_stats_request(exchange.request().query, {"limit"});
  if (!request) return exchange.fail(400, request.error().what);
  auto query = std::make_unique<ErrorGroupsQuery>(request->filter);
  start(exchange, std::move(*request), std::move(query), &StatsEndpoint::write_errors);
}

void StatsEndpoint::look_at(Answer& answer) {
  if (answer.query.has_failed()) {
    return finish(answer, 503, "The database cannot be read now; try again later");
  }
  if (!answer.exchange->is_wanted()) return finish(answer, 200, "");
  if (!answer.query.task().is_done()) {
    if (reactor_.now() - answer.since < kTimeMax) return;
    return finish(answer, 503,
                  "The answer takes too long: narrow the time, or filter by type, level or chat");
  }
  if (const auto error = answer.query.task().error()) return finish(answer, 400, error->what);
  (this->*answer.write)(answer);
  finish(answer, 200, answer.body);
}

void StatsEndpoint::finish(Answer& answer, int status, std::string_view text) {
  // The answer may bring the next request of the connection, which may take this very place.
  const std::string body(text);
  http::Exchange& exchange = *answer.exchange;
  runner_.end(answer.query);
  answer.body.clear();
  answer.request = {};
  free_.push_back(&answer);
  if (status == 200) return exchange.respond({.body = body});
  exchange.fail(status, body, status == 503 ? "Retry-After: 1\r\n" : "");
}

// --- The answers ---

void StatsEndpoint::write_stats(Answer& answer) {
  auto& query = static_cast<StatsQuery&>(answer.query.task());
  const std::vector<StatsGroup> groups = query.take_groups();
  const std::size_t shown = std::min(groups.size(), answer.request.limit);
  std::int64_t total = 0;
  for (const StatsGroup& group : groups) total += group.count;
  JsonObject body(answer.body);
  {
    JsonArray list = body.array("groups");
    for (const StatsGroup& group : std::span(groups).first(shown)) {
      append_group(list, query.asked(), group);
    }
  }
  body.number("groups_left_out", groups.size() - shown).number("total", total);
}

void StatsEndpoint::write_histogram(Answer& answer) {
  auto& query = static_cast<HistogramQuery&>(answer.query.task());
  const StatsRequest& request = answer.request;
  std::map<std::int64_t, std::vector<StatsGroup>> steps;
  for (StatsGroup& group : query.take_groups()) {
    steps[number_in(group.by[0])].push_back(std::move(group));
  }
  JsonObject body(answer.body);
  body.time("since", request.filter.since_ms)
      .time("until", request.filter.until_ms)
      .number("step_ms", query.step_ms());
  JsonArray list = body.array("steps");  // those without events are left out
  for (const auto& [time_ms, groups] : steps) {
    JsonObject step = list.object();
    step.time("time", time_ms);
    for (const StatsGroup& group : groups) step.number(group.by[1], group.count);
  }
}

void StatsEndpoint::write_facets(Answer& answer) {
  auto& query = static_cast<FacetsQuery&>(answer.query.task());
  JsonObject body(answer.body);
  const auto append = [&body](std::string_view name, const std::vector<StatsGroup>& groups) {
    const std::size_t shown = std::min(groups.size(), kFacetsMax);
    {
      JsonArray list = body.array(name);
      for (const StatsGroup& group : std::span(groups).first(shown)) {
        list.object().text("value", group.by.front()).number("count", group.count);
      }
    }
    body.number(std::string(name) + "_left_out", groups.size() - shown);
  };
  append("types", query.take_types());
  append("levels", query.take_levels());
  append("chats", query.take_chats());
}

void StatsEndpoint::write_chats(Answer& answer) {
  const std::vector<ChatSummary> chats = static_cast<ChatsQuery&>(answer.query.task()).take_chats();
  const std::size_t shown = std::min(chats.size(), answer.request.limit);
  JsonObject body(answer.body);
  {
    JsonArray list = body.array("chats");
    for (const ChatSummary& chat : std::span(chats).first(shown)) {
      list.object()
          .text("chat_id", chat.chat_id)
          .time("last_seen", chat.last_ms)
          .number("events", chat.events)
          .number("turns", chat.turns)
          .number("errors", chat.errors);
    }
  }
  body.number("chats_left_out", chats.size() - shown);
}

void StatsEndpoint::write_errors(Answer& answer) {
  const std::vector<ErrorGroup> groups =
      static_cast<ErrorGroupsQuery&>(answer.query.task()).take_groups();
  const std::size_t shown = std::min(groups.size(), answer.request.limit);
  JsonObject body(answer.body);
  {
    JsonArray list = body.array("errors");
    for (const ErrorGroup& group : std::span(groups).first(shown)) {
      JsonObject error = list.object();
      error.text("fingerprint", group.id)
          .text("state", error_state_label(group.state))
          .text("event_type", group.event_type)
          .text("level", level_label(group.level))
          .text("title", group.title)
          .time("first_seen", group.first_ms)
          .time("last_seen", group.last_ms)
          .id("last_event", group.last_event)
          .id("last_request", group.last_request)
          .number("count", group.count)
          .text_or_null("release", group.release);
      JsonArray chats_of_error = error.array("chats");
      for (const std::string& chat : group.chats) chats_of_error.text(chat);
    }
  }
  body.number("errors_left_out", groups.size() - shown);
}

}  // namespace picortex
