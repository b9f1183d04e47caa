#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/json/document.h"
#include "base/json/writer.h"
#include "base/result.h"
#include "handlers/query/event_json.h"
#include "storage/event.h"
#include "storage/query/event_reader.h"

namespace picortex {

// Appends a line of an export: an event as HTTP shows it (handlers/query/event_json.h), with
// everything that its row contains, so that the same row can be restored. If the ID does not
// contain the row's place, a member `sequence` says which event of its millisecond it is.
void append_export_line(std::string& out, EventJson& json, const EventRow& row);

// Reads such lines, with their members in any order, and those of `logs --json`, which have their
// data next to the event's members. Returns events to be stored again.
class ExportLineReader {
 public:
  // Escapes can make a text six times as long as the original.
  static constexpr std::size_t kLineSizeMax = std::size_t{8} << 20;

  // `line` must have no newline, at most kLineSizeMax bytes, and kJsonPadding readable ones after
  // it; it may be modified. The event's texts stay valid until the next call. The error ends a
  // sentence: "id is missing".
  Result<Event> read(std::span<char> line);

 private:
  Result<void> read_texts(const simdjson::dom::object& object, Event& event);
  Result<void> read_data(const simdjson::dom::object& line, Event& event);
  Result<void> read_flat_data(const simdjson::dom::object& line, Event& event);
  void note_data(const simdjson::dom::object& data, Event& event);

  // An event's data is nested one level deeper here than in the request.
  JsonDocument document_{kLineSizeMax, kJsonDepthMax + 1};
  JsonWriter writer_;
  std::string data_;
};

}  // namespace picortex
