#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "storage/query/arrival_query.h"
#include "storage/query/stats/stats_query.h"
#include "tests/storage/store_fixture.h"

namespace picortex::test {

// A slice without a limit but the rows'.
inline constexpr QueryBudget kWhole{
    .rows_max = 1'000'000, .bytes_max = std::size_t{1} << 30, .time_max = std::chrono::minutes(1)};

// A store whose events come at random times with few types, chats and levels, some of them twice,
// and go again; and the questions that are asked about it, answered by reading each row.
struct RandomStore : StoreFixture {
  static constexpr const char* kTypes[] = {"linq.inbound", "linq.outbound", "tmux.turn.start",
                                           "bot.error"};
  static constexpr Level kLevels[] = {Level::debug, Level::info, Level::info, Level::warn,
                                      Level::error};

  explicit RandomStore(std::uint32_t seed = 1) : random(seed) { open(); }

  std::uint32_t below(std::uint32_t end) { return random() % end; }

  // An event of the last days, often of just now.
  void append_one(std::int64_t now_ms) {
    const std::int64_t back = below(3) == 0 ? below(4 * 86'400) * 1000 + below(1000) : below(2000);
    Event made = event(kTypes[below(4)], now_ms - back);
    const std::string chat = "chat-" + std::to_string(below(5));
    if (below(6) != 0) made.chat_id = chat;
    made.level = kLevels[below(5)];
    const std::string data = R"({"n":)" + std::to_string(below(10)) + R"(,"rule":"r)" +
                             std::to_string(below(3)) + R"(","deep":{"x":)" +
                             std::to_string(below(3)) + "}}";
    if (below(4) != 0) made.data = data;
    const std::string msg = "message number " + std::to_string(below(1000));
    made.msg = msg;
    if (below(5) == 0) {
      // Some come again.
      const Uuid id = ids.next(made.time_ms);
      made.id = id;
      given.push_back(id);
      if (below(2) == 0) made.id = given[below(static_cast<std::uint32_t>(given.size()))];
    }
    get(store->append(made));
  }

  // One transaction, which may be rolled back.
  void change(std::int64_t now_ms, std::uint32_t events) {
    get(store->begin(now_ms));
    for (std::uint32_t i = 0; i < events; ++i) append_one(now_ms);
    if (below(3) == 0) get(store->prune(now_ms, 1 + below(40)));
    if (below(3) == 0) get(store->build(now_ms));
    if (below(8) == 0) {
      store->rollback();
    } else {
      commit();
    }
  }

  // All rows, oldest first.
  std::vector<EventRow> all_rows(EventReader& reader) {
    EventFilter filter;
    filter.order = EventOrder::oldest_first;
    EventQuery query(reader, filter);
    std::vector<EventRow> rows;
    while (!query.is_done()) get(query.run(rows, kWhole));
    return rows;
  }

  std::mt19937 random;
  std::vector<Uuid> given;
};

}  // namespace picortex::test
