#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "storage/query/stats/stats_query.h"

namespace picortex {

// Counts the events that fit a filter by steps of time and by level.
//
// The store keeps counts by the hour: steps that divide an hour need every row of the time, whatever
// the filter. So where that very step was not asked for, and the whole hours in the time have more
// than `rows_max` events, the steps are the hours of UTC.
class HistogramQuery : public SlicedQuery {
 public:
  static constexpr std::int64_t kRowsMax = 50'000;  // some 30 ms

  struct Asked {
    EventFilter filter = {};
    std::int64_t step_ms = kHourMs;
    std::int64_t zone_ms = 0;  // a step begins at midnight of the zone that is so much ahead of UTC
    bool may_widen = false;    // the step is a suggestion
    std::int64_t rows_max = kRowsMax;
  };

  explicit HistogramQuery(Asked asked);

  StoreResult<void> run(EventReader& reader, const QueryBudget& budget) override;
  bool is_done() const noexcept override { return !all_ && steps_->is_done(); }
  std::optional<Error> error() const override { return steps_->error(); }

  // Once it is done.
  std::int64_t step_ms() const noexcept { return asked_.step_ms; }
  // By the time at which a step begins, and by level.
  std::vector<StatsGroup> take_groups() { return steps_->take_groups(); }

 private:
  std::unique_ptr<StatsQuery> make_steps() const;

  Asked asked_;
  std::unique_ptr<StatsQuery> steps_;
  std::unique_ptr<StatsQuery> all_;  // how many events there are, as long as the step may change
};

}  // namespace picortex
