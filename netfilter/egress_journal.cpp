#include "netfilter/egress_journal.h"

#include <limits>
#include <utility>

#include "base/json_members.h"
#include "base/timestamp.h"
#include "netfilter/packet.h"

namespace picortex {
namespace {

constexpr std::string_view kRejected = "egress.rejected";
constexpr std::string_view kAllowed = "egress.allowed";
constexpr std::string_view kNewHost = "egress.new_host";
constexpr std::string_view kUntold = "egress.untold";

constexpr std::chrono::seconds kTick{1};
constexpr std::int64_t kMinuteMs = 60'000;

std::string place_of(const EgressRecord& record) {
  std::string place = record.host;
  if (record.port != 0) place += ':' + std::to_string(record.port);
  return place;
}

}  // namespace

EgressJournal::EgressJournal(Reactor& reactor, Log& log, EventSink& sink, AlertCommand& alerts,
                             const RunRegistry& runs, SocketQuery sockets,
                             std::span<const EgressHost> known)
    : reactor_(reactor),
      log_(log),
      sink_(sink),
      alerts_(alerts),
      attribution_(reactor, runs, std::move(sockets), this, &EgressJournal::on_culprit),
      pending_(kPendingMax),
      ticks_(kTick),
      minute_end_ms_(reactor.unix_ms() + kMinuteMs) {
  for (std::uint32_t ticket = kPendingMax; ticket-- > 0;) free_tickets_.push_back(ticket);
  for (const EgressHost& host : known) is_new(host.name);
  new_hosts_this_minute_ = 0;
  reactor_.add(ticks_);
  ticks_.start(tick_, reactor_.now());
}

EgressOutcome EgressJournal::count(const EgressEvent& event) noexcept {
  const Verdict& verdict = event.verdict;
  if (verdict.rule) uses_.note(*verdict.rule, event.time_ms);
  if (!verdict.refused) {
    ++figures_.allowed;
    return EgressOutcome::allowed;
  }
  if (verdict.action != Action::reject) {
    ++figures_.learned;
    return EgressOutcome::learned;
  }
  ++figures_.refused;
  return EgressOutcome::refused;
}

void EgressJournal::on_verdict(const EgressEvent& event) noexcept {
  if (!event.verdict.is_final) return;
  const EgressOutcome outcome = count(event);
  if (free_tickets_.empty()) {
    ++figures_.untold;
    return;
  }
  const std::uint32_t ticket = free_tickets_.back();
  free_tickets_.pop_back();
  Pending& pending = pending_[ticket];
  pending.record.outcome = outcome;
  fill(pending, event);
  attribution_.ask(ticket,
                   {.protocol = event.protocol,
                    .source = event.source,
                    .source_port = event.source_port,
                    .destination = event.dns_only ? IpAddress{} : event.destination,
                    .destination_port = event.destination_port},
                   event.verdict.action == Action::reject || event.dns_only);
}

void EgressJournal::fill(Pending& pending, const EgressEvent& event) {
  EgressRecord& record = pending.record;
  const bool has_address = event.destination != IpAddress{.is_v6 = event.destination.is_v6};
  const std::string address = has_address ? to_string(event.destination) : std::string();
  const bool refused = record.outcome == EgressOutcome::refused;
  pending.uid = event.uid;
  pending.dns_only = event.dns_only;
  record.level = refused ? Level::warn : Level::debug;
  record.event_type = refused ? kRejected : kAllowed;
  record.time_ms = event.time_ms;
  record.host = event.host.empty() ? address : std::string(event.host.substr(0, 253));
  record.port = event.dns_only ? 0 : event.destination_port;
  record.protocol = event.protocol;
  record.data.clear();
  JsonMembers members(record.data);
  members.text("host", record.host);
  if (has_address) members.text("address", address);
  if (!event.dns_only) members.number("port", event.destination_port);
  members.text("protocol", protocol_label(event.protocol));
  members.text("evidence", evidence_label(event.verdict.evidence));
  members.text("reason", reason_label(event.verdict.reason));
  if (event.verdict.rule) members.text("rule", uses_.text(*event.verdict.rule));
  if (record.outcome == EgressOutcome::learned) members.truth("learned", true);
}

void EgressJournal::on_culprit(void* owner, std::uint32_t ticket, const Culprit& culprit) noexcept {
  auto& journal = *static_cast<EgressJournal*>(owner);
  if (culprit.pid == 0) ++journal.figures_.unattributed;
  journal.conclude(journal.pending_[ticket], culprit);
  journal.free_tickets_.push_back(ticket);
}

void EgressJournal::conclude(Pending& pending, const Culprit& culprit) {
  EgressRecord& record = pending.record;
  record.ids = culprit.ids;
  if (record.ids.request_id.is_nil()) record.ids.request_id = ids_.next(reactor_.unix_ms());
  JsonMembers members(record.data);
  members.number("uid", pending.uid);
  // The line's own `pid` is the daemon's.
  if (culprit.pid != 0) {
    members.number("client_pid", culprit.pid);
    members.text("executable", culprit.executable).text("command", culprit.command);
  }
  members.text("id_source", id_source_label(culprit.id_source));
  record.message.assign(record.outcome == EgressOutcome::refused ? "refused " : "let go ");
  record.message += place_of(record);

  const EgressAttempt attempt{.host = record.host,
                              .port = record.port,
                              .protocol = record.protocol,
                              .outcome = record.outcome};
  bool is_counted = false;
  if (!record.host.empty() && is_new(record.host)) {
    tell_new_host(record);
    is_counted = true;
  }
  key_.assign(record.event_type).append(1, '\0').append(culprit.executable).append(1, '\0');
  key_.append(record.host).append(1, '\0').append(std::to_string(record.port));
  key_.append(1, pending.dns_only ? 'n' : 'c').append(1, static_cast<char>(record.protocol));
  if (culprit.id_source == IdSource::registered) key_ += to_string(record.ids.request_id);
  record.data += '}';
  switch (repetitions_.note(key_, record, reactor_.unix_ms())) {
    case RepetitionTable::Answer::first:
      return tell(record, is_counted || record.host.empty() ? nullptr : &attempt);
    case RepetitionTable::Answer::repeated:
      return;
    case RepetitionTable::Answer::no_room:
      ++figures_.untold;
  }
}

// Also remembers it, unless there have been too many this minute: then it is new the next time too.
bool EgressJournal::is_new(std::string_view host) {
  const std::uint64_t hash = host_hash_(host);
  if (known_hosts_.contains(hash)) return false;
  const bool is_full = hosts_in_order_.size() == kHostsMax;
  if (tick_.is_running() && new_hosts_this_minute_ == kNewHostsPerMinute) {
    ++figures_.untold;
    return false;
  }
  ++new_hosts_this_minute_;
  if (is_full) {
    known_hosts_.erase(std::exchange(hosts_in_order_[oldest_host_], hash));
    oldest_host_ = (oldest_host_ + 1) % kHostsMax;
  } else {
    hosts_in_order_.push_back(hash);
  }
  known_hosts_.insert(hash);
  return true;
}

void EgressJournal::tell_new_host(const EgressRecord& record) {
  ++figures_.new_hosts;
  EgressRecord alert = record;
  alert.level = Level::warn;
  alert.event_type = kNewHost;
  alert.message =
      "first attempt ever at " + record.host + ": " + std::string(outcome_label(record.outcome));
  JsonMembers(alert.data).text("outcome", outcome_label(record.outcome));
  alert.data += '}';
  const EgressAttempt attempt{
      .host = alert.host, .port = alert.port, .protocol = alert.protocol, .outcome = alert.outcome};
  tell(alert, &attempt);
  alerts_.send({.event_type = kNewHost,
                .time_ms = alert.time_ms,
                .request_id = alert.ids.request_id,
                .chat_id = alert.ids.chat_id,
                .msg = alert.message,
                .data = alert.data});
}

void EgressJournal::tell(const EgressRecord& record, const EgressAttempt* attempt) {
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
               .egress = attempt});
}

void EgressJournal::tell_count(EgressRecord& record, std::int64_t repetitions) {
  record.data.pop_back();
  JsonMembers(record.data).number("repeated", repetitions);
  record.data += '}';
  record.message += ": " + std::to_string(repetitions) + " more within a minute";
  record.time_ms = reactor_.unix_ms();
  const EgressAttempt attempt{.host = record.host,
                              .port = record.port,
                              .protocol = record.protocol,
                              .outcome = record.outcome,
                              .count = repetitions};
  tell(record, record.host.empty() ? nullptr : &attempt);
}

void EgressJournal::tell_untold() {
  const std::uint64_t untold = figures_.untold - untold_reported_;
  if (untold == 0) return;
  untold_reported_ = figures_.untold;
  EgressRecord record;
  record.event_type = kUntold;
  record.time_ms = reactor_.unix_ms();
  record.ids.request_id = ids_.next(reactor_.unix_ms());
  record.message = std::to_string(untold) + " more decisions of the fence, too many to tell apart";
  JsonMembers(record.data).number("untold", static_cast<std::int64_t>(untold));
  record.data += '}';
  tell(record, nullptr);
}

void EgressJournal::on_tick() noexcept {
  ticks_.start(tick_, reactor_.now());
  const std::int64_t now_ms = reactor_.unix_ms();
  repetitions_.expire(now_ms, [this](EgressRecord& record, std::int64_t repetitions) {
    tell_count(record, repetitions);
  });
  if (now_ms < minute_end_ms_) return;
  minute_end_ms_ = now_ms + kMinuteMs;
  new_hosts_this_minute_ = 0;
  tell_untold();
}

void EgressJournal::stop() {
  tick_.stop();
  repetitions_.expire(
      std::numeric_limits<std::int64_t>::max(),
      [this](EgressRecord& record, std::int64_t repetitions) { tell_count(record, repetitions); });
  tell_untold();
}

}  // namespace picortex
