#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/uuid/uuid_v7.h"
#include "storage/event_store.h"
#include "storage/query/query.h"
#include "storage/query/sliced_query.h"

namespace picortex {

// The events of a bot for the benches of the store: turns of five, a third of a second apart, with
// as many bytes of data as a pino line has, 330, and as different as lines are.
class MadeEvents {
 public:
  static constexpr std::int64_t kStartMs = 1'763'388'000'000;
  static constexpr std::int64_t kStepMs = 333;
  static constexpr std::size_t kBatch = 256;

  // `chats`: how many take part in alternation; "chat-rare" has one turn in 100,000 besides.
  explicit MadeEvents(std::int64_t chats) : chats_(chats) {}

  static std::int64_t time_of(std::int64_t row) noexcept { return kStartMs + row * kStepMs; }

  // Returns the events of the rows from `first` on up to `last`, at most kBatch. They are valid
  // until the next call.
  std::span<const Event> make(std::int64_t first, std::int64_t last);

 private:
  std::string chat_of(std::int64_t row) const;

  std::int64_t chats_;
  UuidV7Generator ids_;
  Uuid request_;
  std::array<Event, kBatch> events_;
  std::array<std::string, kBatch> chat_ids_;
  std::array<std::string, kBatch> data_;
};

// Begins a transaction and appends the events.
void append_all(EventStore& store, std::span<const Event> events);

struct Built {
  double longest_ms = 0;
  int slices = 0;
};
// Builds of stored events what the daemon builds, in slices as it does.
Built build_indexes(EventStore& store, std::int64_t now_ms);

struct Page {
  std::size_t rows = 0;
  bool is_cut_short = false;
  double longest_slice_ms = 0;
  QueryCost cost;
};
// Returns 100 rows, asked for as the daemon does: slices of 1 ms, cut short after 50 ms.
Page first_page(EventReader& reader, const EventFilter& filter);

struct Whole {
  double longest_ms = 0;
  double all_ms = 0;
  int slices = 0;
  bool is_answered = false;  // else the answer would be too large
};
// Answers a question as a whole, in slices of 2 ms.
Whole whole_answer(EventReader& reader, SlicedQuery& query);

}  // namespace picortex
