// Measures the operations of the hot paths with Google Benchmark.
//
//   microbench [--calls=N] [--growth] [--benchmark_…]
//
// With --calls each runs exactly N times, so that callgrind can count the instructions of one. With
// --growth others run: operations on tables of 10 entries up to the most that they hold.

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/json/document.h"
#include "base/uuid/uuid_v7.h"
#include "handlers/http/head_scanner.h"
#include "handlers/http/request_parser.h"
#include "handlers/ingest/event_decoder.h"
#include "netfilter/dns/dns_cache.h"
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

std::int64_t cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// The built-in hosts, and the operator's up to state.range() rules in all, of which the last one
// matches. What loading them takes is printed as well.
void growth_rules(benchmark::State& state) {
  const std::size_t heap_before = mallinfo2().uordblks;
  const std::int64_t began = cpu_ns();
  Allowlist list;
  list.add(kBuiltInRules, RuleSource::built_in);
  const auto rules = static_cast<std::size_t>(state.range());
  std::string text;
  std::string name;
  for (std::size_t i = list.rules().size(); i < rules; ++i) {
    name = "h" + std::to_string(i) + ".io";
    text += name + '\n';
  }
  CHECK(list.add(text, RuleSource::list).empty());
  state.counters["load_ms"] = static_cast<double>(cpu_ns() - began) / 1e6;
  text = {};
  state.counters["heap_mib"] = static_cast<double>(mallinfo2().uordblks - heap_before) / (1 << 20);
  if (name.empty()) name = list.rules().back().name;
  const Allowlist::NameNeed need{.name = name};
  for (auto _ : state) {
    const auto rule = list.match(need, kNowMs);
    CHECK(rule.has_value());
    benchmark::DoNotOptimize(rule);
  }
}

IpAddress made_address(std::uint32_t number) {
  return IpAddress::of_bytes(std::array<std::uint8_t, 4>{
      100, static_cast<std::uint8_t>(number >> 16), static_cast<std::uint8_t>(number >> 8),
      static_cast<std::uint8_t>(number)});
}

void learn(DnsCache& cache, std::uint32_t first, std::uint32_t count, std::int64_t now_ms) {
  for (std::uint32_t i = first; i < first + count; ++i) {
    CHECK(cache.learn(made_address(i), "host-" + std::to_string(i) + ".example.org", 300, now_ms));
  }
}

// A cache of state.range() names, each of an address of its own; looks up all of them in turn, in
// an order without neighbours.
void growth_dns_look_up(benchmark::State& state) {
  DnsCache cache;
  const auto names = static_cast<std::uint32_t>(state.range());
  learn(cache, 0, names, kNowMs);
  std::vector<std::pair<IpAddress, std::string>> asked;
  for (std::uint64_t i = 0; i < names; ++i) {
    const auto number = static_cast<std::uint32_t>(i * 7919 % names);
    asked.emplace_back(made_address(number), "host-" + std::to_string(number) + ".example.org");
  }
  std::size_t next = 0;
  for (auto _ : state) {
    const auto& [address, name] = asked[next];
    CHECK(cache.agrees(address, name, kNowMs));
    if (++next == asked.size()) next = 0;
  }
}

// The second half of state.range() names, what the tables' growth costs included. At the bound each
// takes the place of another.
void growth_dns_insert(benchmark::State& state) {
  const auto names = static_cast<std::uint32_t>(state.range());
  const std::uint32_t half = names / 2;
  const std::uint32_t there = names == DnsCache::kEntriesMax ? names : names - half;
  const std::uint32_t caches = std::max(1u, 5000 / names);  // so that reading the clock is nothing
  for (auto _ : state) {
    std::vector<DnsCache> filled(caches);
    for (DnsCache& cache : filled) learn(cache, 0, there, kNowMs);
    const std::int64_t began = cpu_ns();
    for (DnsCache& cache : filled) learn(cache, there, half, kNowMs + DnsCache::kAnswerHoldMs);
    state.SetIterationTime(static_cast<double>(cpu_ns() - began) / half / caches / 1e9);
  }
}

void register_growth() {
  benchmark::RegisterBenchmark("growth_rules", growth_rules)
      ->RangeMultiplier(10)
      ->Range(10, static_cast<std::int64_t>(Allowlist::kRulesMax));
  constexpr auto kNames = static_cast<std::int64_t>(DnsCache::kEntriesMax);
  benchmark::RegisterBenchmark("growth_dns_look_up", growth_dns_look_up)
      ->RangeMultiplier(10)
      ->Range(10, kNames);
  benchmark::RegisterBenchmark("growth_dns_insert", growth_dns_insert)
      ->RangeMultiplier(10)
      ->Range(10, kNames)
      ->UseManualTime()
      ->Iterations(3);
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
  bool is_growth = false;
  for (int i = 0; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with(kCalls)) {
      calls = std::atoll(argv[i] + kCalls.size());
    } else if (argument == "--growth") {
      is_growth = true;
    } else {
      arguments.push_back(argv[i]);
    }
  }
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;
  if (is_growth) {
    register_growth();
  } else {
    register_all(calls);
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
