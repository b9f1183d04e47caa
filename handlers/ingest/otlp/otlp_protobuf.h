#pragma once

#include <string_view>

#include "base/result.h"
#include "handlers/ingest/otlp/otlp_record.h"

namespace protozero {
class pbf_reader;
}  // namespace protozero

namespace picortex {

// Reads OTLP's protobuf encoding. Unknown fields are skipped. Keeps its memory from one body to the
// next.
class OtlpProtobufDecoder {
 public:
  // Calls `receiver` with each record of `body`. The error is the message of a 400; records before
  // it have been handed over.
  Result<void> decode(OtlpSignal signal, std::string_view body, OtlpReceiver& receiver);

 private:
  using Message = protozero::pbf_reader;

  // These throw what protozero throws, and Undecodable.
  void read_resource(Message group, OtlpSignal signal);
  void read_scope(Message scope, OtlpSignal signal);
  void read_log(Message message);
  void read_span(Message message);
  void read_metric(Message message);
  void read_points(Message list, bool is_number);
  void read_point(Message message, bool is_number);
  void begin_record();

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
