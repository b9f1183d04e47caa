#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "base/uuid.h"
#include "handlers/json/document.h"
#include "handlers/json/writer.h"

namespace picortex {

// A webhook of Linq as it is kept. Decoding into it again allocates nothing once it has held as
// much.
struct LinqEvent {
  Uuid id;                 // of event_id: the same one for each time that Linq sends the event
  std::string event_type;  // linq.inbound for message.received, else linq.<its type>
  std::string chat_id;     // data.chat.id; empty: of no chat
  std::string msg;         // the text of a message, as far as kMsgSizeMax; else empty
  std::string data;        // the whole envelope, a JSON object on one line
};

// Reads bodies of POST /webhooks/linq, an envelope of
//
//   event_type  string; required
//   event_id    string, mostly a UUID; required
//   data        object; of a message {chat: {id}, parts: [{type: "text", value}], …}
//
// and of more (trace_id, created_at, partner_id, versions).
class LinqDecoder {
 public:
  static constexpr std::size_t kMsgSizeMax = 8192;  // bytes; all of the text is in the data

  // `document` is shared with other decoders and outlives this one.
  explicit LinqDecoder(JsonDocument& document) : document_(document) {}

  // Fills `event`, whatever it held. `body` is as JsonDocument::parse wants it. The error is the
  // message of a 400; `event` is then half filled.
  Result<void> decode(std::span<char> body, LinqEvent& event);

 private:
  JsonDocument& document_;
  JsonWriter writer_;
};

}  // namespace picortex
