#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/json/document.h"
#include "base/result.h"
#include "base/uuid/uuid.h"

namespace picortex {

// Parses Sentry's event_id: 32 hexadecimal digits, or a UUID with dashes; returns nothing for
// anything else, and for the nil UUID.
std::optional<Uuid> parse_sentry_id(std::string_view text) noexcept;

// Returns the 32 lower-case digits.
std::string sentry_id_text(const Uuid& id);

struct SentryItem {
  std::string_view type;  // valid until the document parses again
  std::span<char> payload;
};

// Reads Sentry's envelopes, item by item:
//
//   envelope = header *( LF / item )
//   header   = JSON object on one line, optionally with event_id
//   item     = JSON object on one line, with type and optionally length, LF
//              payload, of `length` bytes and then LF or the end; without one, up to LF or the end
//
// Does not interpret payloads. They do not overlap.
class SentryEnvelope {
 public:
  static constexpr std::size_t kItemsMax = 100;

  // `body` must be as JsonDocument::parse requires it; arguments must outlive this object.
  SentryEnvelope(JsonDocument& document, std::span<char> body) : document_(document), rest_(body) {}

  // Returns the event_id of the envelope's header. Call it first. The error, here and below, is the
  // message of a 400.
  Result<std::optional<Uuid>> read_header();

  // When the SDK sent the envelope, according to its header, in Unix ms by the SDK's own clock.
  std::optional<std::int64_t> sent_at() const noexcept { return sent_at_; }

  // Returns the next item; nothing at the end.
  Result<std::optional<SentryItem>> next();

 private:
  std::span<char> take_line() noexcept;
  std::unexpected<Error> reject(const std::string& what) const;

  JsonDocument& document_;
  std::span<char> rest_;
  std::optional<std::int64_t> sent_at_;
  std::size_t items_ = 0;  // items begun so far
};

}  // namespace picortex
