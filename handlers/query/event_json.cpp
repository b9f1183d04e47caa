#include "handlers/query/event_json.h"

#include <simdjson.h>

#include "base/json/json_object.h"

namespace picortex {

void EventJson::append(std::string& out, const EventRow& row) {
  JsonObject event(out);
  event.id("id", row.id).time("time", row.time_ms).text("level", level_label(row.level));
  event.text("event_type", row.event_type).id("request_id", row.request_id);
  event.text_or_null("chat_id", row.chat_id).text("msg", row.msg);
  if (is_object(row.data)) {
    event.value("data") += row.data;
  } else {
    event.text_or_null("data", row.data);
  }
}

bool EventJson::is_object(const std::string& data) {
  if (data.empty() || data.find_first_of("\r\n") != std::string::npos) return false;
  padded_.assign(data).append(kJsonPadding, '\0');
  return document_.parse({padded_.data(), data.size()}).has_value() && document_.root().is_object();
}

}  // namespace picortex
