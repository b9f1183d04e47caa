#pragma once

#include <span>
#include <string>

#include "base/json/document.h"
#include "base/json/writer.h"
#include "base/result.h"
#include "base/uuid/uuid.h"

namespace picortex {

// A webhook of Linq in the form that is stored. Decoding into it again allocates nothing unless it
// is larger than before.
struct LinqEvent {
  Uuid id;                 // derived from event_id: the same each time that Linq sends the event
  std::string event_type;  // linq.inbound for message.received, else linq.<its type>
  std::string chat_id;     // data.chat.id; empty: of no chat
  std::string msg;         // the text of a message, up to kMsgSizeMax; else empty
  std::string data;        // the whole envelope, a JSON object on one line
};

// Reads bodies of POST /webhooks/linq, an envelope of
//
//   event_type  string; required
//   event_id    string, mostly a UUID; required
//   data        object; of a message {chat: {id}, parts: [{type: "text", value}], …}
//
// and further members (trace_id, created_at, partner_id, versions).
class LinqDecoder {
 public:
  static constexpr std::size_t kMsgSizeMax = 8192;  // bytes; the data contains all of the text

  // `document` is shared with other decoders and must outlive this one.
  explicit LinqDecoder(JsonDocument& document) : document_(document) {}

  // Refills `event`. `body` must be as JsonDocument::parse requires it. The error is the message of
  // a 400; `event` is then incomplete.
  Result<void> decode(std::span<char> body, LinqEvent& event);

 private:
  JsonDocument& document_;
  JsonWriter writer_;
};

}  // namespace picortex
