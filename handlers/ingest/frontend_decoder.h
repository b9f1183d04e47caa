#pragma once

#include <span>
#include <string>

#include "base/json/document.h"
#include "base/json/writer.h"
#include "base/level.h"
#include "base/result.h"

namespace picortex {

// A report of a web page. Decoding into it again allocates nothing unless it is larger than before.
struct FrontendLog {
  Level level = Level::error;
  std::string message;
  // A JSON object on one line, {error?, stack?, context?, extra?}, each at most once and none null;
  // empty if it would have no member. Used as Event::data and as the fields of the log line.
  std::string data;
};

// Reads bodies of POST /api/frontend-log: an object of
//
//   level    "error" (default), "warn", "info" or "debug"
//   message  string; required
//   error    string or null
//   stack    string or null
//   context  object or null
//
// Unknown members are kept in `extra`, so that none can pose as a field of the line. Of a name that
// is given twice the last one counts.
class FrontendDecoder {
 public:
  // `document` is shared with other decoders and must outlive this one.
  explicit FrontendDecoder(JsonDocument& document) : document_(document) {}

  // Refills `log`. `body` must be as JsonDocument::parse requires it. The error is the message of a
  // 400, in Fastify's words where Fastify has them; `log` is then incomplete.
  Result<void> decode(std::span<char> body, FrontendLog& log);

 private:
  JsonDocument& document_;
  JsonWriter writer_;
};

}  // namespace picortex
