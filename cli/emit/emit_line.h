#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json/document.h"
#include "base/level.h"
#include "base/result.h"
#include "base/uuid/uuid.h"

namespace picortex {

// The events of `picortex emit` as lines of NDJSON, each ended by a newline. Each gets an id, so
// that it may be sent again, and the time at which it was emitted.

// The turn that events belong to; empty: none.
struct EmittedIds {
  std::string request_id;
  std::string chat_id;
};

// A member of an event. `json` is a JSON text on one line.
struct EmittedField {
  std::string name;
  std::string json;
};

struct EmittedEvent {
  std::string event_type;
  Level level = Level::info;
  std::string msg;
  std::vector<EmittedField> fields;
};

// Reads NAME=VALUE, whose value is a text, or NAME:=JSON. The error says what is wrong with it.
Result<EmittedField> parse_emitted_field(std::string_view text);

std::string render_emitted(const EmittedEvent& event, const EmittedIds& ids, const Uuid& id,
                           std::int64_t time_ms);

// The line, without its newline, with the members added that it lacks: id, time, and those of
// `ids`. A line that is no JSON object stays as it is: the daemon names the reason when it rejects
// it.
std::string complete_line(JsonDocument& document, std::string_view line, const EmittedIds& ids,
                          const Uuid& id, std::int64_t time_ms);

}  // namespace picortex
