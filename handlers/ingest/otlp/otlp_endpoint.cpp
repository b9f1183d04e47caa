#include "handlers/ingest/otlp/otlp_endpoint.h"

#include <simdjson.h>

#include <utility>

#include "base/json/json_text.h"
#include "handlers/http/middleware/media_type.h"
#include "handlers/http/response.h"
#include "handlers/ingest/claude/telemetry_sender.h"

namespace picortex {
namespace {

constexpr std::string_view kProtobuf = "application/x-protobuf";
// The client resends after what this says, if that is below its export timeout of 10 s.
constexpr std::string_view kRetryWithinBudget = "Retry-After: 5\r\n";
// A larger body has a document of its own: the parser keeps 14 bytes for each byte that it has
// seen.
constexpr std::size_t kKeptJsonSize = 1024 * 1024;
constexpr std::size_t kKeptPlainSize = 64 * 1024;
constexpr std::string_view kRejected =
    "records were rejected: their time lies outside of what is kept, or over a day ahead";

void append_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

std::string_view rejected_member(OtlpSignal signal) noexcept {
  switch (signal) {
    case OtlpSignal::logs:
      return "rejectedLogRecords";
    case OtlpSignal::traces:
      return "rejectedSpans";
    case OtlpSignal::metrics:
      break;
  }
  return "rejectedDataPoints";
}

}  // namespace

OtlpEndpoint::OtlpEndpoint(Reactor& reactor, EventWriter& writer, Worker& worker,
                           TelemetryBudget& budget, const Token& token)
    : reactor_(reactor),
      writer_(writer),
      worker_(worker),
      budget_(budget),
      token_(token),
      document_(kKeptJsonSize) {}

void OtlpEndpoint::post(http::Exchange& exchange, OtlpSignal signal) {
  ++stats_.requests;
  const auto encoding = check_head(exchange);
  if (!encoding) return;
  auto chat = chat_of_sender(exchange, token_);
  if (!chat) return;
  const auto coding = check_coding(exchange);
  if (!coding) return;
  Delivery& delivery = lease();
  delivery.exchange = &exchange;
  delivery.encoding = *encoding;
  delivery.signal = signal;
  delivery.coding = *coding;
  delivery.chat = *std::move(chat);
  delivery.context = {.now_ms = reactor_.unix_ms(),
                      .request_id = exchange.id(),
                      .accepted = writer_.accepted_times(),
                      .is_claimed = exchange.scopes().are_claims(),
                      .chat = delivery.chat};
  waiting_.push_back(&delivery);
  start_next();
}

// What can be said without the body; answers itself when that ends the request.
std::optional<OtlpEndpoint::Encoding> OtlpEndpoint::check_head(http::Exchange& exchange) {
  const std::string_view type = exchange.request().field("content-type");
  const bool is_json = is_media_type(type, "application/json");
  if (!is_json && !is_media_type(type, kProtobuf)) {
    ++stats_.undecodable;
    exchange.fail(415,
                  "Unsupported Media Type: application/json or application/x-protobuf is needed");
    return std::nullopt;
  }
  // Before the body is looked at: under pressure that would be work for nothing.
  if (!writer_.is_open_to(1) || bytes_in_hand_ >= kBytesInHandMax) {
    fail_unavailable(exchange);
    return std::nullopt;
  }
  if (!has_room(exchange)) return std::nullopt;
  return is_json ? Encoding::json : Encoding::protobuf;
}

std::optional<ContentCoding> OtlpEndpoint::check_coding(http::Exchange& exchange) {
  const auto coding = parse_content_coding(exchange.request().field("content-encoding"));
  if (coding) return coding;
  ++stats_.undecodable;
  exchange.fail(415, "Unsupported Content-Encoding: one of gzip, deflate, br, zstd is needed",
                std::string("Accept-Encoding: ").append(kAcceptedCodings) + "\r\n");
  return std::nullopt;
}

// Whether the budget lets the sender store something now; if not, that has been answered.
bool OtlpEndpoint::has_room(http::Exchange& exchange) {
  if (!exchange.scopes().are_claims() || budget_.has_room(reactor_.unix_ms())) return true;
  ++stats_.over_budget;
  exchange.fail(429, "Telemetry comes faster than PICORTEX_TELEMETRY_RATE allows",
                kRetryWithinBudget);
  return false;
}

void OtlpEndpoint::start_next() {
  if (waiting_.empty() || worker_.is_busy()) return;
  std::size_t bytes = 0;
  while (!waiting_.empty() && job_.size() < kBodiesPerJob && bytes < kBytesPerJob) {
    job_.push_back(waiting_.front());
    waiting_.pop_front();
    bytes += job_.back()->exchange->body().size();
  }
  worker_.run<&OtlpEndpoint::work, &OtlpEndpoint::on_decoded>(*this);
}

// --- On the worker's thread ---

void OtlpEndpoint::work() noexcept {
  for (Delivery* delivery : job_) decode(*delivery);
  if (plain_.capacity() > kKeptPlainSize) std::string().swap(plain_);
}

void OtlpEndpoint::decode(Delivery& delivery) {
  delivery.status = 0;
  const auto body = plain_body(delivery);
  if (!body) return;
  events_.begin(delivery.context, delivery.batch);
  const auto decoded =
      delivery.encoding == Encoding::json
          ? decode_json(delivery.signal, *body)
          : protobuf_.decode(delivery.signal, {body->data(), body->size()}, events_);
  if (!decoded) {
    delivery.status = 400;
    delivery.error = decoded.error().what;
    return;
  }
  delivery.batch.finish();
  delivery.records = events_.records();
  delivery.rejected = events_.rejected();
}

// The body as it was before it was compressed; none if it is not what its coding says.
std::optional<std::span<char>> OtlpEndpoint::plain_body(Delivery& delivery) {
  const std::span<char> body = delivery.exchange->body();
  if (delivery.coding == ContentCoding::identity) return body;
  switch (decompress(delivery.coding, {body.data(), body.size()}, kBodySizeMax, plain_)) {
    case GunzipOutcome::whole: {
      const std::size_t size = plain_.size();
      plain_.append(kJsonPadding, '\0');
      return std::span(plain_.data(), size);
    }
    case GunzipOutcome::too_large:
      delivery.status = 413;
      delivery.error = "Request body is over 8 MiB once it is decompressed";
      break;
    case GunzipOutcome::broken:
      delivery.status = 400;
      delivery.error = "The body is not what its Content-Encoding says, or damaged";
  }
  return std::nullopt;
}

Result<void> OtlpEndpoint::decode_json(OtlpSignal signal, std::span<char> body) {
  std::optional<JsonDocument> large;
  if (body.size() > kKeptJsonSize) large.emplace(kBodySizeMax);
  JsonDocument& document = large ? *large : document_;
  if (auto parsed = document.parse(body); !parsed) {
    return failure("The body " + parsed.error().what);
  }
  return json_.decode(signal, document.root(), events_);
}

// --- On the loop ---

void OtlpEndpoint::on_decoded() noexcept {
  // Handed on before the answers: a client that has its answer may send the next body at once.
  std::vector<Delivery*> decoded;
  decoded.swap(job_);
  start_next();
  for (Delivery* delivery : decoded) {
    if (delivery->status == 0) {
      stats_.records += delivery->records;
      stats_.rejected += delivery->rejected;
      store(*delivery);
      continue;
    }
    ++stats_.undecodable;
    delivery->exchange->fail(delivery->status, delivery->error);
    give_back(*delivery);
  }
}

void OtlpEndpoint::store(Delivery& delivery) {
  const std::span<const Event> events = delivery.batch.events();
  const std::size_t bytes = delivery.batch.text_size();
  if (events.empty()) {
    answer(delivery);
    return give_back(delivery);
  }
  if (!writer_.is_open_to(events.size()) || bytes_in_hand_ + bytes > kBytesInHandMax) {
    fail_unavailable(*delivery.exchange);
    return give_back(delivery);
  }
  // Others may have used the budget up while this one was decoded.
  if (!has_room(*delivery.exchange)) return give_back(delivery);
  if (delivery.context.is_claimed) budget_.spend(events.size(), bytes);
  bytes_in_hand_ += bytes;
  writer_.submit(delivery.submission, events);
}

void OtlpEndpoint::fail_unavailable(http::Exchange& exchange) {
  ++stats_.unavailable;
  exchange.fail(503, "Telemetry cannot be stored now; send it again later", http::kRetrySoon);
}

// Export*ServiceResponse: partial_success = 1 { rejected = 1, error_message = 2 }, or nothing.
void OtlpEndpoint::answer(Delivery& delivery) {
  const bool is_json = delivery.encoding == Encoding::json;
  answer_ = is_json ? "{}" : "";
  if (delivery.rejected > 0 && is_json) {
    answer_ = "{\"partialSuccess\":{\"";
    answer_.append(rejected_member(delivery.signal)).append("\":\"");
    answer_ += std::to_string(delivery.rejected) + "\",\"errorMessage\":";
    append_json_string(answer_, kRejected);
    answer_ += "}}";
  } else if (delivery.rejected > 0) {
    std::string partial = "\x08";
    append_varint(partial, delivery.rejected);
    partial += '\x12';
    append_varint(partial, kRejected.size());
    partial += kRejected;
    answer_ = "\x0a";
    append_varint(answer_, partial.size());
    answer_ += partial;
  }
  delivery.exchange->respond({.content_type = is_json ? http::kJson : kProtobuf, .body = answer_});
}

void OtlpEndpoint::append_status(JsonObject& status) const {
  JsonObject telemetry = status.object("telemetry");
  telemetry.number("requests", stats_.requests)
      .number("records", stats_.records)
      .number("events", stats_.events)
      .number("duplicates", stats_.duplicates)
      .number("rejected", stats_.rejected)
      .number("undecodable", stats_.undecodable)
      .number("unavailable", stats_.unavailable)
      .number("over_budget", stats_.over_budget)
      .number("bytes_in_hand", bytes_in_hand_)
      .number("claimed_per_minute", budget_.limit());
  const auto left = budget_.left(reactor_.unix_ms());
  left ? telemetry.number("claimed_left", *left) : telemetry.null("claimed_left");
}

OtlpEndpoint::Delivery& OtlpEndpoint::lease() {
  if (free_.empty()) return deliveries_.emplace_back(*this);
  Delivery& delivery = *free_.back();
  free_.pop_back();
  return delivery;
}

void OtlpEndpoint::give_back(Delivery& delivery) {
  delivery.batch.clear();
  delivery.batch.trim();
  free_.push_back(&delivery);
}

void OtlpEndpoint::Delivery::on_outcome(StoreOutcome outcome) noexcept {
  owner.bytes_in_hand_ -= batch.text_size();
  if (outcome == StoreOutcome::stored) {
    owner.stats_.events += batch.events().size() - submission.duplicates();
    owner.stats_.duplicates += submission.duplicates();
    owner.answer(*this);
  } else {
    owner.fail_unavailable(*exchange);
  }
  owner.give_back(*this);
}

}  // namespace picortex
