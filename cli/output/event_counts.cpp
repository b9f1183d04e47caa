#include "cli/output/event_counts.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/parse.h"
#include "cli/commands/time_expression.h"
#include "cli/output/chart.h"
#include "cli/output/table.h"
#include "storage/query/stats/stats_query.h"

namespace picortex {
namespace {

constexpr int kBarWidth = 50;
constexpr std::int64_t kByHourMax = 48 * kHourMs;
constexpr std::size_t kLinesMax = 400;

}  // namespace

Result<std::string> count_in_words(EventSource& source, const EventFilter& filter) {
  const StatsQuery::Asked asked{.filter = filter, .by = {StatsDimension::of("level")}};
  if (!StatsQuery(asked).is_counted()) return std::string();
  const auto groups = TRY(source.count(asked));
  std::int64_t total = 0;
  std::string high;
  for (const Level level : {Level::fatal, Level::error, Level::warn}) {
    for (const StatsGroup& group : groups) {
      if (group.by[0] != level_label(level)) continue;
      high += (high.empty() ? " (" : ", ") + grouped_digits(group.count) + ' ' + group.by[0];
    }
  }
  for (const StatsGroup& group : groups) total += group.count;
  return grouped_digits(total) + (total == 1 ? " event" : " events") +
         (high.empty() ? "" : high + ")");
}

Result<std::string> draw_histogram(EventSource& source, const EventFilter& filter) {
  const bool by_hour = filter.until_ms - filter.since_ms <= kByHourMax;
  const auto groups =
      TRY(source.count({.filter = filter,
                        .by = {StatsDimension::of(by_hour ? "hour" : "day")},
                        .steps = by_hour ? TimeSteps::local_hours() : TimeSteps::local_days()}));
  std::int64_t largest = 0;
  for (const StatsGroup& group : groups) largest = std::max(largest, group.count);
  Table table({{by_hour ? "hour" : "day"}, {"events", Table::Side::right}, {""}});
  const std::size_t first = groups.size() - std::min(groups.size(), kLinesMax);
  for (std::size_t i = first; i < groups.size(); ++i) {
    const StatsGroup& group = groups[i];
    table.add({local_time(parse_whole<std::int64_t>(group.by[0]).value_or(0))
                   .substr(0, by_hour ? 16 : 10),
               grouped_digits(group.count), bar(group.count, largest, kBarWidth)});
  }
  std::string out;
  table.append(out);
  return out;
}

}  // namespace picortex
