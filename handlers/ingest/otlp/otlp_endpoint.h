#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json/document.h"
#include "handlers/http/exchange.h"
#include "handlers/http/middleware/content_coding.h"
#include "handlers/http/middleware/token.h"
#include "handlers/ingest/otlp/otlp_events.h"
#include "handlers/ingest/otlp/otlp_json.h"
#include "handlers/ingest/otlp/otlp_protobuf.h"
#include "handlers/ingest/telemetry_budget.h"
#include "handlers/ops/status_endpoint.h"
#include "handlers/pipeline/event_writer.h"
#include "reactor/worker.h"

namespace picortex {

struct OtlpStats {
  std::uint64_t requests = 0;
  std::uint64_t records = 0;      // log records, spans and data points that were decoded
  std::uint64_t events = 0;       // that they became, and that are stored
  std::uint64_t duplicates = 0;   // of these, which were there already
  std::uint64_t rejected = 0;     // records whose time lies outside of what is kept
  std::uint64_t undecodable = 0;  // requests: 400, 413, 415
  std::uint64_t unavailable = 0;  // requests: 503
  std::uint64_t over_budget = 0;  // requests: 429
};

// POST /v1/logs, /v1/traces and /v1/metrics: OTLP/HTTP (opentelemetry-proto, "OTLP Specification"),
// JSON and protobuf, in any coding of content_coding.h. 200 once the events are stored; 503 with
// Retry-After when that is not possible now, 429 beyond the budget of what is claimed, both of
// which clients send again; never 500, which they do not. A body that is sent again stores nothing
// twice.
//
// A body of 8 MiB takes tens of milliseconds to decompress and decode, so a Worker does that, one
// body after the other; the loop only checks heads, orders transactions and answers.
//
//   post()  head is checked  -> waits -> decoded by the worker -> stored by the EventWriter -> 200
//
// Headers may prove which chat it comes from (claude/telemetry_sender.h).
class OtlpEndpoint final : public StatusSection {
 public:
  static constexpr std::size_t kBodySizeMax = 8 * 1024 * 1024;  // once decompressed, too
  // What all deliveries may hold until they are stored; beyond it 503.
  static constexpr std::size_t kBytesInHandMax = 64 * 1024 * 1024;

  // One job of the worker takes further bodies up to either.
  static constexpr std::size_t kBodiesPerJob = 16;
  static constexpr std::size_t kBytesPerJob = 256 * 1024;

  // References passed in must outlive this object.
  OtlpEndpoint(Reactor& reactor, EventWriter& writer, Worker& worker, TelemetryBudget& budget,
               const Token& token);

  void post_logs(http::Exchange& exchange) noexcept { post(exchange, OtlpSignal::logs); }
  void post_traces(http::Exchange& exchange) noexcept { post(exchange, OtlpSignal::traces); }
  void post_metrics(http::Exchange& exchange) noexcept { post(exchange, OtlpSignal::metrics); }

  bool is_idle() const noexcept { return !worker_.is_busy() && waiting_.empty(); }
  const OtlpStats& stats() const noexcept { return stats_; }
  void append_status(JsonObject& status) const override;

 private:
  enum class Encoding : std::uint8_t { json, protobuf };

  // One request on its way into the store.
  struct Delivery {
    explicit Delivery(OtlpEndpoint& endpoint) : owner(endpoint) {}
    void on_outcome(StoreOutcome outcome) noexcept;

    OtlpEndpoint& owner;
    http::Exchange* exchange = nullptr;
    Encoding encoding = Encoding::json;
    OtlpSignal signal = OtlpSignal::logs;
    ContentCoding coding = ContentCoding::identity;
    std::string chat;
    TelemetryContext context;  // with a view of the chat
    // The outcome of decoding: no status if it succeeded.
    int status = 0;
    std::string error;
    std::size_t records = 0;
    std::size_t rejected = 0;
    TelemetryBatch batch;
    Submission submission{Callback<StoreOutcome>::to<&Delivery::on_outcome>(*this)};
  };

  void post(http::Exchange& exchange, OtlpSignal signal);
  std::optional<Encoding> check_head(http::Exchange& exchange);
  std::optional<ContentCoding> check_coding(http::Exchange& exchange);
  bool has_room(http::Exchange& exchange);
  void start_next();

  // The worker's.
  void work() noexcept;
  void decode(Delivery& delivery);
  std::optional<std::span<char>> plain_body(Delivery& delivery);
  Result<void> decode_json(OtlpSignal signal, std::span<char> body);

  void on_decoded() noexcept;
  void store(Delivery& delivery);
  void answer(Delivery& delivery);
  void fail_unavailable(http::Exchange& exchange);
  Delivery& lease();
  void give_back(Delivery& delivery);

  Reactor& reactor_;
  EventWriter& writer_;
  Worker& worker_;
  TelemetryBudget& budget_;
  const Token& token_;
  OtlpStats stats_;
  std::size_t bytes_in_hand_ = 0;
  std::string answer_;
  std::deque<Delivery*> waiting_;  // to be decoded
  std::vector<Delivery*> job_;     // the worker's while it is busy

  // The worker's while it is busy.
  JsonDocument document_;  // for bodies of kKeptJsonSize at most
  OtlpJsonDecoder json_;
  OtlpProtobufDecoder protobuf_;
  OtlpEvents events_;
  std::string plain_;  // the body in hand, where it came compressed

  std::deque<Delivery> deliveries_;
  std::vector<Delivery*> free_;
};

}  // namespace picortex
