#include "ship/encode/json_encoders.h"

#include <simdjson.h>

#include <algorithm>
#include <chrono>

#include "base/json/json_object.h"
#include "storage/event_id.h"

namespace picortex {

bool DataCheck::is_object(const std::string& data) {
  if (data.empty() || data.size() > kShippedDataMax) return false;
  padded_.assign(data).append(kJsonPadding, '\0');
  return document_.parse({padded_.data(), data.size()}) && document_.root().is_object() &&
         data.find('\n') == std::string::npos;
}

std::int64_t clickhouse_seconds(std::int64_t time_ms) noexcept {
  return std::clamp<std::int64_t>(time_ms / 1000, 0, 0xffff'ffff);
}

ClickHouseEncoder::ClickHouseEncoder(const std::string& host) {
  begin_ = R"({"host":)";
  append_json_string(begin_, host);
  begin_ += R"(,"time":)";
}

// The names are written as they are: an event has ten of them, and few bytes otherwise.
void ClickHouseEncoder::append(std::string& out, const EventRow& row) {
  const auto number = [&out](std::string_view before, std::int64_t value) {
    out += before;
    append_json_number(out, value);
  };
  const auto id = [&out](std::string_view before, const Uuid& value) {
    out += before;
    out.resize(out.size() + Uuid::kTextSize);
    format_uuid(value, out.data() + out.size() - Uuid::kTextSize);
  };
  const auto text = [&out](std::string_view before, std::string_view value) {
    out += before;
    append_json_escaped(out, value);
  };
  number(begin_, clickhouse_seconds(row.time_ms));
  number(R"(,"time_ms":)", row.time_ms);
  number(R"(,"sequence":)", row.key - first_key_of(row.time_ms));
  id(R"(,"event_id":")", row.id);
  text(R"(","level":")", level_label(row.level));
  text(R"(","event_type":")", row.event_type);
  text(R"(","chat_id":")", row.chat_id);
  id(R"(","request_id":")", row.request_id);
  text(R"(","msg":")", row.msg);
  text(R"(","data":")", row.data);
  out += "\"}\n";
}

std::int64_t ClickHouseEncoder::group_of(const EventRow& row) const {
  using namespace std::chrono;
  const sys_seconds time{seconds(clickhouse_seconds(row.time_ms))};
  const year_month_day day{floor<days>(time)};
  return int{day.year()} * 100 + static_cast<std::int64_t>(unsigned{day.month()});
}

void NdjsonEncoder::append(std::string& out, const EventRow& row) {
  {
    JsonObject line(out);
    line.time("time", row.time_ms)
        .text("host", host_)
        .id("id", row.id)
        .text("level", level_label(row.level))
        .text("event_type", row.event_type)
        .id("request_id", row.request_id)
        .text_or_null("chat_id", row.chat_id)
        .text("msg", row.msg);
    if (check_.is_object(row.data)) {
      line.value("data") += row.data;
    } else {
      line.text_or_null("data", row.data);
    }
  }
  out += '\n';
}

}  // namespace picortex
