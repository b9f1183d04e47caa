#include "ship/encode/otlp_encoder.h"

#include <simdjson.h>

#include <exception>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>
#include <span>

#include "base/version.h"

// The field numbers are those of opentelemetry-proto: collector/logs/v1/logs_service.proto,
// logs.proto, resource.proto and common.proto.

namespace picortex {
namespace {

using protozero::pbf_writer;
using simdjson::dom::element;
using simdjson::dom::element_type;

protozero::data_view view_of(std::string_view text) noexcept { return {text.data(), text.size()}; }

std::span<const char> bytes_of(const Uuid& id) noexcept {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

void write_value(pbf_writer& parent, protozero::pbf_tag_type tag, const element& json);

void write_pair(pbf_writer& parent, protozero::pbf_tag_type tag, std::string_view key,
                const element& json) {
  pbf_writer pair(parent, tag);
  pair.add_string(1, view_of(key));
  write_value(pair, 2, json);
}

void write_text_pair(pbf_writer& parent, protozero::pbf_tag_type tag, std::string_view key,
                     std::string_view text) {
  pbf_writer pair(parent, tag);
  pair.add_string(1, view_of(key));
  pbf_writer value(pair, 2);
  value.add_string(1, view_of(text));
}

// The list of an array or an object. A writer leaves out a message that nothing was written to.
template <class List, class Write>
void write_list(pbf_writer& value, protozero::pbf_tag_type tag, const List& list, Write write) {
  if (list.begin() == list.end()) return value.add_message(tag, view_of({}));
  pbf_writer message(value, tag);
  for (const auto each : list) write(message, each);
}

// AnyValue; of a null one that has no value. The document's depth is bounded.
void write_value(pbf_writer& parent, protozero::pbf_tag_type tag, const element& json) {
  if (json.is_null()) return parent.add_message(tag, view_of({}));
  pbf_writer value(parent, tag);
  switch (json.type()) {
    case element_type::STRING:
      return value.add_string(1, view_of(std::string_view(json)));
    case element_type::BOOL:
      return value.add_bool(2, bool(json));
    case element_type::INT64:
      return value.add_int64(3, std::int64_t(json));
    case element_type::UINT64:
      return value.add_double(4, static_cast<double>(std::uint64_t(json)));
    case element_type::DOUBLE:
      return value.add_double(4, double(json));
    case element_type::ARRAY:
      return write_list(value, 5, simdjson::dom::array(json),
                        [](pbf_writer& list, const element& each) { write_value(list, 1, each); });
    case element_type::OBJECT:
      return write_list(value, 6, simdjson::dom::object(json),
                        [](pbf_writer& list, const simdjson::dom::key_value_pair& each) {
                          write_pair(list, 1, each.key, each.value);
                        });
    case element_type::NULL_VALUE:
      return;
  }
}

}  // namespace

int otlp_severity(Level level) noexcept {
  switch (level) {
    case Level::trace:
      return 1;
    case Level::debug:
      return 5;
    case Level::info:
      return 9;
    case Level::warn:
      return 13;
    case Level::error:
      return 17;
    case Level::fatal:
      return 21;
  }
  return 0;
}

OtlpEncoder::OtlpEncoder(std::string host) {
  pbf_writer resource(resource_);
  write_text_pair(resource, 1, "host.name", host);
  write_text_pair(resource, 1, "service.name", "picortex");
  pbf_writer scope(scope_);
  scope.add_string(1, "picortex");
  scope.add_string(2, view_of(kVersion));
}

void OtlpEncoder::append(std::string& out, const EventRow& row) {
  constexpr std::uint64_t kNanosecondsPerMs = 1'000'000;
  record_.clear();
  pbf_writer record(record_);
  const auto time_ns = static_cast<std::uint64_t>(row.time_ms) * kNanosecondsPerMs;
  record.add_fixed64(1, time_ns);
  record.add_enum(2, otlp_severity(row.level));
  record.add_string(3, view_of(level_label(row.level)));
  {
    pbf_writer body(record, 5);
    body.add_string(1, view_of(row.msg));
  }
  write_text_pair(record, 6, "picortex.event_id", to_string(row.id));
  if (!row.chat_id.empty()) write_text_pair(record, 6, "chat_id", row.chat_id);
  if (check_.is_object(row.data)) {
    for (const auto [key, value] : simdjson::dom::object(check_.document().root())) {
      // Attributes have one value a name.
      if (key != "picortex.event_id" && key != "chat_id") write_pair(record, 6, key, value);
    }
  } else if (!row.data.empty()) {
    write_text_pair(record, 6, "data", row.data);
  }
  if (!row.request_id.is_nil()) {
    const auto id = bytes_of(row.request_id);
    record.add_bytes(9, id.data(), id.size());
  }
  record.add_fixed64(11, time_ns);
  record.add_string(12, view_of(row.event_type));
  // As a member of ScopeLogs: a request is made of these by what stands before them alone.
  pbf_writer(out).add_message(2, record_);
}

std::string_view OtlpEncoder::body(std::string_view records, std::string& scratch) const {
  std::string scope_logs;
  scope_logs.reserve(records.size() + scope_.size() + 16);
  pbf_writer(scope_logs).add_message(1, scope_);
  scope_logs += records;
  std::string resource_logs;
  resource_logs.reserve(scope_logs.size() + resource_.size() + 32);
  pbf_writer writer(resource_logs);
  writer.add_message(1, resource_);
  writer.add_message(2, scope_logs);
  scratch.clear();
  scratch.reserve(resource_logs.size() + 16);
  pbf_writer(scratch).add_message(1, resource_logs);
  return scratch;
}

OtlpPartialSuccess read_otlp_answer(std::string_view body) noexcept {
  OtlpPartialSuccess answer;
  try {
    protozero::pbf_reader response(view_of(body));
    while (response.next(1, protozero::pbf_wire_type::length_delimited)) {
      protozero::pbf_reader partial = response.get_message();
      while (partial.next()) {
        if (partial.tag_and_type() ==
            protozero::tag_and_type(1, protozero::pbf_wire_type::varint)) {
          answer.rejected = partial.get_int64();
        } else if (partial.tag_and_type() ==
                   protozero::tag_and_type(2, protozero::pbf_wire_type::length_delimited)) {
          answer.message = partial.get_string();
        } else {
          partial.skip();
        }
      }
    }
  } catch (const std::exception&) {  // not what OTLP answers: the status alone counts
    return {};
  }
  return answer;
}

}  // namespace picortex
