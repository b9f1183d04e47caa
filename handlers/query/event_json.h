#pragma once

#include <string>

#include "base/json/document.h"
#include "storage/query/event_reader.h"

namespace picortex {

// Formats events as the HTTP endpoints show them, each one JSON object on one line:
// {"id":…,"time":…,"level":…,"event_type":…,"request_id":…,"chat_id":…|null,"msg":…,"data":{…}|null}
class EventJson {
 public:
  // `document` must outlive this object.
  explicit EventJson(JsonDocument& document) : document_(document) {}

  // Does not trust the database: `data` that is not a JSON object on one line is shown as a string.
  void append(std::string& out, const EventRow& row);

 private:
  bool is_object(const std::string& data);

  JsonDocument& document_;
  std::string padded_;
};

}  // namespace picortex
