#pragma once

#include <string>

#include "handlers/json/document.h"
#include "storage/event_reader.h"

namespace picortex {

// Writes events as the HTTP endpoints show them, each one JSON object on one line:
// {"id":…,"time":…,"level":…,"event_type":…,"request_id":…,"chat_id":…|null,"msg":…,"data":{…}|null}
class EventJson {
 public:
  // `document` outlives this.
  explicit EventJson(JsonDocument& document) : document_(document) {}

  // Whoever wrote the database: `data` that is not a JSON object on one line is shown as a string.
  void append(std::string& out, const EventRow& row);

 private:
  bool is_object(const std::string& data);

  JsonDocument& document_;
  std::string padded_;
};

}  // namespace picortex
