#pragma once

#include <string>
#include <utility>

#include "base/json/document.h"
#include "ship/encode/event_encoder.h"

namespace picortex {

// The largest `data` that is looked into; a larger one is sent as text.
inline constexpr std::size_t kShippedDataMax = std::size_t{16} << 20;

// Says whether the database's `data` is what it should be: a JSON object.
class DataCheck {
 public:
  bool is_object(const std::string& data);
  JsonDocument& document() noexcept { return document_; }

 private:
  JsonDocument document_{kShippedDataMax};
  std::string padded_;
};

// Rows for ClickHouse's JSONEachRow, with the columns of clickhouse_schema.h. A group is a
// partition, a month of UTC.
class ClickHouseEncoder final : public EventEncoder {
 public:
  explicit ClickHouseEncoder(const std::string& host);

  void append(std::string& out, const EventRow& row) override;
  std::int64_t group_of(const EventRow& row) const override;
  std::string_view content_type() const noexcept override { return "application/x-ndjson"; }

 private:
  std::string begin_;  // of each row
};

// A line of JSON an event, for receivers that take any:
// {"time":…,"host":…,"id":…,"level":…,"event_type":…,"request_id":…,"chat_id":…|null,"msg":…,
//  "data":{…}|null}
class NdjsonEncoder final : public EventEncoder {
 public:
  explicit NdjsonEncoder(std::string host) : host_(std::move(host)) {}

  void append(std::string& out, const EventRow& row) override;
  std::string_view content_type() const noexcept override { return "application/x-ndjson"; }

 private:
  std::string host_;
  DataCheck check_;
};

// The seconds of an event's time as ClickHouse's DateTime has them, which ends in 2106.
std::int64_t clickhouse_seconds(std::int64_t time_ms) noexcept;

}  // namespace picortex
