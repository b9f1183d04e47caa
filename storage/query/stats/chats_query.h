#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/query/stats/stats_query.h"

namespace picortex {

struct ChatSummary {
  std::string chat_id;
  std::int64_t events = 0;
  std::int64_t turns = 0;  // tmux.turn.start
  std::int64_t errors = 0;
  std::int64_t last_ms = 0;  // of its newest event, of all
};

// The events that fit a filter and are of some chat, by chat, with the turns apart.
StatsQuery::Asked count_by_chat(EventFilter filter);
// The chats of its groups, without their last events, which are known later.
std::vector<ChatSummary> summarise_chats(std::vector<StatsGroup> groups);
// The one seen last first.
void sort_chats(std::vector<ChatSummary>& chats);

// The chats with events that fit a filter, the one seen last first.
class ChatsQuery : public SlicedQuery {
 public:
  explicit ChatsQuery(const EventFilter& filter);

  StoreResult<void> run(EventReader& reader, const QueryBudget& budget) override;
  bool is_done() const noexcept override { return phase_ == Phase::done; }

  std::optional<Error> error() const override { return counts_.error(); }
  std::vector<ChatSummary> take_chats() { return std::move(chats_); }

 private:
  enum class Phase { counts, last, done };

  StoreResult<void> find_last(EventReader& reader, const QueryBudget& budget);

  Phase phase_ = Phase::counts;
  StatsQuery counts_;
  std::vector<ChatSummary> chats_;
  std::size_t next_ = 0;  // the first of chats_ whose last event is not known
};

// How many events each type, level and chat has. Of those that fit the filter; but what the filter
// says of a type does not count for the types, and so on: an answer says also what else there is.
class FacetsQuery : public SlicedQuery {
 public:
  explicit FacetsQuery(const EventFilter& filter);

  StoreResult<void> run(EventReader& reader, const QueryBudget& budget) override;
  bool is_done() const noexcept override { return at_ == queries_.size(); }
  std::optional<Error> error() const override;

  // Each has one member of `by`, and the largest comes first.
  std::vector<StatsGroup> take_types() { return queries_[0].take_groups(); }
  std::vector<StatsGroup> take_levels() { return queries_[1].take_groups(); }
  std::vector<StatsGroup> take_chats() { return queries_[2].take_groups(); }

 private:
  std::vector<StatsQuery> queries_;
  std::size_t at_ = 0;
};

}  // namespace picortex
