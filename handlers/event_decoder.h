#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "handlers/json/document.h"
#include "handlers/json/writer.h"
#include "storage/event.h"

namespace picortex {

// The most events that one request may bring.
inline constexpr std::size_t kEventsPerRequestMax = 10'000;

// The events of one request with the texts that they point to. Whoever queues the events keeps it
// until they are stored; moving it does not move the texts. Filling it again allocates nothing once
// it has been as full; its texts take at most 6 bytes for each byte of the body.
class EventBatch {
 public:
  EventBatch() = default;
  EventBatch(EventBatch&&) = default;
  EventBatch& operator=(EventBatch&&) = default;

  std::span<const Event> events() const noexcept { return events_; }
  void clear() noexcept;

 private:
  friend class EventDecoder;
  // Where an event's texts end in texts_, each beginning where the one before it ends.
  struct TextEnds {
    std::size_t event_type, chat_id, msg, data;
  };

  void point_events_to_texts() noexcept;

  std::vector<Event> events_;
  std::vector<TextEnds> ends_;
  // Moves while it grows, so the events' views are set once all texts are in it. Always on the
  // heap, never in the string's own bytes, so that the views stay when the batch is moved.
  std::string texts_;
};

// What an event has where its JSON says nothing.
struct EventDefaults {
  std::int64_t time_ms = 0;  // now, Unix milliseconds
  Uuid request_id;           // of the request that brings the event
};

enum class EventMedia {
  json,    // application/json: one object, or an array of objects
  ndjson,  // application/x-ndjson: an object a line; LF or CRLF; blank lines are skipped
};

// Reads bodies of POST /api/events. Of each object
//
//   event_type  string of 1 to kEventTypeSizeMax bytes, no control characters; required
//   time        ISO 8601 string, or epoch milliseconds (a fraction is cut); default: now
//   level       label in any case, or pino number; default: info
//   chat_id     string of at most kChatIdSizeMax bytes; a number is taken as its text
//   request_id  UUID; default: this request's
//   msg         string; a number is taken as its text
//   id          UUID
//
// and everything else becomes the event's data, a JSON object. null is the same as not given; of a
// name that is given twice the last one counts.
//
// A line of a pino logger is an object without event_type, with level and time, and with msg or
// both pid and hostname. It is taken as it is, as an event of type "log": an `id` that is no UUID
// and a `msg` that is no text are its own business and are kept in data.
class EventDecoder {
 public:
  // `document` is shared with other decoders and outlives this one.
  explicit EventDecoder(JsonDocument& document) : document_(document) {}

  // Fills `batch`, whatever it held. `body` is as JsonDocument::parse wants it. All or nothing: on
  // an error, which is the message of a 400, the batch is empty. The first bad event is named by
  // its position from 0.
  Result<void> decode(EventMedia media, std::span<char> body, const EventDefaults& defaults,
                      EventBatch& batch);

 private:
  Result<void> decode_json(std::span<char> body, const EventDefaults& defaults, EventBatch& batch);
  Result<void> decode_lines(std::span<char> body, const EventDefaults& defaults, EventBatch& batch);
  Result<void> add(const simdjson::dom::element& value, const EventDefaults& defaults,
                   EventBatch& batch);

  JsonDocument& document_;
  JsonWriter writer_;
};

}  // namespace picortex
