#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "handlers/ingest/claude/claude_normaliser.h"
#include "handlers/ingest/otlp/otlp_record.h"
#include "handlers/ingest/telemetry_batch.h"
#include "storage/event.h"
#include "storage/retention.h"

namespace picortex {

// What the events of one body have in common.
struct TelemetryContext {
  std::int64_t now_ms = 0;
  Uuid request_id;  // where the telemetry names no other
  AcceptedTimes accepted;
  bool is_claimed = false;     // by a sender who may not store other events
  std::string_view chat = {};  // that the sender has proved to be of; empty: what it says counts
};

// Makes events of OTLP's records.
//
//   log record  -> event   type: eventName, else event.name, else otel.log; level: severity number,
//                          else its text; msg: body; data: attributes, resource, scope, IDs
//   span        -> event   otel.span at its start; msg: name; level error if it failed, else debug
//   data point  -> nothing: it is counted, unless it is one of Claude Code's cost
//
// Records of Claude Code go by ClaudeNormaliser instead, with a note on their turn.
//
// A claimed record's type is otel.log, whatever it names, and its data begin with "claimed":true.
// The request ID is the attribute picortex.request_id of record or resource, else a trace ID that
// is a UUID of version 7. The same record makes an event with the same id.
class OtlpEvents final : public OtlpReceiver {
 public:
  // From now on the records' events go to `batch`.
  void begin(const TelemetryContext& context, TelemetryBatch& batch);

  void on_log(const OtlpOrigin& origin, const OtlpLogRecord& record) override;
  void on_span(const OtlpOrigin& origin, const OtlpSpan& span) override;
  void on_point(const OtlpOrigin& origin, const OtlpPoint& point) override;

  // Since begin(): all records, and those that are not stored since their time lies outside of what
  // is kept.
  std::size_t records() const noexcept { return records_; }
  std::size_t rejected() const noexcept { return rejected_; }

 private:
  bool accepts(std::int64_t time_ms);
  std::string_view choose_type(const OtlpLogRecord& record);
  // None: nothing in the record names one.
  std::optional<Uuid> named_request(const OtlpOrigin& origin, const OtlpAttributes& attributes,
                                    const OtlpTraceId& trace_id, std::int64_t time_ms) const;
  std::string_view choose_chat(const OtlpOrigin& origin, const OtlpAttributes& attributes) const;
  void begin_data();
  void append_member(std::string_view name, const OtlpValue& value);
  void append_text(std::string_view name, std::string_view text);
  void append_attributes(const OtlpAttributes& attributes);
  void append_origin(const OtlpOrigin& origin);
  void add_claude(const OtlpOrigin& origin, const OtlpAttributes& attributes,
                  const OtlpTraceId& trace_id, std::int64_t time_ms,
                  const ClaudeNormaliser::Normalised& normalised);
  void note_dropped(const TurnNote& note);
  void take_dropped(TurnNote& note);
  void add(Event event, std::uint64_t time_ns);

  TelemetryContext context_;
  TelemetryBatch* batch_ = nullptr;
  std::size_t records_ = 0;
  std::size_t rejected_ = 0;
  // The numbers of a process's records that are not kept, until an event of it takes them along.
  struct Dropped {
    Uuid owner;
    std::vector<std::uint32_t> numbers;
  };

  ClaudeNormaliser claude_;
  std::deque<Dropped> dropped_;
  std::string msg_;
  std::string data_;
  std::string name_;                              // of which the id is made
  std::unordered_set<std::string_view> written_;  // names in data_
};

}  // namespace picortex
