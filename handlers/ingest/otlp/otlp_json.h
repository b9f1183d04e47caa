#pragma once

#include <string_view>

#include "base/result.h"
#include "handlers/ingest/otlp/otlp_record.h"

namespace simdjson::dom {
class element;
}  // namespace simdjson::dom

namespace picortex {

// Reads OTLP's JSON encoding (opentelemetry-proto, "JSON Protobuf Encoding"): names in
// lowerCamelCase, IDs in hex, 64-bit integers as numbers or texts, enumerations as numbers. Members
// that are unknown or null are skipped. Keeps its memory from one body to the next.
class OtlpJsonDecoder {
 public:
  // Calls `receiver` with each record of `root`. The error is the message of a 400; records before
  // it have been handed over.
  Result<void> decode(OtlpSignal signal, const simdjson::dom::element& root,
                      OtlpReceiver& receiver);

 private:
  using Element = simdjson::dom::element;

  Result<void> read_resource(const Element& group, OtlpSignal signal);
  Result<void> read_scope(const Element& scope, OtlpSignal signal);
  Result<void> read_log(const Element& value);
  Result<void> read_span(const Element& value);
  Result<void> read_metric(const Element& value);
  Result<void> read_points(const Element& list, bool is_number);
  Result<void> read_point(const Element& value, bool is_number);
  Result<void> begin_record();

  OtlpReceiver* receiver_ = nullptr;
  std::size_t records_ = 0;
  OtlpOrigin origin_;
  OtlpLogRecord log_;
  OtlpSpan span_;
  OtlpPoint point_;
  OtlpTexts origin_texts_;
  OtlpTexts record_texts_;
};

}  // namespace picortex
