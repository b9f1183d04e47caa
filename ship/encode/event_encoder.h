#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "ship/ship_target.h"
#include "storage/query/event_reader.h"

namespace picortex {

// Writes events as one kind of target takes them. The same event always has the same bytes.
class EventEncoder {
 public:
  virtual ~EventEncoder() = default;

  // Appends one record. Records of several events may stand one after the other.
  virtual void append(std::string& out, const EventRow& row) = 0;
  // Events with the same number may be in one request.
  virtual std::int64_t group_of(const EventRow&) const { return 0; }
  // What is sent of such records: it may refer to them, or to `scratch`.
  virtual std::string_view body(std::string_view records, std::string&) const { return records; }
  virtual std::string_view content_type() const noexcept = 0;
};

// `host` is the name under which the fleet knows this machine.
std::unique_ptr<EventEncoder> make_encoder(ShipTarget::Kind kind, std::string host);

// The number of an OpenTelemetry severity (logs.proto, SeverityNumber).
int otlp_severity(Level level) noexcept;

}  // namespace picortex
