#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "handlers/ingest/sentry/sentry_values.h"

namespace picortex {

// An event's message. SDKs send it as a text, or as a template with parameters that the server
// inserts, under `logentry`, `sentry.interfaces.Message` or `message`.
struct SentryMessage {
  static constexpr std::size_t kTextSizeMax = 8192;

  // `entry` is the member logentry and `message` the member message, each absent or of any type.
  static SentryMessage read(const std::optional<SentryValue>& entry,
                            const std::optional<SentryValue>& message);

  std::string text;       // for people, with the parameters inserted; empty without a message
  std::string identical;  // the same for all parameters: the template, else the text
};

// Inserts `params`, an array or an object, into the placeholders of `pattern`. If it contains a %,
// the placeholders are printf's (%s, %-5d, %.2f, %(name)s, %%), else {}, {0} or {name}. A
// placeholder without a parameter stays unchanged. Returns at most kTextSizeMax bytes, however
// often a parameter is used.
std::string format_message(std::string_view pattern, const SentryValue& params);

}  // namespace picortex
