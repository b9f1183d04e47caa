#pragma once

#include <span>
#include <string>

#include "base/level.h"
#include "base/result.h"
#include "handlers/json/document.h"
#include "handlers/json/writer.h"

namespace picortex {

// What a page reported. Decoding into it again allocates nothing once it has held as much.
struct FrontendLog {
  Level level = Level::error;
  std::string message;
  // A JSON object on one line, {error?, stack?, context?, extra?}, each at most once and none null;
  // empty when it would have no member. It serves as Event::data and as the fields of the log line.
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
// Members that it does not know are kept in `extra`, so that none can pose as a field of the line.
// Of a name that is given twice the last one counts.
class FrontendDecoder {
 public:
  // `document` is shared with other decoders and outlives this one.
  explicit FrontendDecoder(JsonDocument& document) : document_(document) {}

  // Fills `log`, whatever it held. `body` is as JsonDocument::parse wants it. The error is the
  // message of a 400, in Fastify's words where Fastify has them; `log` is then half filled.
  Result<void> decode(std::span<char> body, FrontendLog& log);

 private:
  JsonDocument& document_;
  JsonWriter writer_;
};

}  // namespace picortex
