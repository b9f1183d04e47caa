#include "bench/made_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "base/time/timestamp.h"
#include "bench/value_of.h"
#include "storage/sqlite/blocking_commit.h"

namespace picortex {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr std::chrono::milliseconds kPageTimeMax{50};

constexpr const char* kTypes[] = {"linq.inbound", "discriminator.decision", "tmux.turn.start",
                                  "linq.outbound", "tmux.turn.end"};

std::string data_of(std::int64_t row) {
  constexpr std::array kWords{"could", "you",  "look", "at",    "the",   "build",
                              "again", "when", "it",   "fails", "today", "please"};
  std::mt19937_64 random(static_cast<std::uint64_t>(row));
  std::string words;
  while (words.size() < 28) words.append(words.empty() ? "" : " ").append(kWords[random() % 12]);
  return fmt::format(
      R"({{"method":"POST","path":"/webhooks/linq","status":200,"bytes":{},"duration_ms":{:.1f},)"
      R"("trace_id":"{:016x}{:016x}","service":"iMessage","direction":"inbound",)"
      R"("handle":"+1555{:07}","parts":[{{"type":"text","value":"{}"}}],"sent_at":"{}"}})",
      random() % 10'000, static_cast<double>(random() % 1000) / 10, random(), random(),
      random() % 5000, words, iso_time(MadeEvents::time_of(row)));
}

}  // namespace

std::string MadeEvents::chat_of(std::int64_t row) const {
  const std::int64_t turn = row / 5;
  if (turn % 100'000 == 77) return "chat-rare";
  return "chat-" + std::to_string(turn * 7919 % chats_);
}

std::span<const Event> MadeEvents::make(std::int64_t first, std::int64_t last) {
  const auto count = std::min(kBatch, static_cast<std::size_t>(last - first));
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t row = first + static_cast<std::int64_t>(i);
    if (row % 5 == 0) request_ = ids_.next(time_of(row));
    chat_ids_[i] = chat_of(row);
    data_[i] = data_of(row);
    Event& event = events_[i];
    event.time_ms = time_of(row);
    event.level = row % 1000 == 3 ? Level::error : row % 100 == 7 ? Level::warn : Level::info;
    event.event_type = row % 50'000 == 1 ? "egress.rejected" : kTypes[row % 5];
    event.chat_id = chat_ids_[i];
    event.msg = row % 1'000'000 == 9 ? "the needle of this haystack" : "a message was received";
    event.data = data_[i];
    event.request_id = request_;
  }
  return {events_.data(), count};
}

void append_all(EventStore& store, std::span<const Event> events) {
  value_of(store.begin(events.front().time_ms));
  for (const Event& event : events) value_of(store.append(event));
}

Built build_indexes(EventStore& store, std::int64_t now_ms) {
  Built built;
  for (; store.wants_to_build(now_ms); ++built.slices) {
    const auto start = Clock::now();
    value_of(store.begin(now_ms));
    value_of(store.build(now_ms));
    value_of(synced_commit(store, Durable::no));
    built.longest_ms = std::max(built.longest_ms, Milliseconds(Clock::now() - start).count());
    if (built.slices % 500 == 0) value_of(store.checkpoint());
  }
  return built;
}

Page first_page(EventReader& reader, const EventFilter& filter) {
  EventQuery query(reader, filter);
  std::vector<EventRow> rows;
  Page page;
  while (!query.is_done() && rows.size() < 100 && query.cost().time < kPageTimeMax) {
    const auto start = Clock::now();
    value_of(query.run(rows, {.rows_max = 100}));
    page.longest_slice_ms =
        std::max(page.longest_slice_ms, Milliseconds(Clock::now() - start).count());
  }
  page.rows = rows.size();
  page.is_cut_short = !query.is_done() && rows.size() < 100;
  page.cost = query.cost();
  return page;
}

Whole whole_answer(EventReader& reader, SlicedQuery& query) {
  Whole whole;
  for (; !query.is_done(); ++whole.slices) {
    const auto start = Clock::now();
    value_of(
        query.run(reader, QueryBudget{.rows_max = 256, .time_max = std::chrono::milliseconds(2)}));
    const double took_ms = Milliseconds(Clock::now() - start).count();
    whole.longest_ms = std::max(whole.longest_ms, took_ms);
    whole.all_ms += took_ms;
  }
  whole.is_answered = !query.error();
  return whole;
}

}  // namespace picortex
