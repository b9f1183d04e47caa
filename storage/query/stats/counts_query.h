#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "storage/query/sliced_query.h"
#include "storage/query/stats/time_steps.h"

namespace picortex {

// The count of events of one chat, type and level, all of one step of time.
struct CountCell {
  std::int64_t time_ms = 0;     // of one of them, or of the beginning of their hour
  std::int64_t chat = kNoChat;  // kAllChats where chats are not distinguished
  std::int64_t type = 0;
  Level level = Level::info;
  std::int64_t count = 0;
};

// Counts the events of a time by hour, type, level and chat, from the rollup
// (storage/index/rollup.h), so that it costs milliseconds at any number of events: about a
// microsecond for each day, and for each day and chat where chats are distinguished. Hours that are
// not within the time as a whole, or that a step ends in, are counted by their rows.
//
// What the rollup says is read in one slice, at one moment, which makes the counts exact as of
// then; rows are counted in the slices after it, of the usual length.
class CountsQuery : public SlicedQuery {
 public:
  struct Asked {
    std::int64_t since_ms = 0;
    std::int64_t until_ms = 0;  // exclusive
    TimeSteps steps = TimeSteps::every(kHourMs);
    bool tells_chats_apart = false;
    bool tells_hours_apart = true;  // else a cell may be of a day, and its time of the last hour
    // Only these, by number, which needs no distinction.
    std::optional<std::vector<std::int64_t>> chats = {};
  };
  using Take = std::function<void(const CountCell&)>;

  // `take` gets each cell once; several may be alike.
  CountsQuery(Asked asked, Take take);

  StoreResult<void> run(EventReader& reader, const QueryBudget& budget) override;
  bool is_done() const noexcept override { return phase_ == Phase::done; }

 private:
  enum class Phase { rollup, rows, old_rows, done };

  StoreResult<void> read_rollup(EventReader& reader);
  StoreResult<void> read_all_rows(EventReader& reader);
  StoreResult<void> read_chats(EventReader& reader);
  StoreResult<void> read_tail(EventReader& reader);
  void take_row(std::int64_t place, std::int64_t chat);
  void take_cell(const CountCell& cell);
  // Whether the rollup counts the hour as it is asked for; else it is noted to be counted by rows.
  bool is_whole(std::int64_t hour_ms);
  bool is_asked(std::int64_t chat) const;
  std::int64_t chat_of(std::int64_t chat) const noexcept;
  StoreResult<void> scan(EventReader& reader, const QueryBudget& budget,
                         EventReader::Scanned scanned);

  Asked asked_;
  Take take_;
  Phase phase_ = Phase::rollup;
  std::vector<RollupCount> counts_;
  std::vector<CountCell> day_;  // of the row, where hours are not distinguished
  std::vector<EventFacts> facts_;
  std::set<std::int64_t> row_hours_;      // beginnings of the hours that are counted by rows
  std::set<std::int64_t> counted_hours_;  // of these, those that have been
  std::int64_t hour_ms_ = -1;  // the last one that is_whole() was asked about, and its answer
  bool hour_is_whole_ = false;
  std::int64_t next_key_ = 0;  // of the rows that are being counted
  std::int64_t last_key_ = -1;
  std::int64_t old_key_ = 0;  // the rollup lacks the old events with keys above
  std::int64_t old_end_ = -1;
};

}  // namespace picortex
