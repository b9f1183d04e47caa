#include "handlers/ingest/otlp/otlp_json.h"

#include "handlers/ingest/otlp/otlp_json_value.h"

namespace picortex {
namespace {

using namespace otlp_json;

struct Names {
  std::string_view resources, scopes, records;
};

Names names_of(OtlpSignal signal) noexcept {
  switch (signal) {
    case OtlpSignal::logs:
      return {"resourceLogs", "scopeLogs", "logRecords"};
    case OtlpSignal::traces:
      return {"resourceSpans", "scopeSpans", "spans"};
    case OtlpSignal::metrics:
      break;
  }
  return {"resourceMetrics", "scopeMetrics", "metrics"};
}

}  // namespace

Result<void> OtlpJsonDecoder::decode(OtlpSignal signal, const Element& root,
                                     OtlpReceiver& receiver) {
  receiver_ = &receiver;
  records_ = 0;
  auto body = object_of(root, "The body");
  if (!body) return std::unexpected(body.error());
  auto done = for_each(*body, names_of(signal).resources,
                       [&](const Element& group) { return read_resource(group, signal); });
  record_texts_.clear();
  origin_texts_.clear();
  return done;
}

Result<void> OtlpJsonDecoder::read_resource(const Element& group_value, OtlpSignal signal) {
  const Names names = names_of(signal);
  auto group = object_of(group_value, names.resources);
  if (!group) return std::unexpected(group.error());
  origin_texts_.clear();
  origin_.resource.clear();
  if (const auto resource = member(*group, "resource")) {
    auto parent = object_of(*resource, "resource");
    if (!parent) return std::unexpected(parent.error());
    TRY(read_attributes(*parent, origin_.resource, origin_texts_));
  }
  return for_each(*group, names.scopes,
                  [&](const Element& scope) { return read_scope(scope, signal); });
}

Result<void> OtlpJsonDecoder::read_scope(const Element& scope_value, OtlpSignal signal) {
  const Names names = names_of(signal);
  auto scope = object_of(scope_value, names.scopes);
  if (!scope) return std::unexpected(scope.error());
  origin_.scope_name = origin_.scope_version = {};
  if (const auto library = member(*scope, "scope")) {
    auto parent = object_of(*library, "scope");
    if (!parent) return std::unexpected(parent.error());
    TRY(read_text(*parent, "name", origin_.scope_name));
    TRY(read_text(*parent, "version", origin_.scope_version));
  }
  return for_each(*scope, names.records, [&](const Element& record) {
    if (signal == OtlpSignal::logs) return read_log(record);
    return signal == OtlpSignal::traces ? read_span(record) : read_metric(record);
  });
}

Result<void> OtlpJsonDecoder::begin_record() {
  if (++records_ > kOtlpRecordsMax) return failure("The body has over 10000 records");
  record_texts_.clear();
  return {};
}

Result<void> OtlpJsonDecoder::read_log(const Element& value) {
  TRY(begin_record());
  auto record = object_of(value, "logRecords");
  if (!record) return std::unexpected(record.error());
  log_.body = {};
  auto read = read_time(*record, "timeUnixNano", log_.time_ns);
  if (read) read = read_time(*record, "observedTimeUnixNano", log_.observed_ns);
  if (read) read = read_integer(*record, "severityNumber", log_.severity);
  if (read) read = read_text(*record, "severityText", log_.severity_text);
  if (read) read = read_text(*record, "eventName", log_.event_name);
  if (read) read = read_id(*record, "traceId", log_.trace_id);
  if (read) read = read_id(*record, "spanId", log_.span_id);
  if (read) read = read_attributes(*record, log_.attributes, record_texts_);
  if (const auto body = member(*record, "body"); read && body) {
    read = read_value(*body, log_.body, record_texts_);
  }
  if (read) receiver_->on_log(origin_, log_);
  return read;
}

Result<void> OtlpJsonDecoder::read_span(const Element& value) {
  TRY(begin_record());
  auto span = object_of(value, "spans");
  if (!span) return std::unexpected(span.error());
  auto read = read_id(*span, "traceId", span_.trace_id);
  if (read) read = read_id(*span, "spanId", span_.span_id);
  if (read) read = read_id(*span, "parentSpanId", span_.parent_span_id);
  if (read) read = read_text(*span, "name", span_.name);
  if (read) read = read_integer(*span, "kind", span_.kind);
  if (read) read = read_time(*span, "startTimeUnixNano", span_.start_ns);
  if (read) read = read_time(*span, "endTimeUnixNano", span_.end_ns);
  if (read) read = read_attributes(*span, span_.attributes, record_texts_);
  span_.event_count = 0;
  if (read) {
    read = for_each(*span, "events", [this](const Element&) -> Result<void> {
      ++span_.event_count;
      return {};
    });
  }
  span_.status = 0;
  span_.status_message = {};
  if (const auto status = member(*span, "status"); read && status) {
    auto parent = object_of(*status, "status");
    if (!parent) return std::unexpected(parent.error());
    read = read_integer(*parent, "code", span_.status);
    if (read) read = read_text(*parent, "message", span_.status_message);
  }
  if (read) receiver_->on_span(origin_, span_);
  return read;
}

Result<void> OtlpJsonDecoder::read_metric(const Element& value) {
  auto metric = object_of(value, "metrics");
  if (!metric) return std::unexpected(metric.error());
  TRY(read_text(*metric, "name", point_.metric));
  TRY(read_text(*metric, "unit", point_.unit));
  point_.is_sum = point_.is_delta = false;
  if (const auto sum = member(*metric, "sum")) {
    auto parent = object_of(*sum, "sum");
    if (!parent) return std::unexpected(parent.error());
    std::int64_t temporality = 0;
    if (auto read = read_integer(*parent, "aggregationTemporality", temporality); !read) {
      return read;
    }
    point_.is_sum = true;
    point_.is_delta = temporality == 1;
    return read_points(*sum, true);
  }
  if (const auto gauge = member(*metric, "gauge")) return read_points(*gauge, true);
  for (const std::string_view name : {"histogram", "exponentialHistogram", "summary"}) {
    if (const auto list = member(*metric, name)) return read_points(*list, false);
  }
  return {};
}

Result<void> OtlpJsonDecoder::read_points(const Element& list, bool is_number) {
  auto parent = object_of(list, "dataPoints");
  if (!parent) return std::unexpected(parent.error());
  return for_each(*parent, "dataPoints",
                  [&](const Element& point) { return read_point(point, is_number); });
}

Result<void> OtlpJsonDecoder::read_point(const Element& value, bool is_number) {
  TRY(begin_record());
  auto point = object_of(value, "dataPoints");
  if (!point) return std::unexpected(point.error());
  auto read = read_time(*point, "startTimeUnixNano", point_.start_ns);
  if (read) read = read_time(*point, "timeUnixNano", point_.time_ns);
  if (read) read = read_attributes(*point, point_.attributes, record_texts_);
  if (!read) return read;
  point_.value.reset();
  if (const auto real = member(*point, "asDouble"); is_number && real) {
    point_.value = real_of(*real);
    if (!point_.value) return wrong("asDouble", "a number");
  } else if (const auto integer = member(*point, "asInt"); is_number && integer) {
    const auto number = integer_of(*integer);
    if (!number) return wrong("asInt", "a whole number");
    point_.value = static_cast<double>(*number);
  }
  receiver_->on_point(origin_, point_);
  return {};
}

}  // namespace picortex
