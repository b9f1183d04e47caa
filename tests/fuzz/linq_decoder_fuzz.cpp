// Bodies of POST /webhooks/linq, as if Linq had signed them: what is taken keeps every limit, and
// is valid JSON on one line.
#include <simdjson.h>

#include "base/check.h"
#include "handlers/ingest/linq_decoder.h"
#include "storage/event.h"
#include "tests/handlers/padded_body.h"

using namespace picortex;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static JsonDocument document(1 << 20);
  static LinqDecoder decoder(document);
  static LinqEvent event;
  static simdjson::dom::parser checker;
  PaddedBody body({reinterpret_cast<const char*>(data), size});
  const auto done = decoder.decode(body.bytes(), event);
  if (!done) {
    CHECK(!done.error().what.empty());
    return 0;
  }
  CHECK(event.event_type.starts_with("linq.") && event.event_type.size() <= kEventTypeSizeMax);
  CHECK(event.chat_id.size() <= kChatIdSizeMax);
  CHECK(event.msg.size() <= LinqDecoder::kMsgSizeMax);
  CHECK(simdjson::validate_utf8(event.msg) && simdjson::validate_utf8(event.event_type));
  CHECK(event.data.find('\n') == std::string::npos);
  simdjson::dom::object object;
  CHECK(checker.parse(event.data).get(object) == simdjson::SUCCESS);
  return 0;
}
