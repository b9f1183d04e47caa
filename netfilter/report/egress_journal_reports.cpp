// What the journal reports: new hosts, lists of places, ends of connections, counts.
#include <utility>

#include "base/json/json_object.h"
#include "netfilter/report/egress_journal.h"
#include "netfilter/report/egress_texts.h"

namespace picortex {

void EgressJournal::remember(std::string_view host) {
  const std::uint64_t hash = host_hash_(host);
  if (hosts_in_order_.size() == kHostsMax) {
    known_hosts_.erase(std::exchange(hosts_in_order_[oldest_host_], hash));
    oldest_host_ = (oldest_host_ + 1) % kHostsMax;
  } else {
    hosts_in_order_.push_back(hash);
  }
  known_hosts_.insert(hash);
}

void EgressJournal::note_denial(const Pending& pending, const ProcessOwner& process_owner) {
  const bool has_address = pending.destination != IpAddress{.is_v6 = pending.destination.is_v6};
  Denial denial{.host = pending.host,
                .address = has_address ? to_string(pending.destination) : std::string(),
                .candidates = pending.candidates,
                .port = pending.dns_only ? std::uint16_t{0} : pending.port,
                .protocol = pending.protocol,
                .reason = pending.reason,
                .uid = pending.uid,
                .ids = process_owner.ids,
                .pid = process_owner.pid,
                .executable = process_owner.executable,
                .first_ms = pending.time_ms,
                .last_ms = pending.time_ms};
  if (denial.host.empty()) denial.host = denial.address;
  if (denial.ids.chat_id.empty()) denial.ids.chat_id = chats_.find(denial.ids.request_id);
  denials_.note(std::move(denial));
}

// The breaches that the meter reports are few: one for each time that a budget is used up.
void EgressJournal::report_breach(const Pending& pending, const ProcessOwner& process_owner) {
  const UploadBreach& breach = *pending.breach;
  EgressRecord record = describe(pending, process_owner);
  record.level = Level::warn;
  record.event_type = kEgressBudget;
  record.message = "the upload budget of " + place_of(record.host, record.port) + ", " +
                   breach.budget + ", is used up: " + std::to_string(breach.bytes) + " bytes sent";
  JsonObject::reopened(record.data)
      .text("budget", breach.budget)
      .number("budget_bytes", breach.budget_bytes)
      .number("bytes_up", breach.bytes);
  report(record, nullptr);
  on_alert_(record);
}

// Returns whether the record gets an egress.new_host event of its own, which then counts in the
// table of hosts. `record.data` is not closed yet. Beyond the budget a connection's host is listed;
// a name stays new for the next time, and its parent domain is reported instead.
bool EgressJournal::report_if_new(const EgressRecord& record, Budget& budget, int& new_hosts,
                                  int new_hosts_max) {
  if (record.host.empty() || is_known(record.host)) return false;
  if (new_hosts < new_hosts_max && budget.spend(size_of(record))) {
    ++new_hosts;
    remember(record.host);
    report_new_host(record);
    return true;
  }
  if (record.port == 0) {
    report_new_parent(record);
    return false;
  }
  remember(record.host);
  ++stats_.new_hosts;
  list_place(kEgressNewHost, record, {});
  return false;
}

void EgressJournal::report_new_parent(const EgressRecord& record) {
  const std::string_view parent = folded_parent(record.host);
  if (parent.empty() || record.host.starts_with('*')) return;
  EgressRecord above = record;
  above.host = "*." + std::string(parent);
  if (is_known(above.host) || new_parents_ == kNewParentsMax) return;
  if (!parents_.spend(size_of(above))) return;
  ++new_parents_;
  remember(above.host);
  report_new_host(above);
}

void EgressJournal::report_new_host(const EgressRecord& record) {
  ++stats_.new_hosts;
  EgressRecord alert = record;
  alert.level = Level::warn;
  alert.event_type = kEgressNewHost;
  alert.message =
      "first attempt at " + record.host + ": " + std::string(outcome_label(record.outcome));
  JsonObject::reopened(alert.data).text("outcome", outcome_label(record.outcome));
  const EgressAttempt attempt{
      .host = alert.host, .port = alert.port, .protocol = alert.protocol, .outcome = alert.outcome};
  report(alert, &attempt);
  on_alert_(alert);
}

void EgressJournal::list_place(std::string_view event_type, const EgressRecord& record,
                               std::string_view executable) {
  lists_.add({event_type, record.outcome, std::string(executable)},
             place_of(record.host, record.port),
             [this](const PlaceLists::List& list) { report_list(list); });
}

void EgressJournal::report_list(const PlaceLists::List& list) {
  EgressRecord record = describe_list(list);
  if (size_of(record) > kListBytesMax - list_bytes_) {
    if (list.kind.event_type == kEgressNewHost) return;  // its attempts are counted elsewhere too
    const bool denied = list.kind.outcome == EgressOutcome::denied;
    return suppress(denied ? Class::denied : Class::allowed, list.attempts);
  }
  list_bytes_ += size_of(record);
  record.time_ms = reactor_.unix_ms();
  record.ids.request_id = ids_.next(record.time_ms);
  report(record, nullptr);
  if (list.kind.event_type == kEgressNewHost) on_alert_(record);
}

void EgressJournal::note_connection(const Pending& pending, const ProcessOwner& process_owner) {
  OpenConnection connection{
      .host = pending.host.empty() ? to_string(pending.destination) : pending.host,
      .rule = pending.rule,
      .executable = process_owner.executable,
      .client_pid = process_owner.pid,
      .ids = process_owner.ids,
      .id_source = process_owner.id_source};
  connections_.note({.protocol = pending.protocol,
                     .source = pending.source,
                     .source_port = pending.source_port,
                     .destination = pending.destination,
                     .destination_port = pending.port},
                    std::move(connection));
}

void EgressJournal::on_end(const EgressEnd& end) noexcept {
  auto known = connections_.take(end.ends);
  if (!known && end.is_doubtful) return;
  EndedConnection ended{.known = known ? std::move(*known) : OpenConnection(),
                        .address = to_string(end.ends.destination),
                        .port = end.ends.destination_port,
                        .protocol = end.ends.protocol,
                        .is_counted = end.is_counted,
                        .bytes_up = end.bytes_up,
                        .bytes_down = end.bytes_down,
                        .duration_ms = end.duration_ms};
  if (ended.known.host.empty()) ended.known.host = end.host.empty() ? ended.address : end.host;
  traffic_.add(ended, steady_ms());
}

void EgressJournal::report_traffic(EgressRecord& record, std::string_view rule,
                                   const EgressTraffic& traffic) noexcept {
  record.time_ms = reactor_.unix_ms();
  if (record.ids.chat_id.empty()) record.ids.chat_id = chats_.find(record.ids.request_id);
  if (record.ids.request_id.is_nil()) record.ids.request_id = ids_.next(record.time_ms);
  if (!rule.empty()) uses_.add_bytes(rule, traffic.bytes_up, traffic.bytes_down);
  report(record, nullptr, traffic.host.empty() ? nullptr : &traffic);
}

void EgressJournal::report(const EgressRecord& record, const EgressAttempt* attempt,
                           const EgressTraffic* traffic) {
  log_.line(record.level, record.event_type,
            {.request_id = &record.ids.request_id, .chat_id = record.ids.chat_id})
      .members(record.data)
      .message(record.message);
  sink_.store({.time_ms = record.time_ms,
               .level = record.level,
               .event_type = record.event_type,
               .chat_id = record.ids.chat_id,
               .msg = record.message,
               .data = record.data,
               .request_id = record.ids.request_id,
               .id = std::nullopt,
               .egress = attempt,
               .traffic = traffic});
}

void EgressJournal::report_count(EgressRecord& record, std::int64_t duplicates) {
  JsonObject::reopened(record.data).number("repeated", duplicates);
  record.message += ": " + std::to_string(duplicates) + " more within a minute";
  record.time_ms = reactor_.unix_ms();
  const EgressAttempt attempt{.host = record.host,
                              .port = record.port,
                              .protocol = record.protocol,
                              .outcome = record.outcome,
                              .count = duplicates};
  report(record, record.host.empty() ? nullptr : &attempt);
}

void EgressJournal::report_suppressed() {
  const auto since = [](std::uint64_t now, std::uint64_t before) {
    return static_cast<std::int64_t>(now - before);
  };
  const std::int64_t names = since(stats_.suppressed_names, reported_.suppressed_names);
  const std::int64_t denied = since(stats_.suppressed_denied, reported_.suppressed_denied);
  const std::int64_t allowed = since(stats_.suppressed_allowed, reported_.suppressed_allowed);
  reported_ = stats_;
  if (names + denied + allowed == 0) return;
  EgressRecord record;
  record.event_type = kEgressSuppressed;
  record.time_ms = reactor_.unix_ms();
  record.ids.request_id = ids_.next(reactor_.unix_ms());
  record.message = "too many decisions to report each: " + std::to_string(names) + " names, " +
                   std::to_string(denied) + " connections denied, " + std::to_string(allowed) +
                   " allowed";
  JsonObject(record.data)
      .number("names", names)
      .number("denied", denied)
      .number("allowed", allowed);
  report(record, nullptr);
}

}  // namespace picortex
