#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "handlers/event_json.h"
#include "handlers/json/document.h"
#include "handlers/json/writer.h"
#include "storage/event.h"
#include "storage/event_reader.h"

namespace picortex {

// A line of an export: an event as HTTP shows it (handlers/event_json.h), and with it all that its
// row says, so that the same row can be made of it. Where the id does not say the row's place, a
// member `sequence` says which event of its millisecond it is.
void append_export_line(std::string& out, EventJson& json, const EventRow& row);

// Reads such lines, with their members in any order, and makes events of them to be stored again.
class ExportLineReader {
 public:
  // Escapes may make a text six times as long as it came.
  static constexpr std::size_t kLineSizeMax = std::size_t{8} << 20;

  // `line` has no newline, at most kLineSizeMax bytes, and kJsonPadding readable ones behind it; it
  // may be altered. The event's texts stay until the next call. The error is a sentence's end: "id
  // is missing".
  Result<Event> read(std::span<char> line);

 private:
  Result<void> read_texts(const simdjson::dom::object& object, Event& event);
  Result<void> read_data(const simdjson::dom::object& object, Event& event);

  // The data of an event stand one level deeper here than where they came in.
  JsonDocument document_{kLineSizeMax, kJsonDepthMax + 1};
  JsonWriter writer_;
  std::string data_;
};

}  // namespace picortex
