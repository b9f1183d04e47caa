#include "handlers/ingest/sentry/sentry_envelope.h"

#include <simdjson.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "handlers/ingest/sentry/sentry_time.h"

namespace picortex {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::size_t kPlainIdSize = 32;

// Reads the length in an item's header; none: up to the next LF. Returns false if it is no size.
bool read_length(const object& header, std::optional<std::uint64_t>& length) {
  element value;
  if (header["length"].get(value) || value.is_null()) return true;
  std::uint64_t size = 0;
  if (value.get(size)) return false;
  length = size;
  return true;
}

}  // namespace

std::optional<Uuid> parse_sentry_id(std::string_view text) noexcept {
  char dashed[Uuid::kTextSize];
  if (text.size() == kPlainIdSize) {
    char* out = dashed;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (i == 8 || i == 12 || i == 16 || i == 20) *out++ = '-';
      *out++ = text[i];
    }
    text = {dashed, sizeof dashed};
  }
  const auto uuid = parse_uuid(text);
  return uuid && !uuid->is_nil() ? uuid : std::nullopt;
}

std::string sentry_id_text(const Uuid& id) {
  std::string text = to_string(id);
  std::erase(text, '-');
  return text;
}

Result<std::optional<Uuid>> SentryEnvelope::read_header() {
  if (const auto parsed = document_.parse(take_line()); !parsed) {
    return failure("envelope header " + parsed.error().what);
  }
  object header;
  if (document_.root().get(header)) return failure("envelope header must be object");
  if (element time; !header["sent_at"].get(time)) sent_at_ = sentry_timestamp(time);
  std::string_view id;
  if (header["event_id"].get(id)) return std::nullopt;
  return parse_sentry_id(id);
}

Result<std::optional<SentryItem>> SentryEnvelope::next() {
  while (!rest_.empty() && rest_.front() == '\n') rest_ = rest_.subspan(1);
  if (rest_.empty()) return std::nullopt;
  if (items_ == kItemsMax) return failure("envelope has more than 100 items");
  ++items_;
  if (const auto parsed = document_.parse(take_line()); !parsed) {
    return reject("header " + parsed.error().what);
  }
  object header;
  if (document_.root().get(header)) return reject("header must be object");
  SentryItem item;
  if (header["type"].get(item.type)) return reject("type must be string");
  std::optional<std::uint64_t> length;
  if (!read_length(header, length)) return reject("length must be a number of bytes");
  if (!length) {
    item.payload = take_line();
    return item;
  }
  if (*length > rest_.size()) return reject("is longer than the rest of the envelope");
  item.payload = rest_.first(*length);
  rest_ = rest_.subspan(*length);
  if (!rest_.empty() && rest_.front() != '\n') {
    return reject("must end in a newline after its length");
  }
  return item;
}

// Returns the line without its LF, which is consumed too.
std::span<char> SentryEnvelope::take_line() noexcept {
  const std::string_view text(rest_.data(), rest_.size());
  const std::size_t size = std::min(text.find('\n'), text.size());
  const std::span<char> line = rest_.first(size);
  rest_ = rest_.subspan(std::min(size + 1, rest_.size()));
  return line;
}

// Items are counted from 0.
std::unexpected<Error> SentryEnvelope::reject(const std::string& what) const {
  return failure("item " + std::to_string(items_ - 1) + ' ' + what);
}

}  // namespace picortex
