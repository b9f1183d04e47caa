#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/level.h"
#include "base/result.h"
#include "base/uuid.h"
#include "handlers/json/document.h"
#include "handlers/sentry_envelope.h"
#include "handlers/sentry_exception.h"

namespace picortex {

// An event of a Sentry SDK as it is kept.
struct SentryEvent {
  Uuid event_id;  // Sentry's
  // What it is stored under, once: Sentry's where it is of version 4, as SDKs make them; else one
  // made of it, so that nobody without the token takes an id that another event is to have.
  Uuid id;
  Level level = Level::error;
  std::string msg;  // "Type: value" of an exception, else the message
  // A JSON object on one line, of at most SentryDecoder::kDataSizeMax bytes, with those members of
  // which the event says something:
  //
  //   event_id, project  as the SDK and its DSN have them
  //   fingerprint        array of strings: what groups it
  //   exception          {type, value}
  //   stack              text
  //   tags               object of strings, numbers and booleans
  //   release, environment, platform, transaction, sdk, trace_id, url, user_agent
  std::string data;
};

// What an envelope brought.
struct SentryContent {
  std::optional<Uuid> id;  // of the envelope
  bool has_event = false;
};

// Reads bodies of POST /api/<project>/envelope/. Of its items the one of type "event" counts, and
// those of other types (sessions, transactions, attachments, …) are passed over.
class SentryDecoder {
 public:
  static constexpr std::size_t kEventSizeMax = 1024 * 1024;  // as Sentry's own
  static constexpr std::size_t kDataSizeMax = 64 * 1024;

  // `document` is shared with other decoders, takes kEventSizeMax bytes and outlives this one.
  explicit SentryDecoder(JsonDocument& document) : document_(document) {}

  // Fills `event`, whatever it held, when there is one. `body` is as JsonDocument::parse wants it.
  // All or nothing: the error is the message of a 400, or of a 413 when its code is EMSGSIZE;
  // `event` is then half filled.
  Result<SentryContent> decode(std::span<char> body, std::string_view project, SentryEvent& event);

 private:
  Result<void> read_event(std::span<char> payload, const std::optional<Uuid>& envelope_id,
                          std::string_view project, SentryEvent& event);

  JsonDocument& document_;
  SentryException exception_;
};

}  // namespace picortex
