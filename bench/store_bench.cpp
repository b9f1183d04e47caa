// Stores events in batches of 1, 16, 64 and 256 and prints what each costs.
//
//   store_bench [ROWS [DIRECTORY]]
//
// ROWS: events for each batch size (200000). DIRECTORY: on the disk to measure (.); each run works
// in a new directory below it, which it removes. The times include the checkpoint and its fsyncs,
// but not those that make the events durable.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include "base/uuid/uuid_v7.h"
#include "bench/value_of.h"
#include "storage/event_store.h"
#include "storage/sqlite/blocking_commit.h"

using namespace picortex;

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kStartMs = 1'763'388'000'000;
constexpr int kChats = 50;  // in alternation: each has its own database page of the index by chat

double microseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

// As much as a pino line has: about 300 bytes of data and 40 of message.
const std::string kData =
    R"({"method":"POST","path":"/webhooks/linq","status":200,"bytes":1834,"duration_ms":12.4,)"
    R"("trace_id":"b7d1f3a09c5e4d2f8a6b1c3e5f709182","service":"iMessage","direction":"inbound",)"
    R"("handle":"+15551234567","parts":[{"type":"text","value":"could you look at the build?"}],)"
    R"("sent_at":"2026-11-17T14:00:00.000Z"})";

void fill(EventStore& store, int rows, int batch, double& write_us) {
  UuidV7Generator ids;
  for (int row = 0; row < rows;) {
    const std::int64_t now_ms = kStartMs + row / 5;  // 5,000 events a second
    const auto start = Clock::now();
    value_of(store.begin(now_ms));
    for (int i = 0; i < batch && row < rows; ++i, ++row) {
      const std::string chat = "chat-" + std::to_string(row * 7919 % kChats);
      Event event;
      event.time_ms = now_ms;
      event.level = row % 50 == 0 ? Level::error : Level::info;
      event.event_type = row % 4 == 0 ? "tmux.turn.start" : "linq.inbound";
      event.chat_id = chat;
      event.msg = "received a message from the webhook";
      event.data = kData;
      event.request_id = ids.next(now_ms);
      value_of(store.append(event));
    }
    value_of(synced_commit(store, Durable::no));
    write_us += microseconds_since(start);
  }
}

void measure(const std::filesystem::path& parent, int rows, int batch) {
  std::string directory = (parent / "store-bench-XXXXXX").string();
  if (mkdtemp(directory.data()) == nullptr) {
    std::perror("store_bench: mkdtemp");
    std::exit(1);
  }
  double write_us = 0;
  {
    auto store = value_of(EventStore::open(directory, kStartMs));
    fill(*store, rows, batch, write_us);
  }
  const auto start = Clock::now();
  value_of(EventStore::open(directory, kStartMs + rows));
  const double open_ms = microseconds_since(start) / 1000;
  const auto bytes = std::filesystem::file_size(directory + "/picortex.db");
  std::filesystem::remove_all(directory);
  std::printf("%5d  %9.0f  %8.2f  %9.0f  %10.1f\n", batch, rows * 1e6 / write_us, write_us / rows,
              static_cast<double>(bytes) / rows, open_ms);
}

}  // namespace

int main(int argc, char** argv) {
  const int rows = argc > 1 ? std::atoi(argv[1]) : 200'000;
  if (rows <= 0) {
    std::fprintf(stderr, "usage: store_bench [ROWS [DIRECTORY]]\n");
    return 2;
  }
  std::printf("%d rows each, %zu bytes of data\n", rows, kData.size());
  std::printf("batch     rows/s    us/row  bytes/row  reopen ms\n");
  for (const int batch : {1, 16, 64, 256}) measure(argc > 2 ? argv[2] : ".", rows, batch);
  return 0;
}
