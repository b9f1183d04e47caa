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
  pending.outcome = outcome;
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
  pending.evidence = event.verdict.evidence;
  pending.reason = event.verdict.reason;
  pending.rule = event.verdict.rule ? uses_.text(*event.verdict.rule) : std::string_view();
  pending.host.assign(event.host, 0, HostName::kSizeMax);
  pending.destination = event.destination;
  pending.port = event.destination_port;
  pending.protocol = event.protocol;
  pending.dns_only = event.dns_only;
  pending.uid = event.uid;
  pending.time_ms = event.time_ms;
}

void EgressJournal::on_culprit(void* owner, std::uint32_t ticket, const Culprit& culprit) noexcept {
  auto& journal = *static_cast<EgressJournal*>(owner);
  if (culprit.pid == 0) ++journal.figures_.unattributed;
  journal.conclude(journal.pending_[ticket], culprit);
  journal.free_tickets_.push_back(ticket);
}

// What makes two alike.
void EgressJournal::make_key(const Pending& pending, const Culprit& culprit) {
  key_.assign(1, pending.outcome == EgressOutcome::refused ? 'r' : 'a');
  key_.append(1, pending.dns_only ? 'n' : 'c').append(1, static_cast<char>(pending.protocol));
  const std::uint16_t port = pending.dns_only ? 0 : pending.port;
  key_.append(1, static_cast<char>(port >> 8)).append(1, static_cast<char>(port & 0xff));
  key_.append(culprit.executable).append(1, '\0');
  if (pending.host.empty()) {
    const auto address = pending.destination.raw();
    key_.append(reinterpret_cast<const char*>(address.data()), address.size());
  } else {
    key_.append(pending.host).append(1, '\0');
  }
  if (culprit.id_source == IdSource::registered) key_ += to_string(culprit.ids.request_id);
}

EgressRecord EgressJournal::describe(const Pending& pending, const Culprit& culprit) {
  const bool refused = pending.outcome == EgressOutcome::refused;
  const bool has_address = pending.destination != IpAddress{.is_v6 = pending.destination.is_v6};
  const std::string address = has_address ? to_string(pending.destination) : std::string();
  EgressRecord record;
  record.level = refused ? Level::warn : Level::debug;
  record.event_type = refused ? kRejected : kAllowed;
  record.time_ms = pending.time_ms;
  record.ids = culprit.ids;
  if (record.ids.request_id.is_nil()) record.ids.request_id = ids_.next(reactor_.unix_ms());
  record.host = pending.host.empty() ? address : pending.host;
  record.port = pending.dns_only ? 0 : pending.port;
  record.protocol = pending.protocol;
  record.outcome = pending.outcome;
  record.message = (refused ? "refused " : "let go ") + place_of(record);
  JsonMembers members(record.data);
  members.text("host", record.host);
  if (has_address) members.text("address", address);
  if (!pending.dns_only) members.number("port", pending.port);
  members.text("protocol", protocol_label(pending.protocol));
  members.text("evidence", evidence_label(pending.evidence));
  members.text("reason", reason_label(pending.reason));
  if (!pending.rule.empty()) members.text("rule", pending.rule);
  if (pending.outcome == EgressOutcome::learned) members.truth("learned", true);
  members.number("uid", pending.uid);
  // The line's own `pid` is the daemon's.
  if (culprit.pid != 0) {
    members.number("client_pid", culprit.pid);
    members.text("executable", culprit.executable).text("command", culprit.command);
  }
  members.text("id_source", id_source_label(culprit.id_source));
  return record;
}

// One that is alike to one of this minute needs no texts: its host is known by now.
void EgressJournal::conclude(const Pending& pending, const Culprit& culprit) {
  make_key(pending, culprit);
  if (repetitions_.repeat(key_)) return;
  EgressRecord record = describe(pending, culprit);
  const EgressAttempt attempt{.host = record.host,
                              .port = record.port,
                              .protocol = record.protocol,
                              .outcome = record.outcome};
  bool is_counted = false;
  if (!record.host.empty() && is_new(record.host)) {
    tell_new_host(record);
    is_counted = true;
  }
  record.data += '}';
  if (!repetitions_.add(key_, record, reactor_.unix_ms())) {
    ++figures_.untold;
    return;
  }
  tell(record, is_counted || record.host.empty() ? nullptr : &attempt);
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
