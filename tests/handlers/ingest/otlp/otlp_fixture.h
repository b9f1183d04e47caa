#pragma once

#include <simdjson.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/json/document.h"
#include "base/time/timestamp.h"
#include "handlers/ingest/otlp/otlp_events.h"
#include "handlers/ingest/otlp/otlp_json.h"
#include "handlers/ingest/otlp/otlp_protobuf.h"
#include "tests/handlers/padded_body.h"

namespace picortex::test {

inline std::string golden(const std::string& name) {
  std::ifstream file(PICORTEX_SOURCE_DIR "/tests/golden/claude/" + name, std::ios::binary);
  BOOST_REQUIRE_MESSAGE(file.is_open(), name);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Decodes bodies into events, as the endpoint does.
struct OtlpFixture {
  static constexpr std::int64_t kNow = 1'795'900'000'000;

  JsonDocument document{8 << 20};
  OtlpJsonDecoder json;
  OtlpProtobufDecoder protobuf;
  OtlpEvents receiver;
  TelemetryBatch batch;
  TelemetryContext context{.now_ms = kNow,
                           .request_id = *parse_uuid("01900000-0000-7000-8000-000000000001"),
                           .accepted = {},
                           .is_claimed = false};

  // Empty when the body was decoded, else the error.
  std::string decode_json(std::string_view text, OtlpSignal signal = OtlpSignal::logs) {
    PaddedBody body(text);
    receiver.begin(context, batch);
    if (auto parsed = document.parse(body.bytes()); !parsed) return parsed.error().what;
    const auto decoded = json.decode(signal, document.root(), receiver);
    batch.finish();
    return decoded ? "" : decoded.error().what;
  }
  std::string decode_protobuf(std::string_view body, OtlpSignal signal = OtlpSignal::logs) {
    receiver.begin(context, batch);
    const auto decoded = protobuf.decode(signal, body, receiver);
    batch.finish();
    return decoded ? "" : decoded.error().what;
  }

  const Event& only() {
    BOOST_REQUIRE(batch.events().size() == 1u);
    return batch.events().front();
  }

  // One line for each event: all that is stored of it.
  std::vector<std::string> rows() const {
    std::vector<std::string> rows;
    for (const Event& event : batch.events()) {
      rows.push_back(std::to_string(event.time_ms) + ' ' + std::string(level_label(event.level)) +
                     ' ' + std::string(event.event_type) + ' ' + std::string(event.chat_id) + ' ' +
                     to_string(event.request_id) + ' ' + std::string(event.msg) + ' ' +
                     std::string(event.data));
    }
    return rows;
  }

  // A body of one log record with these members.
  static std::string one_log(const std::string& members, const std::string& resource = "") {
    return R"({"resourceLogs":[{"resource":{"attributes":[)" + resource +
           R"(]},"scopeLogs":[{"scope":{"name":"app"},"logRecords":[{)" + members + "}]}]}]}";
  }
  static std::string attribute(const std::string& key, const std::string& value) {
    return R"({"key":")" + key + R"(","value":)" + value + "}";
  }
};

}  // namespace picortex::test
