#include "handlers/ingest/otlp/otlp_events.h"

#include <simdjson.h>

#include <algorithm>
#include <array>

#include "base/json/json_text.h"
#include "base/text.h"
#include "handlers/ingest/name_based_uuid.h"

namespace picortex {
namespace {

constexpr std::string_view kLogType = "otel.log";
constexpr std::string_view kSpanType = "otel.span";
constexpr std::uint64_t kNsPerMs = 1'000'000;
// A resource is repeated with each of its records: of a large one the rest is left out.
constexpr std::size_t kResourceSizeMax = 4096;
constexpr std::size_t kAttributesSizeMax = 128 * 1024;
constexpr std::size_t kKeySizeMax = 256;

// Members of the data that are not attributes. An attribute of such a name gets a prefix.
constexpr std::array<std::string_view, 12> kOwnNames{
    "claimed",       "resource",   "scope",       "trace_id",  "span_id",        "parent_span_id",
    "severity_text", "event_name", "duration_ms", "span_kind", "status_message", "__proto__"};

std::int64_t ms_of(std::uint64_t time_ns) noexcept {
  return static_cast<std::int64_t>(time_ns / kNsPerMs);
}

bool is_event_type(std::string_view text) noexcept {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return !text.empty() && text.size() <= kEventTypeSizeMax &&
         std::ranges::none_of(text, is_control) &&
         simdjson::validate_utf8(text.data(), text.size());
}

Level level_of(std::int64_t severity, std::string_view text) noexcept {
  constexpr Level kLevels[] = {Level::trace, Level::debug, Level::info,
                               Level::warn,  Level::error, Level::fatal};
  if (severity >= 1 && severity <= 24) return kLevels[(severity - 1) / 4];
  return parse_level_or_alias(text).value_or(Level::info);
}

}  // namespace

void OtlpEvents::begin(const TelemetryContext& context, TelemetryBatch& batch) {
  context_ = context;
  batch_ = &batch;
  batch.clear();
  records_ = rejected_ = 0;
}

bool OtlpEvents::accepts(std::int64_t time_ms) {
  const AcceptedTimes& accepted = context_.accepted;
  const bool is_accepted =
      time_ms >= std::max(accepted.oldest_by_age_ms, accepted.oldest_by_size_ms) &&
      time_ms <= std::min(accepted.newest_ms, kLatestUnixMs);
  rejected_ += !is_accepted;
  return is_accepted;
}

void OtlpEvents::on_log(const OtlpOrigin& origin, const OtlpLogRecord& record) {
  ++records_;
  std::uint64_t time_ns = record.time_ns != 0 ? record.time_ns : record.observed_ns;
  if (time_ns == 0) time_ns = static_cast<std::uint64_t>(context_.now_ms) * kNsPerMs;
  if (!accepts(ms_of(time_ns))) return;
  if (ClaudeNormaliser::is_claude(origin, record)) {
    return add_claude(origin, record.attributes, record.trace_id, ms_of(time_ns),
                      claude_.of_log(origin, record, context_.is_claimed));
  }
  begin_data();
  const std::string_view type = choose_type(record);
  append_attributes(record.attributes);
  append_text("severity_text", record.severity_text);
  if (is_set(record.trace_id)) append_text("trace_id", hex_of(record.trace_id));
  if (is_set(record.span_id)) append_text("span_id", hex_of(record.span_id));
  append_origin(origin);
  msg_.clear();
  if (record.body.kind == OtlpValue::Kind::text) {
    msg_ = cut_to(record.body.text, kOtlpTextSizeMax);
  } else if (record.body.kind != OtlpValue::Kind::none) {
    append_otlp_json(msg_, record.body, kOtlpTextSizeMax);
  }
  add({.time_ms = ms_of(time_ns),
       .level = level_of(record.severity, record.severity_text),
       .event_type = type,
       .chat_id = choose_chat(origin, record.attributes),
       .msg = msg_,
       .data = data_,
       .request_id = named_request(origin, record.attributes, record.trace_id, ms_of(time_ns))
                         .value_or(context_.request_id),
       .id = std::nullopt},
      // A record without a time has that of its arrival, which is not its own.
      record.time_ns != 0 ? record.time_ns : record.observed_ns);
}

void OtlpEvents::on_span(const OtlpOrigin& origin, const OtlpSpan& span) {
  ++records_;
  const std::uint64_t time_ns =
      span.start_ns != 0 ? span.start_ns : static_cast<std::uint64_t>(context_.now_ms) * kNsPerMs;
  if (!accepts(ms_of(time_ns))) return;
  if (ClaudeNormaliser::is_claude(origin)) {
    return add_claude(origin, span.attributes, span.trace_id, ms_of(time_ns),
                      claude_.of_span(origin, span, context_.is_claimed));
  }
  begin_data();
  append_attributes(span.attributes);
  if (span.end_ns >= span.start_ns && span.start_ns != 0) {
    append_member("duration_ms", {.kind = OtlpValue::Kind::integer,
                                  .text = {},
                                  .integer = ms_of(span.end_ns - span.start_ns)});
  }
  append_member("span_kind", {.kind = OtlpValue::Kind::integer, .text = {}, .integer = span.kind});
  append_text("status_message", span.status_message);
  if (is_set(span.trace_id)) append_text("trace_id", hex_of(span.trace_id));
  if (is_set(span.span_id)) append_text("span_id", hex_of(span.span_id));
  if (is_set(span.parent_span_id)) append_text("parent_span_id", hex_of(span.parent_span_id));
  append_origin(origin);
  msg_ = cut_to(span.name, kOtlpTextSizeMax);
  add({.time_ms = ms_of(time_ns),
       .level = span.status == 2 ? Level::error : Level::debug,
       .event_type = kSpanType,
       .chat_id = choose_chat(origin, span.attributes),
       .msg = msg_,
       .data = data_,
       .request_id = named_request(origin, span.attributes, span.trace_id, ms_of(time_ns))
                         .value_or(context_.request_id),
       .id = std::nullopt},
      span.start_ns);
}

void OtlpEvents::on_point(const OtlpOrigin& origin, const OtlpPoint& point) {
  ++records_;
  if (!ClaudeNormaliser::is_claude(origin)) return;
  const std::uint64_t time_ns =
      point.time_ns != 0 ? point.time_ns : static_cast<std::uint64_t>(context_.now_ms) * kNsPerMs;
  const ClaudeNormaliser::Normalised& made = claude_.of_point(origin, point, context_.is_claimed);
  if (!made.is_kept || !accepts(ms_of(time_ns))) return;
  batch_->add({.time_ms = ms_of(time_ns),
               .level = made.level,
               .event_type = made.event_type,
               .chat_id = choose_chat(origin, point.attributes),
               .msg = made.msg,
               .data = made.data,
               .request_id = named_request(origin, point.attributes, {}, ms_of(time_ns))
                                 .value_or(context_.request_id),
               .id = made.id},
              TelemetryBatch::Identity::key);
}

// A name that cannot be the type, or that a claim may not have, stays in the data.
std::string_view OtlpEvents::choose_type(const OtlpLogRecord& record) {
  const std::string_view name =
      record.event_name.empty() ? record.attributes.text("event.name") : record.event_name;
  if (name.empty()) return kLogType;
  if (!context_.is_claimed && is_event_type(name)) return name;
  if (!record.event_name.empty()) append_text("event_name", name);
  return kLogType;
}

std::optional<Uuid> OtlpEvents::named_request(const OtlpOrigin& origin,
                                              const OtlpAttributes& attributes,
                                              const OtlpTraceId& trace_id,
                                              std::int64_t time_ms) const {
  constexpr std::string_view kName = "picortex.request_id";
  for (const OtlpAttributes* each : {&attributes, &origin.resource}) {
    const auto id = parse_uuid(each->text(kName));
    if (id && !id->is_nil()) return *id;
  }
  return request_id_of_trace(trace_id, time_ms);
}

std::string_view OtlpEvents::choose_chat(const OtlpOrigin& origin,
                                         const OtlpAttributes& attributes) const {
  if (!context_.chat.empty()) return context_.chat;
  constexpr std::string_view kName = "picortex.chat_id";
  for (const OtlpAttributes* each : {&attributes, &origin.resource}) {
    const std::string_view chat = each->text(kName);
    if (chat.empty() || chat.size() > kChatIdSizeMax) continue;
    if (simdjson::validate_utf8(chat.data(), chat.size())) return chat;
  }
  return {};
}

void OtlpEvents::begin_data() {
  data_.clear();
  written_.clear();
  if (context_.is_claimed) data_ = R"({"claimed":true)";
}

void OtlpEvents::append_member(std::string_view name, const OtlpValue& value) {
  data_ += data_.empty() ? '{' : ',';
  append_json_string(data_, name);
  data_ += ':';
  append_otlp_json(data_, value, kOtlpTextSizeMax);
}

void OtlpEvents::append_text(std::string_view name, std::string_view text) {
  if (text.empty()) return;
  append_member(name, {.kind = OtlpValue::Kind::text, .text = text});
}

void OtlpEvents::append_attributes(const OtlpAttributes& attributes) {
  const std::size_t begin = data_.size();
  std::size_t left_out = 0;
  for (const OtlpAttribute& attribute : attributes) {
    const std::string_view key = cut_to(attribute.key, kKeySizeMax);
    // Of a name that comes twice the first counts; the SDKs do not send any twice.
    if (!written_.insert(key).second) continue;
    if (data_.size() - begin > kAttributesSizeMax) {
      ++left_out;
      continue;
    }
    if (std::ranges::find(kOwnNames, key) == kOwnNames.end()) {
      append_member(key, attribute.value);
    } else {
      append_member("attribute." + std::string(key), attribute.value);
    }
  }
  if (left_out > 0) {
    append_member("attributes_left_out", {.kind = OtlpValue::Kind::integer,
                                          .text = {},
                                          .integer = static_cast<std::int64_t>(left_out)});
  }
}

void OtlpEvents::append_origin(const OtlpOrigin& origin) {
  if (origin.resource.size() > 0) {
    data_ += data_.empty() ? "{\"resource\":{" : ",\"resource\":{";
    const std::size_t begin = data_.size();
    written_.clear();
    for (const OtlpAttribute& attribute : origin.resource) {
      if (!written_.insert(attribute.key).second || attribute.key == "__proto__") continue;
      const std::size_t size = data_.size();
      if (size != begin) data_ += ',';
      append_json_string(data_, cut_to(attribute.key, kKeySizeMax));
      data_ += ':';
      append_otlp_json(data_, attribute.value, kResourceSizeMax);
      if (data_.size() - begin > kResourceSizeMax) data_.resize(size);
    }
    data_ += '}';
  }
  if (!origin.scope_name.empty()) {
    append_text("scope", cut_to(origin.scope_name, kKeySizeMax));
  }
  if (!data_.empty()) data_ += '}';
}

void OtlpEvents::add_claude(const OtlpOrigin& origin, const OtlpAttributes& attributes,
                            const OtlpTraceId& trace_id, std::int64_t time_ms,
                            const ClaudeNormaliser::Normalised& normalised) {
  if (!normalised.is_kept) return note_dropped(normalised.note);
  TurnNote note = normalised.note;
  take_dropped(note);
  const auto request = named_request(origin, attributes, trace_id, time_ms);
  note.names_request = request.has_value();
  note.is_chat_proved = !context_.is_claimed || !context_.chat.empty();
  Event event{.time_ms = time_ms,
              .level = normalised.level,
              .event_type = normalised.event_type,
              .chat_id = choose_chat(origin, attributes),
              .msg = normalised.msg,
              .data = normalised.data,
              .request_id = request.value_or(context_.request_id),
              .id = normalised.id,
              .turn = &note};
  if (normalised.has_key) return batch_->add(event, TelemetryBatch::Identity::key);
  add(event, static_cast<std::uint64_t>(time_ms) * kNsPerMs);
}

// A hole in the numbers is a record that was lost, unless it was one that is not kept.
void OtlpEvents::note_dropped(const TurnNote& note) {
  constexpr std::size_t kOwnersMax = 64;
  constexpr std::size_t kNumbersMax = 1024;
  const Uuid& owner = note.run.is_nil() ? note.session : note.run;
  if (owner.is_nil() || !note.sequence) return;
  auto found = std::ranges::find(dropped_, owner, &Dropped::owner);
  if (found == dropped_.end()) {
    if (dropped_.size() == kOwnersMax) dropped_.pop_front();
    found = dropped_.insert(dropped_.end(), {owner, {}});
  }
  if (found->numbers.size() < kNumbersMax) found->numbers.push_back(*note.sequence);
}

void OtlpEvents::take_dropped(TurnNote& note) {
  const Uuid& owner = note.run.is_nil() ? note.session : note.run;
  const auto found = std::ranges::find(dropped_, owner, &Dropped::owner);
  if (found == dropped_.end() || !note.sequence) return;
  note.also_seen = std::move(found->numbers);
  dropped_.erase(found);
}

void OtlpEvents::add(Event event, std::uint64_t time_ns) {
  name_ = "otlp ";
  for (const std::string_view part : {event.event_type, event.chat_id, event.msg, event.data}) {
    name_.append(std::to_string(part.size())).append(" ").append(part);
  }
  name_.append(" ").append(std::to_string(time_ns));
  event.id = named_uuid(name_);
  batch_->add(event, TelemetryBatch::Identity::content);
}

}  // namespace picortex
