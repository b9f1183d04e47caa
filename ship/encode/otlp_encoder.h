#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "ship/encode/event_encoder.h"
#include "ship/encode/json_encoders.h"

namespace picortex {

// Log records of OpenTelemetry in protobuf (opentelemetry-proto, logs/v1): the type is the event
// name, the message the body, the request's UUID the trace ID, and the data's members are
// attributes next to `chat_id` and `picortex.event_id`. The resource has host.name and service.name.
class OtlpEncoder final : public EventEncoder {
 public:
  explicit OtlpEncoder(std::string host);

  void append(std::string& out, const EventRow& row) override;
  std::string_view body(std::string_view records, std::string& scratch) const override;
  std::string_view content_type() const noexcept override { return "application/x-protobuf"; }

 private:
  std::string resource_;
  std::string scope_;
  std::string record_;
  DataCheck check_;
};

// Of a receiver's answer: how many records it says that it did not take, and why.
struct OtlpPartialSuccess {
  std::int64_t rejected = 0;
  std::string message;
};
OtlpPartialSuccess read_otlp_answer(std::string_view body) noexcept;

}  // namespace picortex
