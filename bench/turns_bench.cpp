// Measures the telemetry of agents: how fast it is decoded and stored, what a record takes on the
// disk, and how long questions about turns take.
//
//   turns_bench [TURNS [DIRECTORY]]
//
// TURNS: of the questions (1000000). DIRECTORY: on the disk to measure (.); the database is made in
// a new directory below it, which is removed at the end. Run it in the source directory: bodies are
// made of payloads in tests/golden/claude.

#include <simdjson.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/json/document.h"
#include "base/uuid/uuid_v7.h"
#include "bench/value_of.h"
#include "handlers/ingest/otlp/otlp_events.h"
#include "handlers/ingest/otlp/otlp_json.h"
#include "handlers/ingest/otlp/otlp_protobuf.h"
#include "storage/event_store.h"
#include "storage/query/turn_reader.h"
#include "storage/sqlite/blocking_commit.h"
#include "storage/turn_note.h"

using namespace picortex;

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kStartMs = 1'795'900'000'000;
constexpr int kRecords = 512;  // of one batch of the client
constexpr int kBatches = 200;
constexpr int kTurnsPerCommit = 500;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

std::string golden(const std::string& name) {
  std::ifstream file("tests/golden/claude/" + name, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.empty()) {
    std::fprintf(stderr, "bench: no %s: run it in the source directory\n", name.c_str());
    std::exit(1);
  }
  return text;
}

// Replaces what makes records of the payload different from those of another batch.
void number(std::string& text, std::string_view name, std::string_view prefix, std::int64_t value) {
  for (std::size_t at = text.find(name); at != text.npos; at = text.find(name, at + 1)) {
    std::string digits = std::to_string(value);
    digits.insert(
        0, name.size() - prefix.size() - std::min(digits.size(), name.size() - prefix.size()), '0');
    text.replace(at + prefix.size(), name.size() - prefix.size(), digits);
  }
}

// A body of kRecords model calls, as the client sends them. `first` numbers them.
std::string json_body(std::int64_t first) {
  const std::string whole = golden("logs_bash_2.json");
  const std::size_t list = whole.find("\"logRecords\":[") + 14;
  std::string records;
  // The payload's second record: an api_request.
  std::size_t begin = whole.find("{\"timeUnixNano\"", list + 1);
  const std::size_t end = whole.find(",{\"timeUnixNano\"", begin);
  const std::string record = whole.substr(begin, end - begin);
  for (int i = 0; i < kRecords; ++i) {
    std::string one = record;
    number(one, "req_fake000003", "req_", first + i);
    records += (i == 0 ? "" : ",") + one;
  }
  return whole.substr(0, list) + records + "]}]}]}";
}

class Decoder {
 public:
  std::size_t json(std::string body) {
    const std::size_t size = body.size();
    body.append(kJsonPadding, '\0');
    begin();
    if (!document_.parse({body.data(), size}) ||
        !json_.decode(OtlpSignal::logs, document_.root(), events_)) {
      std::fprintf(stderr, "bench: the body cannot be decoded\n");
      std::exit(1);
    }
    batch_.finish();
    return events_.records();
  }
  std::size_t protobuf(std::string_view body) {
    begin();
    if (!protobuf_.decode(OtlpSignal::logs, body, events_)) std::exit(1);
    batch_.finish();
    return events_.records();
  }
  std::span<const Event> events() const { return batch_.events(); }

 private:
  void begin() {
    events_.begin({.now_ms = kStartMs, .request_id = {}, .accepted = {}, .is_claimed = true},
                  batch_);
  }

  JsonDocument document_{8 << 20};
  OtlpJsonDecoder json_;
  OtlpProtobufDecoder protobuf_;
  OtlpEvents events_;
  TelemetryBatch batch_;
};

template <class Decode>
void measure_decoding(const char* name, std::size_t size, Decode decode) {
  const auto begin = Clock::now();
  const double cpu = cpu_seconds();
  std::size_t records = 0;
  for (int i = 0; i < kBatches; ++i) records += decode();
  const double seconds = seconds_since(begin);
  std::printf(
      "decode %-9s %8.0f records/s  %5.2f us of CPU each  (%zu records, %zu bytes a body)\n", name,
      static_cast<double>(records) / seconds,
      (cpu_seconds() - cpu) * 1e6 / static_cast<double>(records), records / kBatches, size);
}

void measure_decoding() {
  Decoder decoder;
  const std::string body = json_body(1);
  measure_decoding("JSON", body.size(), [&] { return decoder.json(body); });
  // Messages of protobuf can be joined: the lists of both then follow each other.
  const std::string part = golden("logs_bash_2.bin");
  std::string joined;
  for (int i = 0; i < kRecords / 3; ++i) joined += part;
  measure_decoding("protobuf", joined.size(), [&] { return decoder.protobuf(joined); });
}

std::int64_t size_of(const std::string& directory) {
  return static_cast<std::int64_t>(std::filesystem::file_size(directory + "/picortex.db"));
}

void measure_storing(EventStore& store, const std::string& directory) {
  Decoder decoder;
  std::vector<std::string> bodies;
  for (int i = 0; i < kBatches; ++i) bodies.push_back(json_body(1 + i * kRecords));
  value_of(store.checkpoint());
  const std::int64_t before = size_of(directory);
  const double cpu = cpu_seconds();
  const auto begin = Clock::now();
  std::size_t stored = 0;
  for (const std::string& body : bodies) {
    decoder.json(body);
    value_of(store.begin(kStartMs));
    for (const Event& event : decoder.events()) stored += value_of(store.append(event)) ? 1 : 0;
    value_of(synced_commit(store, Durable::yes));
  }
  const double seconds = seconds_since(begin);
  const double used = cpu_seconds() - cpu;
  value_of(store.checkpoint());
  std::printf(
      "decode and store  %8.0f records/s  %5.2f us of CPU each, durable; %.0f bytes of disk each "
      "(%zu)\n",
      static_cast<double>(stored) / seconds, used * 1e6 / static_cast<double>(stored),
      static_cast<double>(size_of(directory) - before) / static_cast<double>(stored), stored);
}

// Turns of one model call each, a second apart, of 200 chats.
void fill(EventStore& store, std::int64_t turns) {
  UuidV7Generator ids;
  TurnNote note;
  note.names_request = true;
  note.state = TurnState::done;
  for (std::int64_t turn = 0; turn < turns;) {
    value_of(store.begin(kStartMs));
    for (int i = 0; i < kTurnsPerCommit && turn < turns; ++i, ++turn) {
      const std::int64_t time_ms = kStartMs + turn * 1000;
      const std::string chat = "chat-" + std::to_string(turn % 200);
      Event event;
      event.time_ms = time_ms;
      event.event_type = "claude.api_request";
      event.chat_id = chat;
      event.request_id = ids.next(time_ms);
      note.prompt = event.request_id;
      note.session.bytes[0] = static_cast<std::uint8_t>(turn % 200 + 1);
      note.counts.model_calls = 1;
      note.counts.cost_micros = turn * 7919 % 1'000'003;
      note.counts.input_tokens = turn * 104'729 % 50'021;
      note.counts.tools = turn % 7;
      note.counts.failed_tools = turn % 101 == 0;
      event.turn = &note;
      value_of(store.append(event));
    }
    value_of(synced_commit(store, Durable::no));
    if (turn % 50'000 == 0) value_of(store.checkpoint());
  }
}

void measure_question(TurnReader& reader, const char* name, const TurnFilter& filter) {
  std::vector<double> times_ms;
  for (int i = 0; i < 7; ++i) {
    const auto begin = Clock::now();
    value_of(reader.read(filter));
    times_ms.push_back(seconds_since(begin) * 1000);
  }
  const double first = times_ms.front();
  std::ranges::sort(times_ms);
  std::printf("%-40s first %7.2f ms, median %7.2f ms\n", name, first,
              times_ms[times_ms.size() / 2]);
}

void measure_questions(const std::string& directory, std::int64_t turns) {
  auto reader = value_of(TurnReader::open(directory));
  const std::int64_t end_ms = kStartMs + turns * 1000;
  measure_question(*reader, "turns", {.chat_id = {}, .request_id = {}});
  const std::pair<const char*, TurnOrder> orders[] = {
      {"turns --sort cost", TurnOrder::cost},
      {"turns --sort tokens", TurnOrder::tokens},
      {"turns --sort duration", TurnOrder::duration},
      {"turns --sort errors", TurnOrder::errors}};
  for (const auto& [name, order] : orders) {
    measure_question(*reader, name, {.chat_id = {}, .request_id = {}, .order = order});
  }
  measure_question(*reader, "turns --chat C --sort cost",
                   {.chat_id = "chat-7", .request_id = {}, .order = TurnOrder::cost});
  measure_question(
      *reader, "turns --since 1d --sort cost",
      {.chat_id = {}, .request_id = {}, .since_ms = end_ms - 86'400'000, .order = TurnOrder::cost});
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t turns = argc > 1 ? std::atoll(argv[1]) : 1'000'000;
  std::string directory =
      (std::filesystem::path(argc > 2 ? argv[2] : ".") / "turns-bench-XXXXXX").string();
  if (turns <= 0 || mkdtemp(directory.data()) == nullptr) {
    std::fprintf(stderr, "usage: turns_bench [TURNS [DIRECTORY]]\n");
    return 2;
  }
  measure_decoding();
  {
    auto store = value_of(EventStore::open(directory, kStartMs));
    measure_storing(*store, directory);
    const auto begin = Clock::now();
    fill(*store, turns);
    std::printf("%lld turns in %.0f s\n", static_cast<long long>(turns), seconds_since(begin));
    measure_questions(directory, turns);
    const auto opened = Clock::now();
    store.reset();
    store = value_of(EventStore::open(directory, kStartMs + turns * 1000));
    const TurnsSoFar so_far = value_of(store->turns_so_far(kStartMs + turns * 1000));
    std::printf("open again, with the spending of a week: %.0f ms, %zu turns\n",
                seconds_since(opened) * 1000, so_far.spent.size());
  }
  std::filesystem::remove_all(directory);
  return 0;
}
