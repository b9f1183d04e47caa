#include "handlers/ingest/otlp/otlp_protobuf.h"

#include <cstring>
#include <protozero/pbf_reader.hpp>
#include <string>

#include "base/json/json_text.h"
#include "base/text.h"

// The field numbers are those of opentelemetry-proto: collector/*/v1/*_service.proto, logs.proto,
// trace.proto, metrics.proto and common.proto.

namespace picortex {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

// A body that is protobuf, but beyond a bound, or not what OTLP says.
struct Undecodable {
  const char* what;
};

std::string_view view_of(pbf_reader& message) {
  const protozero::data_view view = message.get_view();
  return {view.data(), view.size()};
}

// Whether the current field has the number and the wire type; another type under a known number is
// skipped, as an unknown field is.
bool is_field(const pbf_reader& message, protozero::pbf_tag_type tag, pbf_wire_type type) noexcept {
  return message.tag() == tag && message.wire_type() == type;
}
bool is_bytes(const pbf_reader& message, protozero::pbf_tag_type tag) noexcept {
  return is_field(message, tag, pbf_wire_type::length_delimited);
}
bool is_fixed64(const pbf_reader& message, protozero::pbf_tag_type tag) noexcept {
  return is_field(message, tag, pbf_wire_type::fixed64);
}
bool is_varint(const pbf_reader& message, protozero::pbf_tag_type tag) noexcept {
  return is_field(message, tag, pbf_wire_type::varint);
}

template <std::size_t Size>
void read_id(pbf_reader& message, std::array<std::uint8_t, Size>& id) {
  const std::string_view bytes = view_of(message);
  id = {};
  if (bytes.empty()) return;
  if (bytes.size() != Size) throw Undecodable{"A trace or span ID has a wrong length"};
  std::memcpy(id.data(), bytes.data(), Size);
}

OtlpValue read_value(pbf_reader message, OtlpTexts& texts, int depth);

std::string list_text(pbf_reader list, OtlpTexts& texts, int depth) {
  std::string out = "[";
  while (list.next()) {
    if (!is_bytes(list, 1)) {
      list.skip();
      continue;
    }
    const OtlpValue item = read_value(list.get_message(), texts, depth + 1);
    if (out.size() > kOtlpTextSizeMax) continue;
    if (out.size() > 1) out += ',';
    append_otlp_json(out, item, kOtlpTextSizeMax);
  }
  return out + ']';
}

std::pair<std::string_view, OtlpValue> read_pair(pbf_reader pair, OtlpTexts& texts, int depth) {
  std::pair<std::string_view, OtlpValue> read;
  while (pair.next()) {
    if (is_bytes(pair, 1)) {
      read.first = view_of(pair);
    } else if (is_bytes(pair, 2)) {
      read.second = read_value(pair.get_message(), texts, depth);
    } else {
      pair.skip();
    }
  }
  return read;
}

std::string map_text(pbf_reader map, OtlpTexts& texts, int depth) {
  std::string out = "{";
  while (map.next()) {
    if (!is_bytes(map, 1)) {
      map.skip();
      continue;
    }
    const auto [key, value] = read_pair(map.get_message(), texts, depth + 1);
    if (out.size() > kOtlpTextSizeMax) continue;
    if (out.size() > 1) out += ',';
    append_json_string(out, cut_to(key, kOtlpTextSizeMax));
    out += ':';
    append_otlp_json(out, value, kOtlpTextSizeMax);
  }
  return out + '}';
}

// Base64 (RFC 4648, section 4), as the JSON encoding has it.
std::string bytes_text(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out = "\"";
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out += i + j <= bytes.size() ? kDigits[(group >> (18 - 6 * j)) & 63] : '=';
    }
  }
  return out + '"';
}

// AnyValue; of several members the last one counts.
OtlpValue read_value(pbf_reader message, OtlpTexts& texts, int depth) {
  if (depth > kOtlpDepthMax) throw Undecodable{"A value is nested more than 8 levels deep"};
  OtlpValue value;
  while (message.next()) {
    if (is_bytes(message, 1)) {
      value.kind = OtlpValue::Kind::text;
      value.text = view_of(message);
    } else if (is_varint(message, 2)) {
      value.kind = OtlpValue::Kind::truth;
      value.truth = message.get_bool();
    } else if (is_varint(message, 3)) {
      value.kind = OtlpValue::Kind::integer;
      value.integer = message.get_int64();
    } else if (is_fixed64(message, 4)) {
      value.kind = OtlpValue::Kind::real;
      value.real = message.get_double();
    } else if (is_bytes(message, 5)) {
      value.kind = OtlpValue::Kind::json;
      value.text = texts.keep(list_text(message.get_message(), texts, depth));
    } else if (is_bytes(message, 6)) {
      value.kind = OtlpValue::Kind::json;
      value.text = texts.keep(map_text(message.get_message(), texts, depth));
    } else if (is_bytes(message, 7)) {
      value.kind = OtlpValue::Kind::json;
      value.text = texts.keep(bytes_text(view_of(message).substr(0, kOtlpTextSizeMax)));
    } else {
      message.skip();
    }
  }
  return value;
}

void add_attribute(pbf_reader& message, OtlpAttributes& attributes, OtlpTexts& texts) {
  if (attributes.size() == kOtlpAttributesMax) {
    throw Undecodable{"A record has over 256 attributes"};
  }
  const auto [key, value] = read_pair(message.get_message(), texts, 0);
  attributes.add(key, value);
}

}  // namespace

Result<void> OtlpProtobufDecoder::decode(OtlpSignal signal, std::string_view body,
                                         OtlpReceiver& receiver) {
  receiver_ = &receiver;
  records_ = 0;
  Result<void> outcome;
  try {
    Message message(body.data(), body.size());
    while (message.next()) {
      if (is_bytes(message, 1)) {
        read_resource(message.get_message(), signal);
      } else {
        message.skip();
      }
    }
  } catch (const protozero::exception& error) {
    outcome = failure(std::string("The body is not valid protobuf: ") + error.what());
  } catch (const Undecodable& error) {
    outcome = failure(error.what);
  }
  record_texts_.clear();
  origin_texts_.clear();
  return outcome;
}

// The resource counts for all scopes of its group, wherever it stands in it.
void OtlpProtobufDecoder::read_resource(Message group, OtlpSignal signal) {
  origin_texts_.clear();
  origin_.resource.clear();
  for (Message look = group; look.next();) {
    if (!is_bytes(look, 1)) {
      look.skip();
      continue;
    }
    for (Message resource = look.get_message(); resource.next();) {
      if (is_bytes(resource, 1)) {
        add_attribute(resource, origin_.resource, origin_texts_);
      } else {
        resource.skip();
      }
    }
  }
  while (group.next()) {
    if (is_bytes(group, 2)) {
      read_scope(group.get_message(), signal);
    } else {
      group.skip();
    }
  }
}

void OtlpProtobufDecoder::read_scope(Message scope, OtlpSignal signal) {
  origin_.scope_name = origin_.scope_version = {};
  for (Message look = scope; look.next();) {
    if (!is_bytes(look, 1)) {
      look.skip();
      continue;
    }
    for (Message library = look.get_message(); library.next();) {
      if (is_bytes(library, 1)) {
        origin_.scope_name = view_of(library);
      } else if (is_bytes(library, 2)) {
        origin_.scope_version = view_of(library);
      } else {
        library.skip();
      }
    }
  }
  while (scope.next()) {
    if (!is_bytes(scope, 2)) {
      scope.skip();
    } else if (signal == OtlpSignal::logs) {
      read_log(scope.get_message());
    } else if (signal == OtlpSignal::traces) {
      read_span(scope.get_message());
    } else {
      read_metric(scope.get_message());
    }
  }
}

void OtlpProtobufDecoder::begin_record() {
  if (++records_ > kOtlpRecordsMax) throw Undecodable{"The body has over 10000 records"};
  record_texts_.clear();
}

void OtlpProtobufDecoder::read_log(Message message) {
  begin_record();
  OtlpAttributes attributes = std::move(log_.attributes);
  attributes.clear();
  log_ = {};
  log_.attributes = std::move(attributes);
  while (message.next()) {
    if (is_fixed64(message, 1)) {
      log_.time_ns = message.get_fixed64();
    } else if (is_varint(message, 2)) {
      log_.severity = message.get_int32();
    } else if (is_bytes(message, 3)) {
      log_.severity_text = view_of(message);
    } else if (is_bytes(message, 5)) {
      log_.body = read_value(message.get_message(), record_texts_, 0);
    } else if (is_bytes(message, 6)) {
      add_attribute(message, log_.attributes, record_texts_);
    } else if (is_bytes(message, 9)) {
      read_id(message, log_.trace_id);
    } else if (is_bytes(message, 10)) {
      read_id(message, log_.span_id);
    } else if (is_fixed64(message, 11)) {
      log_.observed_ns = message.get_fixed64();
    } else if (is_bytes(message, 12)) {
      log_.event_name = view_of(message);
    } else {
      message.skip();
    }
  }
  receiver_->on_log(origin_, log_);
}

void OtlpProtobufDecoder::read_span(Message message) {
  begin_record();
  OtlpAttributes attributes = std::move(span_.attributes);
  attributes.clear();
  span_ = {};
  span_.attributes = std::move(attributes);
  while (message.next()) {
    if (is_bytes(message, 1)) {
      read_id(message, span_.trace_id);
    } else if (is_bytes(message, 2)) {
      read_id(message, span_.span_id);
    } else if (is_bytes(message, 4)) {
      read_id(message, span_.parent_span_id);
    } else if (is_bytes(message, 5)) {
      span_.name = view_of(message);
    } else if (is_varint(message, 6)) {
      span_.kind = message.get_int32();
    } else if (is_fixed64(message, 7)) {
      span_.start_ns = message.get_fixed64();
    } else if (is_fixed64(message, 8)) {
      span_.end_ns = message.get_fixed64();
    } else if (is_bytes(message, 9)) {
      add_attribute(message, span_.attributes, record_texts_);
    } else if (is_bytes(message, 15)) {
      for (Message status = message.get_message(); status.next();) {
        if (is_bytes(status, 2)) {
          span_.status_message = view_of(status);
        } else if (is_varint(status, 3)) {
          span_.status = status.get_int32();
        } else {
          status.skip();
        }
      }
    } else {
      span_.event_count += is_bytes(message, 11);
      message.skip();
    }
  }
  receiver_->on_span(origin_, span_);
}

void OtlpProtobufDecoder::read_metric(Message message) {
  point_.metric = point_.unit = {};
  for (Message look = message; look.next();) {
    if (is_bytes(look, 1)) {
      point_.metric = view_of(look);
    } else if (is_bytes(look, 3)) {
      point_.unit = view_of(look);
    } else {
      look.skip();
    }
  }
  while (message.next()) {
    point_.is_sum = is_bytes(message, 7);
    point_.is_delta = false;
    const bool is_number = point_.is_sum || is_bytes(message, 5);
    const bool is_other = is_bytes(message, 9) || is_bytes(message, 10) || is_bytes(message, 11);
    if (is_number || is_other) {
      read_points(message.get_message(), is_number);
    } else {
      message.skip();
    }
  }
}

void OtlpProtobufDecoder::read_points(Message list, bool is_number) {
  for (Message look = list; look.next();) {
    if (point_.is_sum && is_varint(look, 2)) {
      point_.is_delta = look.get_int32() == 1;
    } else {
      look.skip();
    }
  }
  while (list.next()) {
    if (is_bytes(list, 1)) {
      read_point(list.get_message(), is_number);
    } else {
      list.skip();
    }
  }
}

void OtlpProtobufDecoder::read_point(Message message, bool is_number) {
  begin_record();
  point_.attributes.clear();
  point_.start_ns = point_.time_ns = 0;
  point_.value.reset();
  while (message.next()) {
    if (is_fixed64(message, 2)) {
      point_.start_ns = message.get_fixed64();
    } else if (is_fixed64(message, 3)) {
      point_.time_ns = message.get_fixed64();
    } else if (is_number && is_fixed64(message, 4)) {
      point_.value = message.get_double();
    } else if (is_number && is_fixed64(message, 6)) {
      point_.value = static_cast<double>(message.get_sfixed64());
    } else if (is_number && is_bytes(message, 7)) {
      add_attribute(message, point_.attributes, record_texts_);
    } else {
      message.skip();
    }
  }
  receiver_->on_point(origin_, point_);
}

}  // namespace picortex
