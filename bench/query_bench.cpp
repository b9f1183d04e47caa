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
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "bench/made_store.h"
#include "bench/value_of.h"
#include "storage/event_store.h"
#include "storage/query/query.h"
#include "storage/query/stats/chats_query.h"
#include "storage/query/stats/error_groups.h"
#include "storage/query/stats/histogram_query.h"
#include "storage/sqlite/blocking_commit.h"

using namespace picortex;

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kChats = 200;

// Returns the request ID of the middle row.
Uuid fill(EventStore& store, std::int64_t rows) {
  MadeEvents made(kChats);
  Uuid middle;
  for (std::int64_t row = 0; row < rows;) {
    const auto events = made.make(row, rows);
    append_all(store, events);
    value_of(synced_commit(store, Durable::no));
    const auto end = row + static_cast<std::int64_t>(events.size());
    if (row <= rows / 2 && rows / 2 < end) {
      middle = events[static_cast<std::size_t>(rows / 2 - row)].request_id;
    }
    row = end;
    if (row % 500'000 < static_cast<std::int64_t>(MadeEvents::kBatch)) {
      std::fprintf(stderr, "\r%lld of %lld rows", static_cast<long long>(row),
                   static_cast<long long>(rows));
    }
  }
  const auto start = Clock::now();
  const Built built = build_indexes(store, MadeEvents::time_of(rows) + TextIndex::kLateMs);
  std::printf("built in %.1f s, %d slices, the longest %.1f ms\n",
              std::chrono::duration<double>(Clock::now() - start).count(), built.slices,
              built.longest_ms);
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
  const std::int64_t middle_ms = MadeEvents::time_of(rows / 2);
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
    const Whole whole = whole_answer(*reader, query);
    std::printf("%-36s %-4s %6s %8.3f %9s %9s %7d %8.3f\n", name, cache, "", whole.all_ms, "", "",
                whole.slices, whole.longest_ms);
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
  const std::int64_t end_ms = MadeEvents::time_of(rows);
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
  measure_whole(directory, "histogram of a day, as suggested", [&](EventReader&) {
    return HistogramQuery({.filter = day, .step_ms = 900'000, .may_widen = true});
  });
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
    where.since_ms = end_ms - 100'000 * MadeEvents::kStepMs;
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
    auto store = value_of(EventStore::open(directory, MadeEvents::kStartMs));
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
