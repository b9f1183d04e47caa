#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/json/document.h"
#include "base/level.h"
#include "base/result.h"
#include "base/uuid/uuid.h"
#include "handlers/ingest/sentry/sentry_envelope.h"
#include "handlers/ingest/sentry/sentry_exception.h"

namespace picortex {

// An event of a Sentry SDK in the form that is stored.
struct SentryEvent {
  Uuid event_id;  // from Sentry
  // The ID under which it is stored, once: Sentry's if it is of version 4, as SDKs generate them;
  // else one derived from it, so that a client without the token cannot use up an ID that another
  // event will have.
  Uuid id;
  Level level = Level::error;
  std::optional<std::int64_t> timestamp;  // Unix ms, from the SDK
  std::string msg;                        // "Type: value" of an exception, else the message
  // A JSON object on one line, of at most SentryDecoder::kDataSizeMax bytes, with those members
  // that the
  // event has:
  //
  //   event_id, project  as the SDK and its DSN have them
  //   fingerprint        array of strings: what groups it
  //   exception          {type, value}
  //   stack              text
  //   tags               object of strings, numbers and booleans
  //   release, environment, platform, transaction, sdk, trace_id, url, user_agent
  //
  // SentryEndpoint adds `timestamp`, the SDK's, if the event is stored with another time.
  std::string data;
};

// The content of an envelope.
struct SentryContent {
  std::optional<Uuid> id;               // of the envelope
  std::optional<std::int64_t> sent_at;  // Unix ms by the SDK's clock
  bool has_event = false;
};

// Reads bodies of POST /api/<project>/envelope/. Of its items the one of type "event" counts, and
// others (sessions, transactions, attachments, …) are skipped.
class SentryDecoder {
 public:
  static constexpr std::size_t kEventSizeMax = 1024 * 1024;  // the same as Sentry's
  static constexpr std::size_t kDataSizeMax = 64 * 1024;

  // `document` is shared with other decoders, takes kEventSizeMax bytes and must outlive this one.
  explicit SentryDecoder(JsonDocument& document) : document_(document) {}

  // Refills `event` if there is one. `body` must be as JsonDocument::parse requires it. All or
  // nothing: the error is the message of a 400, or of a 413 if its code is EMSGSIZE; `event` is
  // then incomplete.
  Result<SentryContent> decode(std::span<char> body, std::string_view project, SentryEvent& event);

 private:
  Result<void> read_event(std::span<char> payload, const std::optional<Uuid>& envelope_id,
                          std::string_view project, SentryEvent& event);

  JsonDocument& document_;
  SentryException exception_;
};

}  // namespace picortex
