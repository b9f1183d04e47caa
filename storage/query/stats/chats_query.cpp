#include "storage/query/stats/chats_query.h"

#include <algorithm>
#include <utility>

#include "storage/event_id.h"

namespace picortex {
namespace {

constexpr std::string_view kTurnType = "tmux.turn.start";

StatsQuery grouped_by(EventFilter filter, std::string_view dimension) {
  return StatsQuery({.filter = std::move(filter), .by = {StatsDimension::of(dimension)}});
}

EventFilter in_some_chat(EventFilter filter) {
  if (filter.chat_id.empty()) filter.chat_id = "*";
  return filter;
}

}  // namespace

StatsQuery::Asked count_by_chat(EventFilter filter) {
  return {.filter = in_some_chat(std::move(filter)),
          .by = {StatsDimension::of("chat")},
          .type_apart = std::string(kTurnType)};
}

std::vector<ChatSummary> summarise_chats(std::vector<StatsGroup> groups) {
  std::vector<ChatSummary> chats;
  for (StatsGroup& group : groups) {
    chats.push_back({.chat_id = std::move(group.by.front()),
                     .events = group.count,
                     .turns = group.apart,
                     .errors = group.errors});
  }
  return chats;
}

void sort_chats(std::vector<ChatSummary>& chats) {
  std::ranges::sort(chats, [](const ChatSummary& left, const ChatSummary& right) {
    return left.last_ms != right.last_ms ? left.last_ms > right.last_ms
                                         : left.chat_id < right.chat_id;
  });
}

ChatsQuery::ChatsQuery(const EventFilter& filter) : counts_(count_by_chat(filter)) {}

StoreResult<void> ChatsQuery::run(EventReader& reader, const QueryBudget& budget) {
  if (phase_ == Phase::last) return find_last(reader, budget);
  TRY(counts_.run(reader, budget));
  if (!counts_.is_done()) return {};
  if (counts_.error()) {
    phase_ = Phase::done;
  } else {
    chats_ = summarise_chats(counts_.take_groups());
    phase_ = Phase::last;
  }
  return {};
}

// The newest event of each chat: two seeks.
StoreResult<void> ChatsQuery::find_last(EventReader& reader, const QueryBudget& budget) {
  const auto end = std::chrono::steady_clock::now() + budget.time_max;
  for (; next_ < chats_.size() && std::chrono::steady_clock::now() < end; ++next_) {
    auto number = TRY(reader.chat_number(chats_[next_].chat_id));
    if (!number) continue;
    auto key = TRY(reader.seek(EventReader::Index::chat, *number, first_key_of(kLatestUnixMs + 1),
                               EventOrder::newest_first));
    if (key) chats_[next_].last_ms = time_of(*key);
  }
  if (next_ < chats_.size()) return {};
  sort_chats(chats_);
  phase_ = Phase::done;
  return {};
}

FacetsQuery::FacetsQuery(const EventFilter& filter) {
  EventFilter types = filter;
  types.event_type.clear();
  queries_.push_back(grouped_by(std::move(types), "type"));
  EventFilter levels = filter;
  levels.level = Level::trace;
  queries_.push_back(grouped_by(std::move(levels), "level"));
  EventFilter chats = filter;
  chats.chat_id.clear();
  queries_.push_back(grouped_by(in_some_chat(std::move(chats)), "chat"));
}

std::optional<Error> FacetsQuery::error() const {
  for (const StatsQuery& query : queries_) {
    if (query.error()) return query.error();
  }
  return std::nullopt;
}

StoreResult<void> FacetsQuery::run(EventReader& reader, const QueryBudget& budget) {
  if (is_done()) return {};
  StatsQuery& query = queries_[at_];
  TRY(query.run(reader, budget));
  if (query.is_done()) at_ = query.error() ? queries_.size() : at_ + 1;
  return {};
}

}  // namespace picortex
