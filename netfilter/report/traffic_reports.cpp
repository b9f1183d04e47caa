#include "netfilter/report/traffic_reports.h"

#include <utility>

#include "base/json/json_object.h"
#include "netfilter/report/egress_texts.h"
#include "netfilter/wire/packet.h"

namespace picortex {
namespace {

std::string key_of(const EndedConnection& ended) {
  std::string key(1, static_cast<char>(ended.protocol));
  key.append({static_cast<char>(ended.port >> 8), static_cast<char>(ended.port & 0xff)});
  key.append(ended.known.host).append(1, '\0').append(ended.known.executable).append(1, '\0');
  if (!ended.known.ids.request_id.is_nil()) key += to_string(ended.known.ids.request_id);
  return key;
}

std::string counted(std::int64_t bytes_up, std::int64_t bytes_down) {
  return std::to_string(bytes_up) + " bytes up, " + std::to_string(bytes_down) + " bytes down";
}

}  // namespace

void TrafficReports::add_to(Sum& sum, const EndedConnection& ended) noexcept {
  ++sum.connections;
  sum.uncounted += ended.is_counted ? 0 : 1;
  sum.bytes_up += ended.bytes_up;
  sum.bytes_down += ended.bytes_down;
}

void TrafficReports::add(const EndedConnection& ended, std::int64_t now_ms) {
  std::string key = key_of(ended);
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    return add_to(found->second->sum, ended);
  }
  if (places_.size() >= kPlacesMax) {
    if (others_.connections == 0) others_end_ms_ = now_ms + kWindowMs;
    return add_to(others_, ended);
  }
  Sum sum;
  add_to(sum, ended);
  report(ended, sum);
  places_.push_back({std::move(key), ended, now_ms + kWindowMs, {}});
  by_key_.emplace(places_.back().key, std::prev(places_.end()));
  // Those that follow have their own.
  places_.back().first.duration_ms.reset();
  places_.back().first.known.client_pid = 0;
}

void TrafficReports::expire(std::int64_t now_ms) {
  while (!places_.empty() && places_.front().end_ms <= now_ms) {
    Place& place = places_.front();
    if (place.sum.connections > 0) report(place.first, place.sum);
    by_key_.erase(place.key);
    places_.pop_front();
  }
  if (others_.connections > 0 && others_end_ms_ <= now_ms) report_others();
}

void TrafficReports::report(const EndedConnection& of, const Sum& sum) {
  const bool is_one = sum.connections == 1;
  const bool has_bytes = sum.uncounted < sum.connections;
  EgressRecord record;
  record.level = Level::debug;
  record.event_type = kEgressClosed;
  record.ids = of.known.ids;
  record.host = of.known.host;
  record.port = of.port;
  record.protocol = of.protocol;
  record.outcome = EgressOutcome::allowed;
  record.message = (is_one ? "closed " : std::to_string(sum.connections) + " more closed to ") +
                   place_of(record.host, record.port) + ": " +
                   (has_bytes ? counted(sum.bytes_up, sum.bytes_down) : "bytes not counted");
  {
    JsonObject members(record.data);
    members.text("host", record.host).text("address", of.address).number("port", of.port);
    members.text("protocol", protocol_label(of.protocol));
    members.number("connections", sum.connections);
    if (has_bytes) members.number("bytes_up", sum.bytes_up).number("bytes_down", sum.bytes_down);
    if (sum.uncounted > 0) members.number("uncounted", sum.uncounted);
    if (of.duration_ms) members.number("duration_ms", *of.duration_ms);
    if (!of.known.rule.empty()) members.text("rule", of.known.rule);
    if (of.known.client_pid != 0) members.number("client_pid", of.known.client_pid);
    if (!of.known.executable.empty()) members.text("executable", of.known.executable);
    members.text("id_source", id_source_label(of.known.id_source));
  }
  report_(record, of.known.rule,
          {.host = record.host,
           .port = record.port,
           .connections = sum.connections,
           .bytes_up = sum.bytes_up,
           .bytes_down = sum.bytes_down,
           .has_turn = !record.ids.request_id.is_nil()});
}

void TrafficReports::report_others() {
  const Sum sum = std::exchange(others_, {});
  EgressRecord record;
  record.level = Level::debug;
  record.event_type = kEgressClosed;
  record.outcome = EgressOutcome::allowed;
  record.message = std::to_string(sum.connections) + " more closed to too many places to report " +
                   "each: " + counted(sum.bytes_up, sum.bytes_down);
  JsonObject(record.data)
      .text("folded", "*")
      .number("connections", sum.connections)
      .number("bytes_up", sum.bytes_up)
      .number("bytes_down", sum.bytes_down)
      .text("id_source", id_source_label(IdSource::none));
  report_(record, {},
          {.host = {},
           .connections = sum.connections,
           .bytes_up = sum.bytes_up,
           .bytes_down = sum.bytes_down});
}

}  // namespace picortex
