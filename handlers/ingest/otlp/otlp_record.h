#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/uuid/uuid.h"

namespace picortex {

// OTLP's data (opentelemetry-proto 1.x) as both encodings say it. All texts are views: into the
// body, or into what the decoder keeps until its receiver has returned.

// AnyValue. Arrays, maps and bytes arrive as JSON text, since nothing is computed from them.
struct OtlpValue {
  enum class Kind : std::uint8_t { none, text, truth, integer, real, json };

  Kind kind = Kind::none;
  std::string_view text;  // of text and json; valid JSON in the latter
  std::int64_t integer = 0;
  double real = 0;
  bool truth = false;
};

// Appends the value as JSON; a text of more than `text_size_max` bytes is cut.
void append_otlp_json(std::string& out, const OtlpValue& value, std::size_t text_size_max);

// The number that a value is, or that its text spells as Claude Code's do ("87"); none for others.
std::optional<std::int64_t> whole_number_of(const OtlpValue& value) noexcept;
std::optional<double> number_of(const OtlpValue& value) noexcept;
// The same for truth and "true" or "false".
std::optional<bool> truth_of(const OtlpValue& value) noexcept;

struct OtlpAttribute {
  std::string_view key;
  OtlpValue value;
};

class OtlpAttributes {
 public:
  void clear() noexcept { all_.clear(); }
  void add(std::string_view key, const OtlpValue& value) { all_.push_back({key, value}); }
  auto begin() const noexcept { return all_.begin(); }
  auto end() const noexcept { return all_.end(); }
  std::size_t size() const noexcept { return all_.size(); }

  // The last of that name, as in a JSON object; null when there is none.
  const OtlpValue* find(std::string_view key) const noexcept;
  // The text of that name; empty when it is something else or missing.
  std::string_view text(std::string_view key) const noexcept;

 private:
  std::vector<OtlpAttribute> all_;
};

// What the records of one scope have in common.
struct OtlpOrigin {
  OtlpAttributes resource;
  std::string_view scope_name;
  std::string_view scope_version;
};

using OtlpTraceId = std::array<std::uint8_t, 16>;  // zeros: none
using OtlpSpanId = std::array<std::uint8_t, 8>;

struct OtlpLogRecord {
  std::uint64_t time_ns = 0;  // since 1970; 0: not known
  std::uint64_t observed_ns = 0;
  std::int64_t severity = 0;  // 1 to 24; anything else: not known
  std::string_view severity_text;
  std::string_view event_name;
  OtlpValue body;
  OtlpAttributes attributes;
  OtlpTraceId trace_id{};
  OtlpSpanId span_id{};
};

struct OtlpSpan {
  OtlpTraceId trace_id{};
  OtlpSpanId span_id{};
  OtlpSpanId parent_span_id{};
  std::string_view name;
  std::int64_t kind = 0;
  std::uint64_t start_ns = 0;
  std::uint64_t end_ns = 0;
  OtlpAttributes attributes;
  std::int64_t status = 0;  // 2: an error
  std::string_view status_message;
  std::size_t event_count = 0;
};

// A data point of a metric that is a number; of the other kinds only that they came.
struct OtlpPoint {
  std::string_view metric;
  std::string_view unit;
  bool is_sum = false;
  bool is_delta = false;
  OtlpAttributes attributes;
  std::uint64_t start_ns = 0;
  std::uint64_t time_ns = 0;
  std::optional<double> value;  // none: a histogram or a summary
};

// Takes the records of a body in their order.
class OtlpReceiver {
 public:
  virtual void on_log(const OtlpOrigin& origin, const OtlpLogRecord& record) = 0;
  virtual void on_span(const OtlpOrigin& origin, const OtlpSpan& span) = 0;
  virtual void on_point(const OtlpOrigin& origin, const OtlpPoint& point) = 0;

 protected:
  ~OtlpReceiver() = default;
};

enum class OtlpSignal : std::uint8_t { logs, traces, metrics };

// Beyond these a body is not decoded: nothing that an SDK sends comes near.
inline constexpr std::size_t kOtlpRecordsMax = 10'000;
inline constexpr std::size_t kOtlpAttributesMax = 256;  // of one record
inline constexpr int kOtlpDepthMax = 8;                 // of arrays and maps in a value
// Texts and values are cut to this, so that what is kept of a record has a bound.
inline constexpr std::size_t kOtlpTextSizeMax = 32 * 1024;

// Texts that a decoder has made, at addresses that stay.
class OtlpTexts {
 public:
  std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }
  void clear() noexcept { texts_.clear(); }

 private:
  std::deque<std::string> texts_;
};

// The trace ID as a UUID, if it is one of version 7 that was made between 2020 and a day after
// `time_ms`: then it is a request ID of picortex. (One random ID in 64 looks like version 7, but
// not one in 50,000 has such a time.)
std::optional<Uuid> request_id_of_trace(const OtlpTraceId& trace_id, std::int64_t time_ms) noexcept;

std::string hex_of(const OtlpTraceId& id);
std::string hex_of(const OtlpSpanId& id);
template <std::size_t Size>
bool is_set(const std::array<std::uint8_t, Size>& id) noexcept {
  return id != std::array<std::uint8_t, Size>{};
}

}  // namespace picortex
