#include "handlers/ingest/event_decoder.h"

#include <simdjson.h>

#include <algorithm>

#include "base/json/json_object.h"
#include "base/text.h"
#include "handlers/ingest/event_fields.h"

namespace picortex {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

// Size limit of one reason in an answer, which may contain many.
constexpr std::size_t kReasonSizeMax = 200;

bool is_blank(std::string_view text) noexcept {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// True for several objects, one on each line, sent with the media type of a single one, which is a
// log shipper's default.
bool may_be_lines(std::span<const char> body) noexcept {
  const std::string_view text(body.data(), body.size());
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && text[first] == '{' &&
         text.find('\n', first) != std::string_view::npos;
}

}  // namespace

void EventBatch::clear() noexcept {
  events_.clear();
  ends_.clear();
  texts_.clear();
}

void EventBatch::point_events_to_texts() noexcept {
  const std::string_view texts(texts_.data(), texts_.size());
  std::size_t begin = 0;
  const auto take = [&](std::size_t end) {
    const auto text = texts.substr(begin, end - begin);
    begin = end;
    return text;
  };
  for (std::size_t i = 0; i < events_.size(); ++i) {
    events_[i].event_type = take(ends_[i].event_type);
    events_[i].chat_id = take(ends_[i].chat_id);
    events_[i].msg = take(ends_[i].msg);
    events_[i].data = take(ends_[i].data);
  }
}

Result<void> EventDecoder::decode(EventMedia media, std::span<char> body,
                                  const EventDefaults& defaults, EventBatch& batch) {
  work_ = {.defaults = &defaults, .batch = &batch};
  return decode(media, body);
}

Result<void> EventDecoder::decode_partly(EventMedia media, std::span<char> body,
                                         const EventDefaults& defaults, EventBatch& batch,
                                         std::vector<RejectedEvent>& rejected) {
  rejected.clear();
  work_ = {.defaults = &defaults, .batch = &batch, .rejected = &rejected};
  return decode(media, body);
}

Result<void> EventDecoder::decode(EventMedia media, std::span<char> body) {
  constexpr std::size_t kNeverInPlace = 256;
  EventBatch& batch = *work_.batch;
  batch.clear();
  batch.texts_.reserve(kNeverInPlace);
  const auto done = media == EventMedia::json ? decode_json(body) : decode_lines(body);
  if (!done) {
    batch.clear();
    return done;
  }
  batch.point_events_to_texts();
  return {};
}

Result<void> EventDecoder::decode_json(std::span<char> body) {
  if (const auto parsed = document_.parse(body); !parsed) {
    // If the first line is no JSON either, the error is that of a broken object.
    if (!may_be_lines(body) || !first_line_is_json(body)) {
      return failure("Body " + parsed.error().what);
    }
    return decode_lines(body);
  }
  const element root = document_.root();
  simdjson::dom::array array;
  if (root.get(array)) return add(root);
  for (const element value : array) {
    TRY(add(value));
  }
  if (work_.index == 0) return failure("Body contains no event: its array is empty");
  return {};
}

bool EventDecoder::first_line_is_json(std::span<char> body) {
  const std::string_view text(body.data(), body.size());
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  const std::size_t size = text.substr(first).find('\n');
  return document_.parse(body.subspan(first, size)).has_value();
}

Result<void> EventDecoder::decode_lines(std::span<char> body) {
  while (!body.empty()) {
    const std::size_t end = std::string_view(body.data(), body.size()).find('\n');
    const auto line = body.first(std::min(end, body.size()));
    body = body.subspan(std::min(line.size() + 1, body.size()));
    if (is_blank({line.data(), line.size()})) continue;
    // The line is followed by the next lines or the body's own padding.
    const auto parsed = document_.parse(line);
    TRY(parsed ? add(document_.root()) : reject(" ", parsed.error()));
  }
  if (work_.index == 0) return failure("Body contains no event: all its lines are blank");
  return {};
}

Result<void> EventDecoder::add(const element& value) {
  if (work_.index == kEventsPerRequestMax) {
    return failure("Body contains more than " + std::to_string(kEventsPerRequestMax) + " events");
  }
  const std::size_t begin = work_.batch->texts_.size();
  if (auto appended = append(value); !appended) {
    work_.batch->texts_.resize(begin);
    return reject(": ", std::move(appended.error()));
  }
  ++work_.index;
  return {};
}

// Returns the error that ends the request, or none if the other events are accepted.
Result<void> EventDecoder::reject(std::string_view between, Error error) {
  if (work_.rejected == nullptr) {
    return failure("event " + std::to_string(work_.index) + std::string(between) + error.what);
  }
  if (work_.index == kEventsPerRequestMax) {
    return failure("Body contains more than " + std::to_string(kEventsPerRequestMax) + " events");
  }
  std::string reason = between == " " ? "it " + error.what : std::move(error.what);
  reason.resize(cut_to(reason, kReasonSizeMax).size());
  work_.rejected->push_back({work_.index++, std::move(reason)});
  return {};
}

Result<void> EventDecoder::append(const element& value) {
  object object;
  if (value.get(object)) return failure("it is not a JSON object");
  EventBatch& batch = *work_.batch;
  EventFields fields(object, *work_.defaults);
  Event event;
  EventFields::Ends ends;
  TRY(fields.read(event, batch.texts_, ends));
  TRY(append_data(object, fields));
  batch.events_.push_back(event);
  batch.ends_.push_back({ends.event_type, ends.chat_id, ends.msg, batch.texts_.size()});
  return {};
}

Result<void> EventDecoder::append_data(const object& object, const EventFields& fields) {
  std::string& texts = work_.batch->texts_;
  const std::size_t begin = texts.size();
  auto written = writer_.append_without(texts, object, fields.taken());
  if (written && fields.client_request_id()) {
    if (texts.size() == begin) texts += "{}";
    JsonObject data = JsonObject::reopened(texts);
    written = writer_.append(data.value("client_request_id"), *fields.client_request_id());
  }
  if (!written) return failure("it " + written.error().what);
  return {};
}

}  // namespace picortex
