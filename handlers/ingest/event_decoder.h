#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/json/document.h"
#include "base/json/writer.h"
#include "base/result.h"
#include "storage/event.h"
#include "storage/retention.h"

namespace picortex {

class EventFields;

// The most events that one request may contain.
inline constexpr std::size_t kEventsPerRequestMax = 10'000;

// The events of one request with the texts that they point to. The code that queues the events must
// keep it until they are stored; moving it does not move the texts. Refilling it to the same size
// allocates nothing; its texts take at most 6 bytes for each byte of the body.
class EventBatch {
 public:
  EventBatch() = default;
  EventBatch(EventBatch&&) = default;
  EventBatch& operator=(EventBatch&&) = default;

  std::span<const Event> events() const noexcept { return events_; }
  void clear() noexcept;

 private:
  friend class EventDecoder;
  // Where an event's texts end in texts_; each begins where the previous one ends.
  struct TextEnds {
    std::size_t event_type, chat_id, msg, data;
  };

  void point_events_to_texts() noexcept;

  std::vector<Event> events_;
  std::vector<TextEnds> ends_;
  // Reallocated while it grows, so the events' views are set once all texts are in it. Always on
  // the heap, never in the string's own bytes, so that the views stay valid when the batch is
  // moved.
  std::string texts_;
};

// Whether events with a time outside of what is kept are rejected.
enum class Keep { within_retention, any };

// The defaults of members that an event's JSON does not set, and the times that it may have.
struct EventDefaults {
  std::int64_t time_ms = 0;  // now, Unix milliseconds
  Uuid request_id;           // of the request that contains the event
  AcceptedTimes accepted = {};
  Keep keep = Keep::within_retention;
};

// A rejected event, by its position from 0 in its request.
struct RejectedEvent {
  std::size_t index = 0;
  std::string reason;
};

enum class EventMedia {
  json,    // application/json: one object, an array of objects, or everything that ndjson accepts
  ndjson,  // application/x-ndjson: an object a line; LF or CRLF; blank lines are skipped
};

// Reads bodies of POST /api/events. Of each object
//
//   event_type  string of 1 to kEventTypeSizeMax bytes, no control characters; required
//   time        ISO 8601 string; or a number, also as a string: below 10^11 seconds since 1970,
//               with a fraction, else milliseconds, whose fraction is cut; default: now. Rejected
//               outside of EventDefaults::accepted unless Keep::any asks for it
//   level       label in any case or another logger's name for it (base/level.h), or pino number;
//               default: what `severity` or `levelname` says, else info
//   chat_id     string of at most kChatIdSizeMax bytes; a number is taken as its text
//   request_id  UUID; default: this request's. Anything else is kept as client_request_id
//   msg         string; a number is taken as its text
//   id          UUID
//
// and everything else becomes the event's data, a JSON object. null is the same as not given; of a
// name that is given twice the last one counts.
//
// A line of a pino logger is an object without event_type that has a level, or both pid and
// hostname, or a level in `severity`: each of pino's options takes some of these away, but none
// takes all. It is taken as it is, as an event of type "log": an `id`, a `chat_id`, a `time`, a
// `level` or a `msg` that means nothing here stays in the data, and `message` is the msg where
// there is no other. A custom level stays in the data too when the object has an event_type and
// both pid and hostname.
class EventDecoder {
 public:
  // `document` is shared with other decoders and must outlive this one.
  explicit EventDecoder(JsonDocument& document) : document_(document) {}

  // Refills `batch`. `body` must be as JsonDocument::parse requires it. All or nothing: after an
  // error, which is the message of a 400, the batch is empty. The first invalid event is named by
  // its position from 0.
  Result<void> decode(EventMedia media, std::span<char> body, const EventDefaults& defaults,
                      EventBatch& batch);
  // Does the same, but adds an invalid event, or a line that is not JSON, to `rejected`, and
  // accepts the others. The error is that of a body whose events cannot be separated, or that has
  // too many.
  Result<void> decode_partly(EventMedia media, std::span<char> body, const EventDefaults& defaults,
                             EventBatch& batch, std::vector<RejectedEvent>& rejected);

 private:
  Result<void> decode(EventMedia media, std::span<char> body);
  Result<void> decode_json(std::span<char> body);
  Result<void> decode_lines(std::span<char> body);
  bool first_line_is_json(std::span<char> body);
  Result<void> add(const simdjson::dom::element& value);
  Result<void> append(const simdjson::dom::element& value);
  Result<void> append_data(const simdjson::dom::object& object, const EventFields& fields);
  Result<void> reject(std::string_view between, Error error);

  // The state of decode() while it runs.
  struct Work {
    const EventDefaults* defaults = nullptr;
    EventBatch* batch = nullptr;
    std::vector<RejectedEvent>* rejected = nullptr;  // null: all or nothing
    std::size_t index = 0;                           // of the next event
  };

  Work work_;
  JsonDocument& document_;
  JsonWriter writer_;
};

}  // namespace picortex
