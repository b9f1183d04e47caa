#include "cli/commands/stats.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/json/json_text.h"
#include "base/parse.h"
#include "base/terminal.h"
#include "base/time/clock.h"
#include "base/time/timestamp.h"
#include "cli/commands/time_expression.h"
#include "cli/output/chart.h"
#include "cli/output/table.h"
#include "daemon/config/serve_options.h"

namespace picortex {
namespace {

using Kind = StatsDimension::Kind;

constexpr int kBarWidth = 40;

std::optional<std::string> parse_name(std::string_view text) {
  if (text.empty() || text.size() > 200) return std::nullopt;
  return std::string(text);
}

std::string_view name_of(StatsAggregate::Kind kind) noexcept {
  constexpr std::pair<StatsAggregate::Kind, std::string_view> kNames[] = {
      {StatsAggregate::Kind::sum, "sum"},
      {StatsAggregate::Kind::max, "max"},
      {StatsAggregate::Kind::p50, "p50"},
      {StatsAggregate::Kind::p95, "p95"}};
  return std::ranges::find(kNames, kind, [](const auto& each) { return each.first; })->second;
}

// The steps of the dimension of time, in the local zone.
TimeSteps steps_of(const StatsOptions& options) {
  const auto time = std::ranges::find(options.by, Kind::time, &StatsDimension::kind);
  const bool is_day = time != options.by.end() && time->name == "day";
  return is_day ? TimeSteps::local_days() : TimeSteps::local_hours();
}

std::string shown(const StatsDimension& dimension, const std::string& value) {
  if (dimension.kind == Kind::time) {
    return local_time(parse_whole<std::int64_t>(value).value_or(0))
        .substr(0, dimension.name == "day" ? 10 : 16);
  }
  return value.empty() ? "-" : value;
}

class Answer {
 public:
  Answer(const StatsOptions& options, std::vector<StatsGroup> groups)
      : options_(options), groups_(std::move(groups)) {
    for (const StatsGroup& group : groups_) {
      total_ += group.count;
      largest_ = std::max(largest_, group.count);
    }
    lines_ = std::min<std::size_t>(groups_.size(), options_.limit);
    // Of times the newest.
    const bool has_time =
        std::ranges::find(options_.by, Kind::time, &StatsDimension::kind) != options_.by.end();
    first_ = has_time ? groups_.size() - lines_ : 0;
  }

  std::string json() const {
    std::string out;
    for (const StatsGroup& group : groups_) append_json(out, group);
    return out;
  }

  std::string text() const {
    std::string out = grouped_digits(total_) + (total_ == 1 ? " event" : " events");
    if (!options_.by.empty()) {
      out +=
          " in " + grouped_digits(std::ssize(groups_)) + (groups_.size() == 1 ? " line" : " lines");
    }
    if (lines_ < groups_.size()) {
      out += first_ > 0 ? "; these are the newest " : "; these are the largest ";
      out += grouped_digits(static_cast<std::int64_t>(lines_)) + ": --limit shows more";
    }
    out += "; times are " + zone_name(kSystemClock.unix_ms()) + '\n';
    if (!options_.by.empty() || !options_.aggregates.empty()) table().append(out);
    return out;
  }

  std::size_t cut() const noexcept { return groups_.size() - lines_; }

 private:
  Table table() const {
    std::vector<Table::Column> columns;
    for (const StatsDimension& dimension : options_.by) columns.push_back({dimension.name});
    columns.push_back({"events", Table::Side::right});
    for (const StatsAggregate& aggregate : options_.aggregates) {
      columns.push_back(
          {std::string(name_of(aggregate.kind)) + ' ' + aggregate.path, Table::Side::right});
    }
    if (options_.chart) columns.push_back({""});
    Table table(std::move(columns));
    for (std::size_t i = first_; i < first_ + lines_; ++i) add(table, groups_[i]);
    return table;
  }

  void add(Table& table, const StatsGroup& group) const {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < options_.by.size(); ++i) {
      texts.push_back(shown(options_.by[i], group.by[i]));
    }
    texts.push_back(grouped_digits(group.count));
    for (const auto& value : group.values) texts.push_back(value ? rounded(*value) : "-");
    if (options_.chart) texts.push_back(bar(group.count, largest_, kBarWidth));
    table.add(std::move(texts));
  }

  // As GET /api/stats has it, on one line.
  void append_json(std::string& out, const StatsGroup& group) const {
    out += "{\"by\":{";
    for (std::size_t i = 0; i < options_.by.size(); ++i) {
      if (i > 0) out += ',';
      append_json_string(out, options_.by[i].name);
      out += ':';
      if (options_.by[i].kind == Kind::time) {
        append_json_string(out, iso_time(parse_whole<std::int64_t>(group.by[i]).value_or(0)));
      } else if (group.by[i].empty()) {
        out += "null";
      } else {
        append_json_string(out, group.by[i]);
      }
    }
    out += "},\"count\":";
    append_json_number(out, group.count);
    for (const auto kind : {StatsAggregate::Kind::sum, StatsAggregate::Kind::max,
                            StatsAggregate::Kind::p50, StatsAggregate::Kind::p95}) {
      append_json_values(out, kind, group);
    }
    out += "}\n";
  }

  void append_json_values(std::string& out, StatsAggregate::Kind kind,
                          const StatsGroup& group) const {
    bool is_first = true;
    for (std::size_t i = 0; i < options_.aggregates.size(); ++i) {
      if (options_.aggregates[i].kind != kind) continue;
      out += is_first ? ",\"" + std::string(name_of(kind)) + "\":{" : ",";
      is_first = false;
      append_json_string(out, options_.aggregates[i].path);
      out += ':';
      if (group.values[i]) {
        append_json_number(out, *group.values[i]);
      } else {
        out += "null";
      }
    }
    if (!is_first) out += '}';
  }

  const StatsOptions& options_;
  std::vector<StatsGroup> groups_;
  std::int64_t total_ = 0;
  std::int64_t largest_ = 0;
  std::size_t lines_ = 0;
  std::size_t first_ = 0;
};

Result<std::string> answer(const StatsOptions& options) {
  auto source = TRY(open_source(options.data_dir, options.fleet));
  StatsQuery::Asked asked{.filter = options.filter,
                          .by = options.by,
                          .steps = steps_of(options),
                          .aggregates = options.aggregates};
  if (options.request) asked.filter.request_id = TRY(find_request(*source, *options.request));
  std::vector<StatsGroup> groups = TRY(source->count(asked));
  // Without groups there is one, of nothing.
  if (groups.empty() && options.by.empty()) {
    groups.push_back(
        {.by = {}, .values = std::vector<std::optional<double>>(options.aggregates.size())});
  }
  const Answer made(options, std::move(groups));
  return options.json ? made.json() : made.text();
}

}  // namespace

Result<StatsOptions> read_stats_options(Settings& settings) {
  StatsOptions options;
  read_zone(settings);
  options.data_dir = read_data_dir(settings);
  auto fleet = read_fleet(settings);
  read_filters(settings, options.filter, options.request);
  for (const std::string& name : settings.list(kStatsBy, parse_name)) {
    options.by.push_back(StatsDimension::of(name));
  }
  const std::pair<const Option*, StatsAggregate::Kind> aggregates[] = {
      {&kStatsSum, StatsAggregate::Kind::sum},
      {&kStatsMax, StatsAggregate::Kind::max},
      {&kStatsP50, StatsAggregate::Kind::p50},
      {&kStatsP95, StatsAggregate::Kind::p95}};
  for (const auto& [option, kind] : aggregates) {
    for (std::string& path : settings.list(*option, parse_name)) {
      options.aggregates.push_back({kind, std::move(path)});
    }
  }
  settings.toggle(kStatsCount);
  options.chart = settings.toggle(kChart);
  options.json = settings.toggle(kAnswerJson);
  options.limit = settings.number(kAnswerLimit);
  if (settings.error()) return std::unexpected(*settings.error());
  if (!fleet) return failure("stats: " + fleet.error().what);
  options.fleet = *std::move(fleet);
  if (options.by.size() > StatsQuery::kDimensionsMax) {
    return failure("stats: --by is given more than four times: leave some out");
  }
  if (options.aggregates.size() > StatsQuery::kAggregatesMax) {
    return failure(
        "stats: --sum, --max, --p50 and --p95 name more than eight fields: leave some "
        "out");
  }
  return options;
}

int stats(const StatsOptions& options) {
  const auto text = answer(options);
  if (!text) return print_error("stats", text.error().what);
  std::fputs(text->c_str(), stdout);
  return std::fflush(stdout) == 0 ? 0 : print_error("stats", "cannot write to stdout");
}

}  // namespace picortex
