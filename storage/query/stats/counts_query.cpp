#include "storage/query/stats/counts_query.h"

#include <algorithm>
#include <utility>

#include "base/time/timestamp.h"
#include "storage/event_id.h"
#include "storage/index/arrival_block.h"

namespace picortex {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kRowsAtOnce = 256;
// A day with more types and levels than are quickly compared has further ones by the hour.
constexpr std::size_t kDayCellsMax = 64;

std::int64_t hour_of(std::int64_t time_ms) noexcept { return time_ms / kHourMs * kHourMs; }

}  // namespace

CountsQuery::CountsQuery(Asked asked, Take take)
    : asked_(std::move(asked)), take_(std::move(take)) {
  asked_.since_ms = std::clamp<std::int64_t>(asked_.since_ms, 0, kLatestUnixMs + 1);
  asked_.until_ms = std::clamp<std::int64_t>(asked_.until_ms, 0, kLatestUnixMs + 1);
  if (asked_.chats) std::ranges::sort(*asked_.chats);
  if (asked_.since_ms >= asked_.until_ms) phase_ = Phase::done;
}

StoreResult<void> CountsQuery::run(EventReader& reader, const QueryBudget& budget) {
  if (phase_ == Phase::done) return {};
  auto done = reader.begin();
  if (done && phase_ == Phase::rollup) {
    done = read_rollup(reader);
  } else if (done) {
    done = scan(reader, budget,
                phase_ == Phase::rows ? EventReader::Scanned::all : EventReader::Scanned::only_old);
  }
  reader.end();
  return done;
}

StoreResult<void> CountsQuery::read_rollup(EventReader& reader) {
  // The hours at the ends, unless they are asked for as a whole; events may be in them that no row
  // counts yet.
  is_whole(hour_of(asked_.since_ms));
  is_whole(hour_of(asked_.until_ms - 1));
  auto old_key = TRY(reader.total("rollup_old_key", -1));
  auto old_end = TRY(reader.total("old_end_key", -1));
  old_key_ = std::max(old_key, first_key_of(asked_.since_ms) - 1);
  old_end_ = std::min(old_end, first_key_of(asked_.until_ms) - 1);
  auto read = asked_.chats ? read_chats(reader) : read_all_rows(reader);
  if (read) read = read_tail(reader);
  phase_ = Phase::rows;
  last_key_ = -1;
  return read;
}

// The rows of all chats, or those of each.
StoreResult<void> CountsQuery::read_all_rows(EventReader& reader) {
  const std::int64_t end = rollup_place((asked_.until_ms - 1) / kRollupDayMs + 1, kAllChats) - 1;
  std::int64_t from = rollup_place(asked_.since_ms / kRollupDayMs, kAllChats);
  for (;;) {
    counts_.clear();
    auto place = TRY(reader.next_counts(from, end, counts_));
    if (!place) return {};
    const bool is_of_all = chat_of_place(*place) == kAllChats;
    from = *place + 1;
    if (is_of_all && !asked_.tells_chats_apart) {
      from = rollup_place(day_of_place(*place) + 1, kAllChats);
    }
    if (is_of_all != asked_.tells_chats_apart) take_row(*place, chat_of_place(*place));
  }
}

// The days that have events, and in each the rows of the chats.
StoreResult<void> CountsQuery::read_chats(EventReader& reader) {
  const std::int64_t end = rollup_place((asked_.until_ms - 1) / kRollupDayMs + 1, kAllChats) - 1;
  std::int64_t from = rollup_place(asked_.since_ms / kRollupDayMs, kAllChats);
  for (;;) {
    counts_.clear();
    auto place = TRY(reader.next_counts(from, end, counts_));
    if (!place) return {};
    const std::int64_t day = day_of_place(*place);
    for (const std::int64_t chat : *asked_.chats) {
      counts_.clear();
      const std::int64_t own = rollup_place(day, chat);
      TRY(reader.read_counts(own, counts_));
      take_row(own, chat);
    }
    from = rollup_place(day + 1, kAllChats);
  }
}

void CountsQuery::take_row(std::int64_t place, std::int64_t chat) {
  const std::int64_t day_ms = day_of_place(place) * kRollupDayMs;
  for (const RollupCount& count : counts_) {
    const std::int64_t hour_ms = day_ms + count.hour * kHourMs;
    if (hour_ms + kHourMs <= asked_.since_ms || hour_ms >= asked_.until_ms) continue;
    if (!is_whole(hour_ms)) continue;
    take_cell({hour_ms, chat_of(chat), count.type, count.level, count.count});
  }
  for (const CountCell& cell : day_) take_(cell);
  day_.clear();
}

// Of a day there are few types and levels, and up to 24 times as many cells.
void CountsQuery::take_cell(const CountCell& cell) {
  if (asked_.tells_hours_apart) return take_(cell);
  for (CountCell& known : day_) {
    if (known.type != cell.type || known.level != cell.level) continue;
    known.count += cell.count;
    known.time_ms = cell.time_ms;
    return;
  }
  if (day_.size() == kDayCellsMax) return take_(cell);
  day_.push_back(cell);
}

// What has arrived since the rows were written.
StoreResult<void> CountsQuery::read_tail(EventReader& reader) {
  auto counted = TRY(reader.total("rollup_arrival", 0));
  std::vector<std::int64_t> keys;
  for (std::int64_t next = counted + 1;;) {
    keys.clear();
    auto block = TRY(reader.read_arrivals(arrival_block_of(next), keys));
    if (!block) return {};
    std::int64_t arrival = first_arrival_of(*block);
    for (const std::int64_t key : keys) {
      const std::int64_t own = arrival++;
      const std::int64_t time_ms = time_of(key);
      if (own < next || time_ms < asked_.since_ms || time_ms >= asked_.until_ms) continue;
      if (!is_whole(hour_of(time_ms))) continue;
      auto facts = TRY(reader.read_facts(key));
      if (!facts || facts->arrival != own || !is_asked(facts->chat)) continue;
      take_({time_ms, chat_of(facts->chat), facts->type, facts->level, 1});
    }
    next = first_arrival_of(*block + 1);
  }
}

bool CountsQuery::is_whole(std::int64_t hour_ms) {
  if (hour_ms == hour_ms_) return hour_is_whole_;
  hour_ms_ = hour_ms;
  hour_is_whole_ = hour_ms >= asked_.since_ms && hour_ms + kHourMs <= asked_.until_ms &&
                   !asked_.steps.divides_hour(hour_ms);
  if (!hour_is_whole_) row_hours_.insert(hour_ms);
  return hour_is_whole_;
}

bool CountsQuery::is_asked(std::int64_t chat) const {
  return !asked_.chats || std::ranges::binary_search(*asked_.chats, chat);
}

std::int64_t CountsQuery::chat_of(std::int64_t chat) const noexcept {
  return asked_.tells_chats_apart || asked_.chats ? chat : kAllChats;
}

// --- Rows ---

// Of the hours that are noted, one after the other; then the old events that the rollup lacks, but
// for those hours.
StoreResult<void> CountsQuery::scan(EventReader& reader, const QueryBudget& budget,
                                    EventReader::Scanned scanned) {
  const auto end = Clock::now() + budget.time_max;
  do {
    if (next_key_ > last_key_) {
      if (phase_ == Phase::rows && !row_hours_.empty()) {
        const std::int64_t hour_ms = *row_hours_.begin();
        counted_hours_.insert(row_hours_.extract(row_hours_.begin()));
        next_key_ = first_key_of(std::max(hour_ms, asked_.since_ms));
        last_key_ = first_key_of(std::min(hour_ms + kHourMs, asked_.until_ms)) - 1;
      } else if (phase_ == Phase::rows && old_key_ < old_end_) {
        phase_ = Phase::old_rows;
        next_key_ = old_key_ + 1;
        last_key_ = old_end_;
        return {};
      } else {
        phase_ = Phase::done;
        return {};
      }
    }
    facts_.clear();
    auto read = reader.scan_facts(next_key_, last_key_, kRowsAtOnce, scanned, facts_);
    if (!read) return read;
    for (const EventFacts& facts : facts_) {
      const std::int64_t time_ms = time_of(facts.key);
      if (!is_asked(facts.chat)) continue;
      if (phase_ == Phase::old_rows && counted_hours_.contains(hour_of(time_ms))) continue;
      take_({time_ms, chat_of(facts.chat), facts.type, facts.level, 1});
    }
    next_key_ = facts_.size() < kRowsAtOnce ? last_key_ + 1 : facts_.back().key + 1;
  } while (Clock::now() < end);
  return {};
}

}  // namespace picortex
