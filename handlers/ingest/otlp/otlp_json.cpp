#include "handlers/ingest/otlp/otlp_json.h"

#include <simdjson.h>

#include <limits>
#include <optional>
#include <string>

#include "base/json/json_text.h"
#include "base/parse.h"
#include "base/text.h"

namespace picortex {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

std::unexpected<Error> wrong(std::string_view name, std::string_view wanted) {
  return failure(std::string(name) + " is not " + std::string(wanted));
}

// The member; none when it is missing or null.
std::optional<element> member(const object& parent, std::string_view name) noexcept {
  element value;
  if (parent[name].get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
  return value;
}

Result<object> object_of(const element& value, std::string_view name) {
  object found;
  if (value.get(found) != simdjson::SUCCESS) return wrong(name, "an object");
  return found;
}

// Calls `use` with each element of the array `name`; a missing one is empty.
template <class Use>
Result<void> for_each(const object& parent, std::string_view name, Use use) {
  const auto value = member(parent, name);
  if (!value) return {};
  array list;
  if (value->get(list) != simdjson::SUCCESS) return wrong(name, "an array");
  for (const element each : list) {
    if (auto done = use(each); !done) return done;
  }
  return {};
}

Result<void> read_text(const object& parent, std::string_view name, std::string_view& text) {
  text = {};
  const auto value = member(parent, name);
  if (value && value->get(text) != simdjson::SUCCESS) return wrong(name, "a string");
  return {};
}

std::optional<std::int64_t> integer_of(const element& value) noexcept {
  std::int64_t number = 0;
  if (value.get(number) == simdjson::SUCCESS) return number;
  double real = 0;
  // 2^63 is the first that does not fit.
  if (value.is_double() && value.get(real) == simdjson::SUCCESS && real >= -9.2e18 &&
      real <= 9.2e18) {
    return static_cast<std::int64_t>(real);
  }
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return std::nullopt;
  return parse_whole<std::int64_t>(text);
}

Result<void> read_integer(const object& parent, std::string_view name, std::int64_t& number) {
  number = 0;
  const auto value = member(parent, name);
  if (!value) return {};
  const auto read = integer_of(*value);
  if (!read) return wrong(name, "a whole number");
  number = *read;
  return {};
}

Result<void> read_time(const object& parent, std::string_view name, std::uint64_t& time_ns) {
  std::int64_t number = 0;
  if (auto read = read_integer(parent, name, number); !read) return read;
  if (number < 0) return wrong(name, "a time since 1970");
  time_ns = static_cast<std::uint64_t>(number);
  return {};
}

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

template <std::size_t Size>
Result<void> read_id(const object& parent, std::string_view name,
                     std::array<std::uint8_t, Size>& id) {
  id = {};
  std::string_view text;
  if (auto read = read_text(parent, name, text); !read) return read;
  if (text.empty()) return {};
  if (text.size() != 2 * Size) return wrong(name, "as many hex digits as it should have");
  for (std::size_t i = 0; i < Size; ++i) {
    const int high = hex_value(text[2 * i]);
    const int low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return wrong(name, "hex digits");
    id[i] = static_cast<std::uint8_t>(16 * high + low);
  }
  return {};
}

// A double, which may be spelt "NaN", "Infinity" or as a text.
std::optional<double> real_of(const element& value) noexcept {
  double number = 0;
  if (value.is_number() && value.get(number) == simdjson::SUCCESS) return number;
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return std::nullopt;
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  return parse_real(text);
}

Result<void> read_value(const element& any, OtlpValue& value, OtlpTexts& texts, int depth);

Result<void> append_list(std::string& out, const element& list, OtlpTexts& texts, int depth) {
  auto parent = object_of(list, "arrayValue");
  if (!parent) return std::unexpected(parent.error());
  out += '[';
  auto done = for_each(*parent, "values", [&](const element& each) -> Result<void> {
    OtlpValue item;
    if (auto read = read_value(each, item, texts, depth + 1); !read) return read;
    if (out.size() > kOtlpTextSizeMax) return {};
    if (out.back() != '[') out += ',';
    append_otlp_json(out, item, kOtlpTextSizeMax);
    return {};
  });
  out += ']';
  return done;
}

Result<void> append_map(std::string& out, const element& list, OtlpTexts& texts, int depth) {
  auto parent = object_of(list, "kvlistValue");
  if (!parent) return std::unexpected(parent.error());
  out += '{';
  auto done = for_each(*parent, "values", [&](const element& each) -> Result<void> {
    auto pair = object_of(each, "values");
    if (!pair) return std::unexpected(pair.error());
    std::string_view key;
    if (auto read = read_text(*pair, "key", key); !read) return read;
    OtlpValue item;
    if (const auto any = member(*pair, "value")) {
      if (auto read = read_value(*any, item, texts, depth + 1); !read) return read;
    }
    if (out.size() > kOtlpTextSizeMax) return {};
    if (out.back() != '{') out += ',';
    append_json_string(out, cut_to(key, kOtlpTextSizeMax));
    out += ':';
    append_otlp_json(out, item, kOtlpTextSizeMax);
    return {};
  });
  out += '}';
  return done;
}

Result<void> read_compound(const object& any, OtlpValue& value, OtlpTexts& texts, int depth) {
  std::string text;
  if (const auto list = member(any, "arrayValue")) {
    if (auto done = append_list(text, *list, texts, depth); !done) return done;
  } else if (const auto map = member(any, "kvlistValue")) {
    if (auto done = append_map(text, *map, texts, depth); !done) return done;
  } else if (const auto bytes = member(any, "bytesValue")) {
    std::string_view base64;
    if (bytes->get(base64) != simdjson::SUCCESS) return wrong("bytesValue", "a string");
    append_json_string(text, cut_to(base64, kOtlpTextSizeMax));
  } else {
    return {};
  }
  value.kind = OtlpValue::Kind::json;
  value.text = texts.keep(std::move(text));
  return {};
}

// AnyValue. Without a member that is known it stays `none`.
Result<void> read_value(const element& any_value, OtlpValue& value, OtlpTexts& texts, int depth) {
  if (depth > kOtlpDepthMax) return failure("A value is nested more than 8 levels deep");
  auto any = object_of(any_value, "value");
  if (!any) return std::unexpected(any.error());
  if (const auto text = member(*any, "stringValue")) {
    if (text->get(value.text) != simdjson::SUCCESS) return wrong("stringValue", "a string");
    value.kind = OtlpValue::Kind::text;
  } else if (const auto truth = member(*any, "boolValue")) {
    if (truth->get(value.truth) != simdjson::SUCCESS) return wrong("boolValue", "true or false");
    value.kind = OtlpValue::Kind::truth;
  } else if (const auto integer = member(*any, "intValue")) {
    const auto number = integer_of(*integer);
    if (!number) return wrong("intValue", "a whole number");
    value.integer = *number;
    value.kind = OtlpValue::Kind::integer;
  } else if (const auto real = member(*any, "doubleValue")) {
    const auto number = real_of(*real);
    if (!number) return wrong("doubleValue", "a number");
    value.real = *number;
    value.kind = OtlpValue::Kind::real;
  } else {
    return read_compound(*any, value, texts, depth);
  }
  return {};
}

Result<void> read_attributes(const object& parent, OtlpAttributes& attributes, OtlpTexts& texts) {
  attributes.clear();
  return for_each(parent, "attributes", [&](const element& each) -> Result<void> {
    if (attributes.size() == kOtlpAttributesMax) return failure("A record has over 256 attributes");
    auto pair = object_of(each, "attributes");
    if (!pair) return std::unexpected(pair.error());
    std::string_view key;
    if (auto read = read_text(*pair, "key", key); !read) return read;
    OtlpValue value;
    if (const auto any = member(*pair, "value")) {
      if (auto read = read_value(*any, value, texts, 0); !read) return read;
    }
    attributes.add(key, value);
    return {};
  });
}

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
    if (auto read = read_attributes(*parent, origin_.resource, origin_texts_); !read) return read;
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
    if (auto read = read_text(*parent, "name", origin_.scope_name); !read) return read;
    if (auto read = read_text(*parent, "version", origin_.scope_version); !read) return read;
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
  if (auto begun = begin_record(); !begun) return begun;
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
    read = read_value(*body, log_.body, record_texts_, 0);
  }
  if (read) receiver_->on_log(origin_, log_);
  return read;
}

Result<void> OtlpJsonDecoder::read_span(const Element& value) {
  if (auto begun = begin_record(); !begun) return begun;
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
  if (auto read = read_text(*metric, "name", point_.metric); !read) return read;
  if (auto read = read_text(*metric, "unit", point_.unit); !read) return read;
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
  if (auto begun = begin_record(); !begun) return begun;
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
