#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "handlers/json/document.h"
#include "handlers/json/writer.h"
#include "storage/query.h"

namespace picortex {

// A request's ID as lines have it: the first 18 characters, which are its time and 12 bits more.
std::string short_request_id(const Uuid& request_id);

// Events as people and programs read them. Whatever an event holds, each line that comes out is one
// line, and does nothing to a terminal.
//
//   2026-11-17 14:03:12  request 019a9b2c-3d4e-7f60  chat chat-1
//     14:03:12.123 INFO  linq.inbound  are you there?  service=iMessage parts=[…]
class Timeline {
 public:
  explicit Timeline(bool is_coloured);

  // Groups by request, in the order of each one's first event; `rows` are oldest first. The event
  // of key `marked` gets a '>'.
  void append_grouped(std::string& out, std::span<const EventRow> rows, std::int64_t marked = -1);
  // As they come, with a header wherever the request is not the last line's.
  void append_in_turn(std::string& out, std::span<const EventRow> rows);
  // {"level","time","id","request_id","chat_id","event_type",…data,"msg"} and a newline.
  void append_json(std::string& out, const EventRow& row);

 private:
  void append_header(std::string& out, const EventRow& row);
  void append_line(std::string& out, const EventRow& row, bool is_marked);
  void append_data(std::string& out, std::string_view data);
  void paint(std::string& out, std::string_view colour);
  bool parse(std::string_view data);

  const bool is_coloured_;
  Uuid last_request_;
  bool has_last_ = false;
  JsonDocument document_;
  JsonWriter writer_;
  std::string padded_;
};

}  // namespace picortex
