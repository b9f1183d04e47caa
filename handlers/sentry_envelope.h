#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/uuid.h"
#include "handlers/json/document.h"

namespace picortex {

// The UUID that Sentry's event_id spells: 32 hexadecimal digits, or with dashes as other UUIDs;
// none for anything else, and for the nil UUID.
std::optional<Uuid> parse_sentry_id(std::string_view text) noexcept;

// The 32 lower-case digits.
std::string sentry_id_text(const Uuid& id);

struct SentryItem {
  std::string_view type;  // stays until the document parses again
  std::span<char> payload;
};

// Sentry's envelopes, item by item:
//
//   envelope = header *( LF / item )
//   header   = JSON object on one line, perhaps with event_id
//   item     = JSON object on one line, with type and perhaps length, LF
//              payload, of `length` bytes and then LF or the end; without one, up to LF or the end
//
// What a payload means is the caller's. The payloads do not overlap.
class SentryEnvelope {
 public:
  static constexpr std::size_t kItemsMax = 100;

  // `body` is as JsonDocument::parse wants it; what is passed outlives this.
  SentryEnvelope(JsonDocument& document, std::span<char> body) : document_(document), rest_(body) {}

  // To be called first: the event_id of the envelope's header. An error, here and below, is the
  // message of a 400.
  Result<std::optional<Uuid>> read_header();

  // The next item; none at the end.
  Result<std::optional<SentryItem>> next();

 private:
  std::span<char> take_line() noexcept;
  std::unexpected<Error> refuse(const std::string& what) const;

  JsonDocument& document_;
  std::span<char> rest_;
  std::size_t items_ = 0;  // begun so far
};

}  // namespace picortex
