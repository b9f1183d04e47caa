#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/json/document.h"
#include "base/json/writer.h"
#include "storage/query/query.h"

namespace simdjson::dom {
class element;
}  // namespace simdjson::dom

namespace picortex {

// Returns a request's ID as lines show it: the first 18 characters, which are its time and 12 more
// bits.
std::string short_request_id(const Uuid& request_id);

// Returns an event's ID as lines show it: the shortest prefix that no other event shares if the ID
// is made of its time and place, else the complete ID.
std::string short_event_id(const EventRow& row);

enum class EventIds { hidden, shown };

// Events as people and programs read them. Whatever an event holds, no text of it makes a line that
// looks like another event's, and none does anything to a terminal.
//
//   2026-11-17 14:03:12  request 019a9b2c-3d4e-7f60  chat chat-1
//     14:03:12.123 INFO  linq.inbound  are you there?  service=iMessage parts=[…]
//     14:03:13.000 ERROR bot.error  the build broke  exit=2
//         stack
//           Error: the build broke
//               at build (build.js:12:7)
//         err.context
//           branch: "main"
//
// Below the line stand stacks, line by line, and objects and arrays that are too long for it, as
// trees. Of pid and hostname, which are in every line of a log, only --json shows them.
//
// With IDs, each event's line ends with its own: "  id 019a9b2c-3d4e-7000-801".
class Timeline {
 public:
  explicit Timeline(bool is_coloured, EventIds ids = EventIds::hidden);

  // Groups events by request, in the order of each request's first event. `rows` must be oldest
  // first. Puts a '>' before the event with the key `marked`.
  void append_grouped(std::string& out, std::span<const EventRow> rows, std::int64_t marked = -1);
  // Appends events in their order, with a header wherever the request differs from the last line's.
  void append_in_turn(std::string& out, std::span<const EventRow> rows);
  // Appends {"level","time","id","request_id","chat_id","event_type",…data,"msg"} and a newline.
  void append_json(std::string& out, const EventRow& row);

 private:
  void append_header(std::string& out, const EventRow& row);
  void append_line(std::string& out, const EventRow& row, bool is_marked);
  void append_data(std::string& out, std::string_view data);
  // Below the line, what append_data() has left out of it.
  void append_blocks(std::string& out, std::string_view data);
  void append_tree(std::string& out, const simdjson::dom::element& value, int depth);
  void append_leaf(std::string& out, const simdjson::dom::element& value);
  void paint(std::string& out, std::string_view colour);
  bool parse(std::string_view data);

  const bool is_coloured_;
  const EventIds ids_;
  Uuid last_request_;
  bool has_last_ = false;
  JsonDocument document_;
  JsonWriter writer_;
  std::string padded_;
  int tree_lines_ = 0;  // left for the event at hand
};

}  // namespace picortex
