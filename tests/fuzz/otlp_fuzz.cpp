// OTLP bodies in both encodings. The first byte chooses encoding, signal and whether they are
// claims.
#include <simdjson.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/json/document.h"
#include "handlers/ingest/otlp/otlp_events.h"
#include "handlers/ingest/otlp/otlp_json.h"
#include "handlers/ingest/otlp/otlp_protobuf.h"
#include "tests/handlers/padded_body.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace picortex;
  static JsonDocument document(1 << 20);
  static OtlpJsonDecoder json;
  static OtlpProtobufDecoder protobuf;
  static OtlpEvents receiver;
  static TelemetryBatch batch;
  static simdjson::dom::parser check;
  if (size == 0 || size > 1 << 16) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto signal = static_cast<OtlpSignal>((data[0] >> 1) % 3);
  receiver.begin({.now_ms = 1'795'900'000'000,
                  .request_id = {},
                  .accepted = {},
                  .is_claimed = (data[0] & 128) != 0},
                 batch);
  if ((data[0] & 1) == 0) {
    PaddedBody padded(body);
    if (!document.parse(padded.bytes())) return 0;
    if (!json.decode(signal, document.root(), receiver)) return 0;
  } else if (!protobuf.decode(signal, body, receiver)) {
    return 0;
  }
  batch.finish();
  for (const Event& event : batch.events()) {
    simdjson::dom::element parsed;
    const std::string text(event.data);
    if (!text.empty() && check.parse(text).get(parsed) != simdjson::SUCCESS) std::abort();
    if (event.event_type.empty() || event.event_type.size() > kEventTypeSizeMax) std::abort();
    if (event.chat_id.size() > kChatIdSizeMax || !event.id) std::abort();
    if ((data[0] & 128) != 0 && !text.starts_with("{\"claimed\":true")) std::abort();
  }
  return 0;
}
