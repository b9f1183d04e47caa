// Appends events to a store and prints what that and questions cost now that it has as many, as a
// line of JSON.
//
//   growth_bench DIRECTORY FIRST LAST CHATS
//
// DIRECTORY: of the store, which is made if there is none. FIRST, LAST: the rows to append
// (MadeEvents), FIRST a multiple of 5. CHATS: how many chats they are of.
//
//   insert_us      CPU time of an event of the last 50,000, its share of the commit included
//   checkpoint_ms  median of the checkpoint's rounds of these, of 500 pages or some more, with its
//                  fsyncs
//   build_us       CPU time of an event to build the indexes that are made of stored events
//   page_ms        the newest 100 events
//   chat_page_ms   the newest 100 events of a chat
//   chats_ms       all chats; missing where they are more than an answer may have
//
// Questions are medians, their pages in the kernel's cache.

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "bench/made_store.h"
#include "bench/value_of.h"
#include "storage/query/stats/chats_query.h"

using namespace picortex;

namespace {

constexpr std::int64_t kMeasured = 50'000;
constexpr int kTimes = 21;  // of each question

double microseconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

void append(EventStore& store, std::int64_t first, std::int64_t last, std::int64_t chats) {
  MadeEvents made(chats);
  const std::int64_t measured_from = std::max(first, last - kMeasured);
  std::int64_t measured = 0;
  double insert_us = 0;
  std::vector<double> rounds_ms;
  for (std::int64_t row = first; row < last;) {
    const auto events = made.make(row, last);
    const double began = microseconds(CLOCK_THREAD_CPUTIME_ID);
    append_all(store, events);
    value_of(store.commit());
    const double took = microseconds(CLOCK_THREAD_CPUTIME_ID) - began;
    const double round_began = microseconds(CLOCK_MONOTONIC);
    const bool is_due = store.wants_to_copy_log();
    if (is_due) value_of(store.copy_log());
    if (row >= measured_from) {
      insert_us += took;
      measured += static_cast<std::int64_t>(events.size());
      if (is_due) rounds_ms.push_back((microseconds(CLOCK_MONOTONIC) - round_began) / 1000);
    }
    row += static_cast<std::int64_t>(events.size());
  }
  std::printf("\"insert_us\":%.2f,\"checkpoint_ms\":%.2f,",
              insert_us / static_cast<double>(measured), median(rounds_ms));
}

template <class Question>
double median_ms(const Question& ask) {
  std::vector<double> times;
  for (int i = 0; i < kTimes; ++i) {
    const double began = microseconds(CLOCK_THREAD_CPUTIME_ID);
    ask();
    times.push_back((microseconds(CLOCK_THREAD_CPUTIME_ID) - began) / 1000);
  }
  return median(std::move(times));
}

void ask(const char* directory) {
  const auto reader = value_of(EventReader::open(directory));
  EventFilter chat;
  chat.chat_id = "chat-7";
  const double page = median_ms([&] { first_page(*reader, {}); });
  const double chat_page = median_ms([&] { first_page(*reader, chat); });
  bool is_answered = false;
  const double chats = median_ms([&] {
    ChatsQuery query({});
    is_answered = whole_answer(*reader, query).is_answered;
  });
  std::printf("\"page_ms\":%.3f,\"chat_page_ms\":%.3f", page, chat_page);
  if (is_answered) std::printf(",\"chats_ms\":%.3f", chats);
  std::puts("}");
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t first = argc == 5 ? std::atoll(argv[2]) : -1;
  const std::int64_t last = argc == 5 ? std::atoll(argv[3]) : 0;
  const std::int64_t chats = argc == 5 ? std::atoll(argv[4]) : 0;
  if (first < 0 || first % 5 != 0 || last <= first || chats < 1) {
    std::fputs("usage: growth_bench DIRECTORY FIRST LAST CHATS\n", stderr);
    return 2;
  }
  std::printf("{");
  {
    const std::int64_t end_ms = MadeEvents::time_of(last);
    auto store = value_of(EventStore::open(argv[1], MadeEvents::time_of(first)));
    append(*store, first, last, chats);
    const double began = microseconds(CLOCK_THREAD_CPUTIME_ID);
    build_indexes(*store, end_ms + TextIndex::kLateMs);
    std::printf("\"build_us\":%.2f,", (microseconds(CLOCK_THREAD_CPUTIME_ID) - began) /
                                          static_cast<double>(last - first));
    value_of(store->finish(end_ms));
  }
  ask(argv[1]);
  return 0;
}
