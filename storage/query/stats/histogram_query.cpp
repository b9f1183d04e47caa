#include "storage/query/stats/histogram_query.h"

#include <utility>

namespace picortex {

HistogramQuery::HistogramQuery(Asked asked) : asked_(std::move(asked)), steps_(make_steps()) {
  if (!asked_.may_widen || asked_.step_ms >= kHourMs || !steps_->is_counted()) return;
  const std::int64_t since_ms = asked_.filter.since_ms + kHourMs - 1;
  EventFilter hours;
  hours.since_ms = since_ms - since_ms % kHourMs;
  hours.until_ms = asked_.filter.until_ms - asked_.filter.until_ms % kHourMs;
  if (hours.since_ms >= hours.until_ms) return;
  all_ = std::make_unique<StatsQuery>(StatsQuery::Asked{.filter = hours});
}

std::unique_ptr<StatsQuery> HistogramQuery::make_steps() const {
  return std::make_unique<StatsQuery>(
      StatsQuery::Asked{.filter = asked_.filter,
                        .by = {StatsDimension::of("hour"), StatsDimension::of("level")},
                        .steps = TimeSteps::every(asked_.step_ms, asked_.zone_ms)});
}

StoreResult<void> HistogramQuery::run(EventReader& reader, const QueryBudget& budget) {
  if (!all_) return steps_->run(reader, budget);
  TRY(all_->run(reader, budget));
  if (!all_->is_done()) return {};
  std::int64_t count = 0;
  for (const StatsGroup& group : all_->take_groups()) count += group.count;
  all_.reset();
  if (count <= asked_.rows_max) return {};
  asked_.step_ms = kHourMs;
  asked_.zone_ms = 0;
  steps_ = make_steps();
  return {};
}

}  // namespace picortex
