#include "cli/source/fleet_sql.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "ship/encode/json_encoders.h"
#include "storage/event_id.h"
#include "storage/query/text_filter.h"

namespace picortex {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

// Conditions that are all to be true.
class Conjunction {
 public:
  void add(std::string condition) {
    text_ += text_.empty() ? "" : " AND ";
    text_ += condition;
  }
  std::string text() const { return text_.empty() ? "1" : text_; }

 private:
  std::string text_;
};

// Equal to the name, or from a prefix on: a range, which the table's order can answer.
void add_name(Conjunction& all, std::string_view column, std::string_view name) {
  if (name.empty()) return;
  const std::string subject(column);
  if (!name.ends_with('*')) return all.add(subject + " = " + sql_text(name));
  name.remove_suffix(1);
  if (name.empty()) return;
  std::string end(name);
  ++end.back();  // no byte of UTF-8 is 0xff
  all.add(subject + " >= " + sql_text(name));
  all.add(subject + " < " + sql_text(end));
}

// `time` is in the partition's expression, `time_ms` in the order.
void add_times(Conjunction& all, std::int64_t since_ms, std::int64_t until_ms) {
  const std::int64_t first = std::clamp<std::int64_t>(since_ms, 0, kLatestUnixMs + 1);
  const std::int64_t last = std::clamp<std::int64_t>(until_ms, 0, kLatestUnixMs + 1) - 1;
  const auto seconds = [](std::int64_t time_ms) {
    return "toDateTime(" + std::to_string(clickhouse_seconds(time_ms)) + ')';
  };
  if (first > 0) {
    all.add("time >= " + seconds(first));
    all.add("time_ms >= " + std::to_string(first));
  }
  if (last < kLatestUnixMs) {
    all.add("time <= " + seconds(last));
    all.add("time_ms <= " + std::to_string(last));
  }
}

void add_after(Conjunction& all, EventOrder order, std::int64_t key) {
  const bool is_newest_first = order == EventOrder::newest_first;
  const std::int64_t time_ms = time_of(key);
  if (is_newest_first) {
    add_times(all, 0, time_ms + 1);
  } else {
    add_times(all, time_ms, kLatestUnixMs + 1);
  }
  const std::string sign = is_newest_first ? " < " : " > ";
  const std::string time = std::to_string(time_ms);
  all.add("(time_ms" + sign + time + " OR (time_ms = " + time + " AND sequence" + sign +
          std::to_string(key - first_key_of(time_ms)) + "))");
}

std::string has(std::string_view column, std::string_view lower) {
  return "position(lower(" + std::string(column) + "), " + sql_text(lower) + ") > 0";
}

void add_fields(Conjunction& all, const EventFilter& filter) {
  for (const FieldCondition& condition : filter.where) {
    if (const auto type = condition.wanted_type()) add_name(all, "event_type", *type);
    if (const auto chat = condition.wanted_chat()) add_name(all, "chat_id", *chat);
    for (const std::string& needle : condition.needles()) {
      if (!needle.empty()) all.add(has("data", needle));
    }
  }
}

}  // namespace

std::string sql_text(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (is_alphanumeric(c) || c == ' ' || c == '.' || c == '-' || c == '_' || c == ':') {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += "\\x";
    out += kHexDigits[byte >> 4];
    out += kHexDigits[byte & 15];
  }
  return out + '\'';
}

std::string sql_uuid(const Uuid& uuid) { return "toUUID('" + to_string(uuid) + "')"; }

std::string sql_condition(const EventFilter& filter, std::string_view host,
                          std::optional<std::int64_t> after) {
  Conjunction all;
  if (!host.empty()) all.add("host = " + sql_text(host));
  add_times(all, filter.since_ms, filter.until_ms);
  if (after) add_after(all, filter.order, *after);
  if (!filter.chat_id.empty()) all.add("chat_id != ''");
  add_name(all, "chat_id", filter.chat_id);
  add_name(all, "event_type", filter.event_type);
  if (filter.level > Level::trace) {
    all.add("toInt8(level) >= " + std::to_string(static_cast<int>(filter.level)));
  }
  if (filter.request_id) all.add("request_id = " + sql_uuid(*filter.request_id));
  if (!filter.text.empty()) {
    const TextFilter text(filter.text);
    all.add('(' + has("msg", text.in_msg()) + " OR " + has("data", text.in_data()) + ')');
  }
  add_fields(all, filter);
  return all.text();
}

bool is_sql_exact(const EventFilter& filter) { return filter.where.empty(); }

std::string sql_order(EventOrder order) {
  const std::string direction = order == EventOrder::newest_first ? " DESC" : "";
  return " ORDER BY time_ms" + direction + ", sequence" + direction + ", host, event_id";
}

}  // namespace picortex
