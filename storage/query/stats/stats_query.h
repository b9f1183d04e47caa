#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "storage/query/stats/counts_query.h"

namespace picortex {

// What events are grouped by: a step of time, a member of the event, or a field of its data.
struct StatsDimension {
  enum class Kind { time, type, level, chat, field };

  std::string name;  // as it was asked for; of a field also its path
  Kind kind = Kind::field;

  // hour, day, type, level, chat (or event_type, chat_id); else a field, data.NAME for one that has
  // such a name.
  static StatsDimension of(std::string_view name);
};

// A number that is made of a field of the events that have one there.
struct StatsAggregate {
  enum class Kind { sum, max, p50, p95 };

  Kind kind = Kind::sum;
  std::string path;
};

struct StatsGroup {
  // By each dimension; of a time the Unix milliseconds at which its step begins. Empty: the events
  // have no such member.
  std::vector<std::string> by = {};
  std::int64_t count = 0;
  std::int64_t errors = 0;    // of these, those of level error and above
  std::int64_t apart = 0;     // of these, those of Asked::type_apart
  std::int64_t last_ms = -1;  // of the newest, as exact as the counts are: its hour's beginning
  std::vector<std::optional<double>> values =
      {};  // by each aggregate; none: no event has a number there
};

// Counts events by groups and makes numbers of their fields. If only the time, type, level and chat
// are asked about, the rollup answers (CountsQuery); else each event that fits is read.
class StatsQuery : public SlicedQuery {
 public:
  static constexpr std::size_t kDimensionsMax = 4;
  static constexpr std::size_t kAggregatesMax = 8;
  static constexpr std::size_t kGroupsMax = 20'000;
  static constexpr std::size_t kValuesMax = 2'000'000;  // that percentiles are made of

  struct Asked {
    EventFilter filter = {};
    std::vector<StatsDimension> by = {};
    TimeSteps steps = TimeSteps::every(kHourMs);  // of the dimension of time
    std::vector<StatsAggregate> aggregates = {};
    std::string type_apart = {};  // whose events are also counted apart; empty: none
  };

  explicit StatsQuery(Asked asked);

  StoreResult<void> run(EventReader& reader, const QueryBudget& budget) override;
  bool is_done() const noexcept override { return is_done_; }

  // Instead of run(), where the events are somewhere else: `count` of them, each of which fits the
  // filter and is like the row. Their order is that of the sums.
  void take(const EventRow& row, std::int64_t count = 1);

  std::optional<Error> error() const override { return error_; }
  // Once it is done, or all is taken: the groups, by time in its order, else the largest first.
  std::vector<StatsGroup> take_groups();
  // Whether it asks about the time, type, level and chat alone, so that the rollup answers it.
  bool is_counted() const noexcept { return is_counted_; }
  const Asked& asked() const noexcept { return asked_; }

 private:
  struct Group {
    std::int64_t count = 0;
    std::int64_t errors = 0;
    std::int64_t apart = 0;
    std::int64_t last_ms = -1;
    std::vector<std::vector<double>> values;  // by aggregate; a sum or a maximum has one at most
  };
  // By dimension: the step's beginning, or a number that stands for a text.
  using Key = std::array<std::int64_t, kDimensionsMax>;
  struct Hash {
    std::size_t operator()(const Key& key) const noexcept;
  };

  StoreResult<void> start(EventReader& reader);
  StoreResult<bool> resolve_chats(EventReader& reader, CountsQuery::Asked& counts);
  StoreResult<bool> resolve_types(EventReader& reader);
  StoreResult<void> run_counts(EventReader& reader, const QueryBudget& budget);
  StoreResult<void> run_rows(EventReader& reader, const QueryBudget& budget);
  StoreResult<void> name_groups(EventReader& reader);
  void take(const CountCell& cell);
  void add_value(Group& group, std::size_t index, std::string_view data);
  Group* group_of(const Key& key);
  std::int64_t number_of_text(std::string_view text);
  void give_up(std::string what);
  std::optional<double> value_of(Group& group, std::size_t index) const;

  Asked asked_;
  bool is_counted_ = false;
  bool is_started_ = false;
  bool is_done_ = false;
  std::optional<Error> error_;

  std::unique_ptr<CountsQuery> counts_;
  std::optional<std::vector<std::int64_t>> types_;  // that are asked for, by number
  std::optional<std::int64_t> type_apart_;          // none: no event has it
  EventReader* reader_ = nullptr;                   // that rows_ reads with
  std::unique_ptr<EventQuery> rows_;
  std::vector<EventRow> found_;

  std::unordered_map<Key, Group, Hash> groups_;
  Key last_key_{};
  Group* last_group_ = nullptr;
  std::size_t values_ = 0;
  // The texts that numbers stand for in keys; or, where the rollup answers, the names of numbers.
  std::unordered_map<std::string, std::int64_t> numbers_;
  std::vector<std::string> texts_;
  std::map<std::pair<StatsDimension::Kind, std::int64_t>, std::string> names_;
};

}  // namespace picortex
