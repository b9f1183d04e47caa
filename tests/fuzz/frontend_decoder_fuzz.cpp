// Bodies of POST /api/frontend-log: data must be valid JSON with the four known members at most.
#include <simdjson.h>

#include "base/check.h"
#include "handlers/ingest/frontend_decoder.h"
#include "tests/handlers/padded_body.h"

using namespace picortex;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static JsonDocument document(1 << 20);
  static FrontendDecoder decoder(document);
  static FrontendLog log;
  static simdjson::dom::parser checker;
  PaddedBody body({reinterpret_cast<const char*>(data), size});
  const auto done = decoder.decode(body.bytes(), log);
  if (!done) {
    CHECK(!done.error().what.empty());
    return 0;
  }
  CHECK(simdjson::validate_utf8(log.message));
  if (log.data.empty()) return 0;
  CHECK(log.data.find('\n') == std::string::npos);
  simdjson::dom::object object;
  CHECK(checker.parse(log.data).get(object) == simdjson::SUCCESS);
  // In this order, so none comes twice.
  constexpr std::string_view kKnown[] = {"error", "stack", "context", "extra"};
  std::size_t next = 0;
  for (const auto [key, value] : object) {
    while (next < 4 && kKnown[next] != key) ++next;
    CHECK(next < 4);
    CHECK(!value.is_null());
    ++next;
  }
  CHECK(next > 0);
  return 0;
}
