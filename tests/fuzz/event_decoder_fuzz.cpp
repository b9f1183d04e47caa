// Bodies of POST /api/events: whatever is taken must be storable, its data valid JSON. The first
// byte chooses the media type.
#include <simdjson.h>

#include "base/check.h"
#include "base/time/timestamp.h"
#include "handlers/ingest/event_decoder.h"
#include "tests/handlers/padded_body.h"

using namespace picortex;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static JsonDocument document(1 << 20);
  static EventDecoder decoder(document);
  static EventBatch batch;
  static simdjson::dom::parser checker;
  if (size == 0) return 0;
  const auto media = data[0] % 2 == 0 ? EventMedia::json : EventMedia::ndjson;
  PaddedBody body({reinterpret_cast<const char*>(data) + 1, size - 1});
  const auto done = decoder.decode(media, body.bytes(), {}, batch);
  CHECK(done.has_value() == !batch.events().empty());
  CHECK(done.has_value() || !done.error().what.empty());
  for (const Event& event : batch.events()) {
    CHECK(event.time_ms >= 0 && event.time_ms <= kLatestUnixMs);
    CHECK(!event.event_type.empty() && event.event_type.size() <= kEventTypeSizeMax);
    CHECK(event.chat_id.size() <= kChatIdSizeMax);
    CHECK(simdjson::validate_utf8(event.event_type) && simdjson::validate_utf8(event.chat_id));
    CHECK(simdjson::validate_utf8(event.msg));
    if (event.data.empty()) continue;
    CHECK(event.data.find('\n') == std::string_view::npos);
    simdjson::dom::object object;
    CHECK(checker.parse(event.data.data(), event.data.size()).get(object) == simdjson::SUCCESS);
    CHECK(object.size() > 0);
  }
  return 0;
}
