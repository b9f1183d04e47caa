// Envelopes: items lie in the body in sequence; what is kept of an event can be stored.
#include <simdjson.h>

#include "base/check.h"
#include "handlers/ingest/sentry/sentry_decoder.h"
#include "tests/handlers/padded_body.h"

using namespace picortex;

namespace {

void walk(JsonDocument& document, std::span<char> body) {
  SentryEnvelope envelope(document, body);
  if (!envelope.read_header()) return;
  const char* behind = body.data();
  for (std::size_t count = 0;; ++count) {
    const auto item = envelope.next();
    if (!item || !*item) return;
    CHECK(count < SentryEnvelope::kItemsMax);
    const std::span<char> payload = (*item)->payload;
    CHECK(payload.data() >= behind);
    behind = payload.data() + payload.size();
    CHECK(behind <= body.data() + body.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static JsonDocument document(1 << 20);
  static SentryDecoder decoder(document);
  static SentryEvent event;
  static simdjson::dom::parser checker;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  PaddedBody walked(text);
  walk(document, walked.bytes());
  PaddedBody body(text);
  const auto done = decoder.decode(body.bytes(), "1", event);
  CHECK(done.has_value() || !done.error().what.empty());
  if (!done || !done->has_event) return 0;
  CHECK(!event.id.is_nil() && !event.event_id.is_nil());
  CHECK(!event.msg.empty() && simdjson::validate_utf8(event.msg));
  CHECK(event.data.size() <= SentryDecoder::kDataSizeMax);
  CHECK(event.data.find('\n') == std::string::npos);
  simdjson::dom::object object;
  CHECK(checker.parse(event.data).get(object) == simdjson::SUCCESS);
  CHECK(object["fingerprint"].is_array());
  return 0;
}
