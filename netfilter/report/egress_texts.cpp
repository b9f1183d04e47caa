#include "netfilter/report/egress_texts.h"

#include <algorithm>

#include "base/json/json_object.h"
#include "netfilter/wire/host_name.h"

namespace picortex {
namespace {

constexpr std::string_view kBetweenNames = ", ";

void append_list(JsonObject data, const PlaceLists::List& list) {
  data.text("outcome", outcome_label(list.kind.outcome)).number("attempts", list.attempts);
  if (!list.kind.executable.empty()) data.text("executable", list.kind.executable);
  JsonArray places = data.array("places");
  for (const PlaceLists::Place& place : list.places) places.text(place.text);
}

}  // namespace

std::string place_of(std::string_view host, std::uint16_t port) {
  if (port == 0) return std::string(host);
  std::string place;
  const bool is_v6 = host.find(':') != host.npos;
  place.append(is_v6 ? "[" : "").append(host).append(is_v6 ? "]:" : ":");
  return place += std::to_string(port);
}

std::string_view folded_parent(std::string_view name) noexcept {
  std::string_view parent = parent_name(name);
  while (!parent_name(parent_name(parent)).empty()) parent = parent_name(parent);
  return parent;
}

bool join_names(std::span<const std::string_view> names, std::size_t size_max, std::string& out) {
  for (const std::string_view name : names) {
    if (out.size() + kBetweenNames.size() + name.size() > size_max) return false;
    if (!out.empty()) out += kBetweenNames;
    out += name;
  }
  return true;
}

void append_names(JsonArray array, std::string_view joined) {
  while (!joined.empty()) {
    const std::string_view name = joined.substr(0, joined.find(kBetweenNames));
    array.text(name);
    joined.remove_prefix(std::min(joined.size(), name.size() + kBetweenNames.size()));
  }
}

void describe_process_owner(JsonObject& members, const ProcessOwner& process_owner) {
  if (process_owner.pid != 0) {
    members.number("client_pid", process_owner.pid);
    members.text("executable", process_owner.executable).text("command", process_owner.command);
  }
  if (process_owner.tracer_pid != 0) members.number("tracer_pid", process_owner.tracer_pid);
  members.text("id_source", id_source_label(process_owner.id_source));
}

std::size_t size_of(const EgressRecord& record) noexcept {
  return record.data.size() + record.message.size() + 200;
}

EgressRecord describe_list(const PlaceLists::List& list) {
  const PlaceLists::Kind& kind = list.kind;
  EgressRecord record;
  record.event_type = kind.event_type;
  record.level = kind.event_type == kEgressAllowed ? Level::debug : Level::warn;
  record.outcome = kind.outcome;
  const std::string count = std::to_string(list.places.size());
  record.message = kind.event_type == kEgressNewHost
                       ? "first attempt at " + count + " more hosts"
                       : std::string(outcome_label(kind.outcome)) + ' ' +
                             std::to_string(list.attempts) + " more connections to " + count +
                             " places";
  append_list(JsonObject(record.data), list);
  return record;
}

}  // namespace picortex
