// Makes a database of ROWS events and prints what the first page of each query costs.
//
//   query_bench [ROWS [DIRECTORY [compressed]]]
//
// ROWS: events (10000000), a third of a second apart. DIRECTORY: on the disk to measure (.); the
// database is made in a new directory below it, which is removed at the end. `compressed`: its data
// are, as PICORTEX_COMPRESS_DATA has it.
//
// A first page is 100 rows, asked for as the daemon does: slices of 1 ms, cut short after 50 ms.
// "cold" is with the file's pages dropped from the kernel's cache (posix_fadvise(2)).

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/time/timestamp.h"
#include "base/uuid/uuid_v7.h"
#include "bench/value_of.h"
#include "storage/event_store.h"
#include "storage/query/query.h"
#include "storage/query/stats/chats_query.h"
#include "storage/query/stats/error_groups.h"
#include "storage/sqlite/blocking_commit.h"

using namespace picortex;

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kStartMs = 1'763'388'000'000;
constexpr std::int64_t kStepMs = 333;
constexpr int kBatch = 256;
constexpr int kChats = 200;
constexpr std::chrono::milliseconds kPageTimeMax{50};

// As long as what a pino line has, 330 bytes, and as different as lines are.
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
      random() % 5000, words, iso_time(kStartMs + row * kStepMs));
}

constexpr const char* kTypes[] = {"linq.inbound", "discriminator.decision", "tmux.turn.start",
                                  "linq.outbound", "tmux.turn.end"};

// Turns of five events; "chat-rare" has one turn in 100,000.
std::string chat_of(std::int64_t row) {
  const std::int64_t turn = row / 5;
  if (turn % 100'000 == 77) return "chat-rare";
  return "chat-" + std::to_string(turn * 7919 % kChats);
}

// What the daemon builds of stored events, in slices as it does.
void build(EventStore& store, std::int64_t now_ms) {
  const auto start = Clock::now();
  double longest_ms = 0;
  int slices = 0;
  for (; store.wants_to_build(now_ms); ++slices) {
    const auto begin = Clock::now();
    value_of(store.begin(now_ms));
    value_of(store.build(now_ms));
    value_of(synced_commit(store, Durable::no));
    const std::chrono::duration<double, std::milli> took = Clock::now() - begin;
    longest_ms = std::max(longest_ms, took.count());
    if (slices % 500 == 0) value_of(store.checkpoint());
  }
  std::printf("built in %.1f s, %d slices, the longest %.1f ms\n",
              std::chrono::duration<double>(Clock::now() - start).count(), slices, longest_ms);
}

Uuid fill(EventStore& store, std::int64_t rows) {
  UuidV7Generator ids;
  Uuid request;
  Uuid middle;
  std::vector<std::string> data(kBatch);  // of the open transaction
  for (std::int64_t row = 0; row < rows;) {
    value_of(store.begin(kStartMs + row * kStepMs));
    for (int i = 0; i < kBatch && row < rows; ++i, ++row) {
      Event event;
      event.time_ms = kStartMs + row * kStepMs;
      if (row % 5 == 0) request = ids.next(event.time_ms);
      if (row == rows / 2) middle = request;
      const std::string chat = chat_of(row);
      event.level = row % 1000 == 3 ? Level::error : row % 100 == 7 ? Level::warn : Level::info;
      event.event_type = row % 50'000 == 1 ? "egress.rejected" : kTypes[row % 5];
      event.chat_id = chat;
      event.msg = row % 1'000'000 == 9 ? "the needle of this haystack" : "a message was received";
      data[static_cast<std::size_t>(i)] = data_of(row);
      event.data = data[static_cast<std::size_t>(i)];
      event.request_id = request;
      value_of(store.append(event));
    }
    value_of(synced_commit(store, Durable::no));
    if (row % 500'000 < kBatch) {
      std::fprintf(stderr, "\r%lld of %lld rows", static_cast<long long>(row),
                   static_cast<long long>(rows));
    }
  }
  build(store, kStartMs + rows * kStepMs + TextIndex::kLateMs);
  value_of(store.checkpoint());
  std::fputc('\n', stderr);
  return middle;
}

void drop_cache(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return;
  fsync(descriptor);
  posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
  close(descriptor);
}

struct Page {
  std::size_t rows = 0;
  bool is_cut_short = false;
  double longest_slice_ms = 0;
  QueryCost cost;
};

Page first_page(EventReader& reader, const EventFilter& filter) {
  EventQuery query(reader, filter);
  std::vector<EventRow> rows;
  Page page;
  while (!query.is_done() && rows.size() < 100 && query.cost().time < kPageTimeMax) {
    const auto start = Clock::now();
    value_of(query.run(rows, {.rows_max = 100}));
    const std::chrono::duration<double, std::milli> took = Clock::now() - start;
    page.longest_slice_ms = std::max(page.longest_slice_ms, took.count());
  }
  page.rows = rows.size();
  page.is_cut_short = !query.is_done() && rows.size() < 100;
  page.cost = query.cost();
  return page;
}

void print(const char* name, const char* cache, const Page& page) {
  std::printf("%-36s %-4s %5zu%s %8.3f %9lld %9lld %7lld %8.3f\n", name, cache, page.rows,
              page.is_cut_short ? "+" : " ",
              std::chrono::duration<double, std::milli>(page.cost.time).count(),
              static_cast<long long>(page.cost.rows_read), static_cast<long long>(page.cost.steps),
              static_cast<long long>(page.cost.slices), page.longest_slice_ms);
}

void measure(const std::string& directory, const char* name, const EventFilter& filter) {
  drop_cache(directory + "/picortex.db");
  auto reader = value_of(EventReader::open(directory));
  print(name, "cold", first_page(*reader, filter));
  print(name, "warm", first_page(*reader, filter));
}

void measure_all(const std::string& directory, std::int64_t rows, const Uuid& request) {
  const std::int64_t middle_ms = kStartMs + rows / 2 * kStepMs;
  constexpr std::int64_t kDayMs = 86'400'000;
  std::printf("%-36s %-4s %6s %8s %9s %9s %7s %8s\n", "first page (+: cut short)", "", "rows",
              "SQL ms", "rows read", "steps", "slices", "max ms");
  const auto page = [&](const char* name, auto... set) {
    EventFilter filter;
    (set(filter), ...);
    measure(directory, name, filter);
  };
  const auto chat = [](EventFilter& filter) { filter.chat_id = "chat-7"; };
  const auto rare_chat = [](EventFilter& filter) { filter.chat_id = "chat-rare"; };
  const auto day = [&](EventFilter& filter) {
    filter.since_ms = middle_ms;
    filter.until_ms = middle_ms + kDayMs;
  };
  const auto oldest = [](EventFilter& filter) { filter.order = EventOrder::oldest_first; };
  const auto type = [](const char* name) {
    return [name](EventFilter& filter) { filter.event_type = name; };
  };
  const auto level = [](Level at_least) {
    return [at_least](EventFilter& filter) { filter.level = at_least; };
  };
  const auto text = [](const char* words) {
    return [words](EventFilter& filter) { filter.text = words; };
  };
  page("newest");
  page("a day", day);
  page("a day, oldest first", day, oldest);
  page("chat", chat);
  page("chat, a day, oldest first", chat, day, oldest);
  page("rare chat", rare_chat);
  page("request", [&](EventFilter& filter) { filter.request_id = request; });
  page("type", type("linq.inbound"));
  page("type linq.*", type("linq.*"));
  page("rare type", type("egress.rejected"));
  page("chat and type", chat, type("discriminator.decision"));
  page("chat and rare type", chat, type("egress.rejected"));
  page("rare chat and type", rare_chat, type("linq.outbound"));
  page("level warn", level(Level::warn));
  page("level error", level(Level::error));
  page("chat and level error", chat, level(Level::error));
  page("chat, type *, level error, a day", chat, type("tmux.*"), level(Level::error), day);
  page("text, common", text("received"));
  page("text, rare", text("needle"));
  page("text in a chat", chat, text("no such thing"));
}

// A question that is answered as a whole: its slices, and the longest of them.
template <class Query>
void measure_whole(const std::string& directory, const char* name, Query make) {
  for (const char* cache : {"cold", "warm"}) {
    if (*cache == 'c') drop_cache(directory + "/picortex.db");
    auto reader = value_of(EventReader::open(directory));
    auto query = make(*reader);
    double longest_ms = 0;
    double all_ms = 0;
    int slices = 0;
    for (; !query.is_done(); ++slices) {
      const auto start = Clock::now();
      value_of(query.run(*reader,
                         QueryBudget{.rows_max = 256, .time_max = std::chrono::milliseconds(2)}));
      const std::chrono::duration<double, std::milli> took = Clock::now() - start;
      longest_ms = std::max(longest_ms, took.count());
      all_ms += took.count();
    }
    std::printf("%-36s %-4s %6s %8.3f %9s %9s %7d %8.3f\n", name, cache, "", all_ms, "", "", slices,
                longest_ms);
  }
}

// A search to its end, as another kind of question.
class WholeSearch : public SlicedQuery {
 public:
  WholeSearch(EventReader& reader, EventFilter filter) : query_(reader, std::move(filter)) {}
  StoreResult<void> run(EventReader&, const QueryBudget& budget) override {
    rows_.clear();
    return query_.run(rows_, budget);
  }
  bool is_done() const noexcept override { return query_.is_done(); }

 private:
  EventQuery query_;
  std::vector<EventRow> rows_;
};

void measure_counts(const std::string& directory, std::int64_t rows) {
  const std::int64_t end_ms = kStartMs + rows * kStepMs;
  const auto stats = [&](const char* name, std::vector<const char*> by, TimeSteps steps,
                         EventFilter filter) {
    measure_whole(directory, name, [&](EventReader&) {
      StatsQuery::Asked asked{.filter = filter, .steps = steps};
      for (const char* dimension : by) asked.by.push_back(StatsDimension::of(dimension));
      return StatsQuery(std::move(asked));
    });
  };
  EventFilter week;
  week.since_ms = end_ms - std::int64_t{7} * 86'400'000 - 1234;
  EventFilter day;
  day.since_ms = end_ms - 86'400'000 - 1234;
  EventFilter chat;
  chat.chat_id = "chat-7";
  EventFilter type;
  type.event_type = "linq.*";
  type.level = Level::warn;
  stats("stats --by day", {"day"}, TimeSteps::every(kRollupDayMs), {});
  stats("stats --by day, half-hour zone", {"day"}, TimeSteps::every(kRollupDayMs, 19'800'000), {});
  stats("stats --by hour --by level", {"hour", "level"}, TimeSteps::every(kHourMs), {});
  stats("stats --by chat, a chat", {"day", "type"}, TimeSteps::every(kRollupDayMs), chat);
  stats("stats --by chat, type and level", {"chat"}, TimeSteps::every(kHourMs), type);
  stats("histogram of a week", {"hour", "level"}, TimeSteps::every(kHourMs), week);
  stats("histogram of a day, 15 min", {"hour", "level"}, TimeSteps::every(900'000), day);
  measure_whole(directory, "facets", [](EventReader&) { return FacetsQuery({}); });
  measure_whole(directory, "facets of a week", [&](EventReader&) { return FacetsQuery(week); });
  measure_whole(directory, "chats", [](EventReader&) { return ChatsQuery({}); });
  measure_whole(directory, "errors of a day", [&](EventReader&) { return ErrorGroupsQuery(day); });
  for (const char* text : {"no such thing", "needle of", "zq9x"}) {
    EventFilter filter;
    filter.text = text;
    const std::string name = "text \"" + std::string(text) + "\", all";
    measure_whole(directory, name.c_str(),
                  [&](EventReader& reader) { return WholeSearch(reader, filter); });
  }
  EventFilter where;
  where.where = {*FieldCondition::parse("status=502")};
  measure_whole(directory, "where status=502, first 100,000", [&](EventReader& reader) {
    where.since_ms = end_ms - 100'000 * kStepMs;
    return WholeSearch(reader, where);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t rows = argc > 1 ? std::atoll(argv[1]) : 10'000'000;
  const bool is_compressed = argc > 3 && argv[3] == std::string_view("compressed");
  if (rows <= 0 || (argc > 3 && !is_compressed)) {
    std::fprintf(stderr, "usage: query_bench [ROWS [DIRECTORY [compressed]]]\n");
    return 2;
  }
  std::string directory =
      (std::filesystem::path(argc > 2 ? argv[2] : ".") / "query-bench-XXXXXX").string();
  if (mkdtemp(directory.data()) == nullptr) {
    std::perror("query_bench: mkdtemp");
    return 1;
  }
  {
    const auto start = Clock::now();
    auto store = value_of(EventStore::open(directory, kStartMs));
    if (is_compressed) store->compress_data();
    const Uuid request = fill(*store, rows);
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    std::printf("%lld rows in %.0f s, %.0f bytes each\n", static_cast<long long>(rows), seconds,
                static_cast<double>(std::filesystem::file_size(directory + "/picortex.db")) /
                    static_cast<double>(rows));
    store.reset();  // closing a descriptor of the file would release a connection's locks
    measure_all(directory, rows, request);
    measure_counts(directory, rows);
  }
  std::filesystem::remove_all(directory);
  return 0;
}
