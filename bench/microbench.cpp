// Measures the operations of the hot paths with Google Benchmark.
//
//   microbench [--calls=N] [--benchmark_…]
//
// With --calls each runs exactly N times, so that callgrind can count the instructions of one.

#include <benchmark/benchmark.h>
#include <fcntl.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/json/document.h"
#include "base/uuid/uuid_v7.h"
#include "handlers/http/head_scanner.h"
#include "handlers/http/request_parser.h"
#include "handlers/ingest/event_decoder.h"
#include "netfilter/policy/allowlist.h"
#include "netfilter/wire/tls_hello.h"
#include "reactor/log.h"
#include "reactor/output.h"
#include "reactor/reactor.h"
#include "tests/netfilter/bytes.h"

using namespace picortex;

namespace {

constexpr std::int64_t kNowMs = 1'763'388'000'000;

// A browser's request head, without cookies.
constexpr std::string_view kHead =
    "POST /api/frontend-log HTTP/1.1\r\nHost: chat.example.org\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: */*\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n"
    "Referer: https://chat.example.org/chats/7\r\nContent-Type: application/json\r\n"
    "Content-Length: 380\r\nOrigin: https://chat.example.org\r\nConnection: keep-alive\r\n\r\n";

constexpr std::string_view kPollHead = "GET /health HTTP/1.1\r\nHost: 127.0.0.1:8787\r\n\r\n";

constexpr std::string_view kEvent =
    R"({"event_type":"linq.inbound","chat_id":"chat-7","msg":"a message of the usual length",)"
    R"("method":"POST","path":"/webhooks/linq","status":200,"bytes":1834,"duration_ms":12.4,)"
    R"("trace_id":"b7d1f3a09c5e4d2f8a6b1c3e5f709182","service":"iMessage","direction":"inbound",)"
    R"("handle":"+15551234567","parts":[{"type":"text","value":"could you look at the build?"}],)"
    R"("sent_at":"2026-11-17T14:00:00.000Z"})";

void parse_head(benchmark::State& state, std::string_view head) {
  http::HeadScanner scanner;
  http::RequestParser parser;
  http::Request request;
  for (auto _ : state) {
    scanner.reset();
    parser.reset();
    request.clear();
    const auto answer = scanner.scan(head);
    CHECK(answer.size == head.size());
    CHECK(!parser.parse_head(head.substr(scanner.start()), request));
    benchmark::DoNotOptimize(request.path);
  }
}

void http_parse_poll(benchmark::State& state) { parse_head(state, kPollHead); }
void http_parse_browser(benchmark::State& state) { parse_head(state, kHead); }

void log_line(benchmark::State& state) {
  auto reactor = Reactor::open();
  CHECK(reactor.has_value());
  const int sink = open("/dev/null", O_WRONLY | O_CLOEXEC);
  Output output(**reactor, sink, 1 << 20);
  Log log(**reactor, output, {});
  UuidV7Generator ids;
  for (auto _ : state) {
    const Uuid id = ids.next(kNowMs);
    log.line(Level::info, "http.request", {.request_id = &id, .chat_id = {}})
        .text("method", "POST")
        .text("path", "/api/events")
        .number("status", std::int64_t{200})
        .number("bytes", std::int64_t{66})
        .number("duration_ms", 0.412)
        .message("POST /api/events 200");
    if (!output.has_room(4096)) {
      log.flush();
      while (!output.is_idle()) (*reactor)->iterate();
    }
  }
  log.flush();
  while (!output.is_idle()) (*reactor)->iterate();
}

void uuid_v7(benchmark::State& state) {
  UuidV7Generator ids;
  for (auto _ : state) benchmark::DoNotOptimize(ids.next(kNowMs));
}

// Copies each text, since parsing may modify it.
void json_validation(benchmark::State& state) {
  JsonDocument document(1 << 20);
  std::string body;
  for (auto _ : state) {
    body = kEvent;
    body.append(kJsonPadding, '\0');
    CHECK(document.parse({body.data(), kEvent.size()}).has_value());
  }
}

void event_decoding(benchmark::State& state) {
  JsonDocument document(1 << 20);
  EventDecoder decoder(document);
  EventBatch batch;
  std::string body;
  for (auto _ : state) {
    body = kEvent;
    body.append(kJsonPadding, '\0');
    const auto decoded = decoder.decode(EventMedia::json, {body.data(), kEvent.size()},
                                        {.time_ms = kNowMs, .request_id = {}}, batch);
    CHECK(decoded.has_value());
  }
}

void client_hello(benchmark::State& state) {
  std::vector<std::uint8_t> scratch(kTlsHelloSizeMax);
  TlsHello hello;
  for (auto _ : state) {
    TlsHelloReader reader;
    CHECK(reader.read(test::bytes_of(test::kOpensslHello), scratch, hello) ==
          TlsHelloStatus::server_name);
  }
}

// The built-in hosts and 1,000 of the owner's; the name is below the last of these.
void allowlist_match(benchmark::State& state) {
  Allowlist list;
  list.add(kBuiltInRules, RuleSource::built_in);
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "*.host-" + std::to_string(i) + ".example.org\n";
  CHECK(list.add(text, RuleSource::list).empty());
  const Allowlist::NameNeed need{.name = "a.b.host-999.example.org", .port = 443};
  for (auto _ : state) {
    const auto rule = list.match(need, kNowMs);
    CHECK(rule.has_value());
    benchmark::DoNotOptimize(rule);
  }
}

void register_all(std::int64_t calls) {
  const auto add = [calls](const char* name, void (*function)(benchmark::State&)) {
    auto* one = benchmark::RegisterBenchmark(name, function);
    if (calls > 0) one->Iterations(calls);
  };
  add("http_parse_poll", http_parse_poll);
  add("http_parse_browser", http_parse_browser);
  add("log_line", log_line);
  add("uuid_v7", uuid_v7);
  add("json_validation", json_validation);
  add("event_decoding", event_decoding);
  add("client_hello", client_hello);
  add("allowlist_match", allowlist_match);
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::string_view kCalls = "--calls=";
  std::vector<char*> arguments;
  std::int64_t calls = 0;
  for (int i = 0; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with(kCalls)) {
      calls = std::atoll(argv[i] + kCalls.size());
    } else {
      arguments.push_back(argv[i]);
    }
  }
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;
  register_all(calls);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
