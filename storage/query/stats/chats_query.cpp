#include "storage/query/stats/chats_query.h"

#include <algorithm>
#include <utility>

#include "storage/event_id.h"
#include "storage/query/event_matcher.h"

namespace picortex {
namespace {

constexpr std::string_view kTurnType = "tmux.turn.start";

EventFilter in_some_chat(EventFilter filter) {
  if (filter.chat_id.empty()) filter.chat_id = "*";
  return filter;
}

// Of turns alone; nothing where the filter wants another type.
EventFilter of_turns(EventFilter filter) {
  if (filter.event_type.empty() || type_fits(filter.event_type, kTurnType)) {
    filter.event_type = kTurnType;
  } else {
    filter.until_ms = filter.since_ms;
  }
  return filter;
}

StatsQuery grouped_by(EventFilter filter, std::string_view dimension) {
  return StatsQuery({.filter = std::move(filter), .by = {StatsDimension::of(dimension)}});
}

}  // namespace

ChatsQuery::ChatsQuery(const EventFilter& filter)
    : events_(grouped_by(in_some_chat(filter), "chat")),
      turns_(grouped_by(of_turns(in_some_chat(filter)), "chat")) {}

std::optional<Error> ChatsQuery::error() const {
  return events_.error() ? events_.error() : turns_.error();
}

StoreResult<void> ChatsQuery::run(EventReader& reader, const QueryBudget& budget) {
  if (phase_ == Phase::last) return find_last(reader, budget);
  StatsQuery& query = phase_ == Phase::events ? events_ : turns_;
  if (auto done = query.run(reader, budget); !done) return done;
  if (!query.is_done()) return {};
  if (query.error()) {
    phase_ = Phase::done;
  } else if (phase_ == Phase::events) {
    for (StatsGroup& group : query.take_groups()) {
      chats_.push_back(
          {.chat_id = std::move(group.by.front()), .events = group.count, .errors = group.errors});
    }
    phase_ = Phase::turns;
  } else {
    note_turns();
    phase_ = Phase::last;
  }
  return {};
}

void ChatsQuery::note_turns() {
  std::unordered_map<std::string, std::int64_t> turns;
  for (StatsGroup& group : turns_.take_groups()) turns[std::move(group.by.front())] = group.count;
  for (ChatSummary& chat : chats_) {
    if (const auto own = turns.find(chat.chat_id); own != turns.end()) chat.turns = own->second;
  }
}

// The newest event of each chat: two seeks.
StoreResult<void> ChatsQuery::find_last(EventReader& reader, const QueryBudget& budget) {
  const auto end = std::chrono::steady_clock::now() + budget.time_max;
  for (; next_ < chats_.size() && std::chrono::steady_clock::now() < end; ++next_) {
    auto number = reader.chat_number(chats_[next_].chat_id);
    if (!number) return std::unexpected(std::move(number.error()));
    if (!*number) continue;
    auto key = reader.seek(EventReader::Index::chat, **number, first_key_of(kLatestUnixMs + 1),
                           EventOrder::newest_first);
    if (!key) return std::unexpected(std::move(key.error()));
    if (*key) chats_[next_].last_ms = time_of(**key);
  }
  if (next_ < chats_.size()) return {};
  std::ranges::sort(chats_, [](const ChatSummary& left, const ChatSummary& right) {
    return left.last_ms != right.last_ms ? left.last_ms > right.last_ms
                                         : left.chat_id < right.chat_id;
  });
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
  if (auto done = query.run(reader, budget); !done) return done;
  if (query.is_done()) at_ = query.error() ? queries_.size() : at_ + 1;
  return {};
}

}  // namespace picortex
