#include "handlers/event_json.h"

#include <simdjson.h>

#include <algorithm>

#include "base/json_text.h"
#include "base/timestamp.h"

namespace picortex {
namespace {

void append_member(std::string& out, std::string_view name, std::string_view text) {
  out += ",\"";
  out += name;
  out += "\":";
  append_json_string(out, text);
}

}  // namespace

void EventJson::append(std::string& out, const EventRow& row) {
  char id[Uuid::kTextSize];
  format_uuid(row.id, id);
  char time[kIsoTimeSize];
  format_iso_time(std::clamp<std::int64_t>(row.time_ms, 0, kLatestUnixMs), time);
  out += "{\"id\":\"";
  out.append(id, sizeof id);
  out += "\",\"time\":\"";
  out.append(time, sizeof time);
  out += '"';
  append_member(out, "level", level_label(row.level));
  append_member(out, "event_type", row.event_type);
  format_uuid(row.request_id, id);
  append_member(out, "request_id", {id, sizeof id});
  if (row.chat_id.empty()) {
    out += ",\"chat_id\":null";
  } else {
    append_member(out, "chat_id", row.chat_id);
  }
  append_member(out, "msg", row.msg);
  if (row.data.empty()) {
    out += ",\"data\":null";
  } else if (is_object(row.data)) {
    out += ",\"data\":";
    out += row.data;
  } else {
    append_member(out, "data", row.data);
  }
  out += '}';
}

bool EventJson::is_object(const std::string& data) {
  if (data.find_first_of("\r\n") != std::string::npos) return false;
  padded_.assign(data).append(kJsonPadding, '\0');
  return document_.parse({padded_.data(), data.size()}).has_value() && document_.root().is_object();
}

}  // namespace picortex
