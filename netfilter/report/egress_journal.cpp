#include "netfilter/report/egress_journal.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/json/json_object.h"
#include "base/time/durations.h"
#include "netfilter/report/egress_texts.h"
#include "netfilter/wire/packet.h"

namespace picortex {
namespace {

constexpr std::chrono::seconds kTick{1};
// A listed place waits at most this long for its list to fill.
constexpr int kTicksPerList = 10;

}  // namespace

EgressJournal::EgressJournal(Reactor& reactor, Log& log, EventSink& sink, AlertCallback on_alert,
                             const AgentProcessRegistry& runs, SockDiagQuery sockets,
                             std::span<const EgressHost> known)
    : reactor_(reactor),
      log_(log),
      sink_(sink),
      on_alert_(on_alert),
      attribution_(reactor, runs, std::move(sockets),
                   Attribution::AnswerCallback::to<&EgressJournal::on_process_owner>(*this)),
      pending_(kPendingMax),
      budgets_{{{ReportDeduplicator(kNamesMax), kNameBytesMax},
                {ReportDeduplicator(kConnectionsMax), kConnectionBytesMax},
                {ReportDeduplicator(kConnectionsMax), kConnectionBytesMax}}},
      ticks_(reactor, kTick, Callback<>::to<&EgressJournal::on_tick>(*this)),
      minute_end_ms_(steady_ms() + kMinuteMs),
      ticks_until_lists_(kTicksPerList) {
  for (std::uint32_t ticket = kPendingMax; ticket-- > 0;) free_tickets_.push_back(ticket);
  for (const EgressHost& host : known) {
    if (!is_known(host.name)) remember(host.name);
  }
  ticks_.start();
}

// The budgets' clock: setting the wall clock back must not keep a minute from ending.
std::int64_t EgressJournal::steady_ms() const noexcept {
  return std::chrono::duration_cast<std::chrono::milliseconds>(reactor_.now().time_since_epoch())
      .count();
}

EgressOutcome EgressJournal::count(const EgressEvent& event) noexcept {
  const Verdict& verdict = event.verdict;
  if (verdict.rule && !verdict.denied) uses_.note(*verdict.rule, event.time_ms);
  if (!verdict.denied) {
    ++stats_.allowed;
    return EgressOutcome::allowed;
  }
  if (verdict.action != Action::reject) {
    ++stats_.learned;
    return EgressOutcome::learned;
  }
  ++stats_.denied;
  return EgressOutcome::denied;
}

void EgressJournal::on_verdict(const EgressEvent& event) noexcept {
  if (event.verdict.is_final) decide(event, count(event), false);
}

// It was counted by the process that decided about it.
void EgressJournal::on_resumed(const EgressEvent& event) noexcept {
  decide(event, EgressOutcome::allowed, true);
}

void EgressJournal::decide(const EgressEvent& event, EgressOutcome outcome, bool is_resumed) {
  if (free_tickets_.empty() || (event.dns_only && pending_names_ == kPendingNamesMax)) {
    // Too many wait for their process: this one is reported without.
    Pending unattributed;
    unattributed.outcome = outcome;
    unattributed.is_resumed = is_resumed;
    fill(unattributed, event);
    if (!is_resumed) ++stats_.unattributed;
    return conclude(unattributed, {});
  }
  const std::uint32_t ticket = free_tickets_.back();
  free_tickets_.pop_back();
  if (event.dns_only) ++pending_names_;
  Pending& pending = pending_[ticket];
  pending.outcome = outcome;
  pending.is_resumed = is_resumed;
  fill(pending, event);
  attribution_.ask(ticket,
                   {.protocol = event.protocol,
                    .source = event.source,
                    .source_port = event.source_port,
                    .destination = event.dns_only ? IpAddress{} : event.destination,
                    .destination_port = event.destination_port},
                   event.dns_only                           ? Attribution::Kind::name
                   : event.verdict.action == Action::reject ? Attribution::Kind::denied
                                                            : Attribution::Kind::allowed);
}

void EgressJournal::fill(Pending& pending, const EgressEvent& event) {
  pending.breach.reset();
  if (event.breach != nullptr) pending.breach = *event.breach;
  pending.evidence = event.verdict.evidence;
  pending.reason = event.verdict.reason;
  pending.rule = event.verdict.rule ? uses_.text(*event.verdict.rule) : std::string_view();
  pending.host.assign(event.host, 0, HostName::kSizeMax);
  pending.candidates.clear();
  pending.has_more_candidates = false;
  if (event.candidates.size() > 1) {
    // Which of them the client meant is not known, and a wrong host is worse than none.
    pending.host.clear();
    pending.has_more_candidates =
        !join_names(event.candidates.first(
                        std::min(event.candidates.size(), EgressEvent::kCandidatesMax - 1)),
                    kCandidatesSizeMax, pending.candidates) ||
        event.candidates.size() == EgressEvent::kCandidatesMax;
  }
  pending.source = event.source;
  pending.source_port = event.source_port;
  pending.destination = event.destination;
  pending.port = event.destination_port;
  pending.protocol = event.protocol;
  pending.dns_only = event.dns_only;
  pending.uid = event.uid;
  pending.time_ms = event.time_ms;
}

void EgressJournal::on_lookup(const SocketEnds& asker, const HostName& name) noexcept {
  const auto free = std::ranges::find_if(lookups_, &HostName::empty);
  if (free == lookups_.end()) return;
  const auto ticket = kLookupTickets + static_cast<std::uint32_t>(free - lookups_.begin());
  if (attribution_.ask_aside(ticket, asker)) *free = name;
}

void EgressJournal::on_process_owner(std::uint32_t ticket,
                                     const ProcessOwner& process_owner) noexcept {
  if (ticket >= kLookupTickets) {
    const HostName name = std::exchange(lookups_[ticket - kLookupTickets], {});
    if (process_owner.pid == 0) return;
    return asked_names_.note({process_owner.pid, process_owner.start_time}, name);
  }
  Pending& pending = pending_[ticket];
  if (process_owner.pid == 0 && !pending.is_resumed) ++stats_.unattributed;
  if (pending.dns_only) --pending_names_;
  choose_candidate(pending, process_owner);
  conclude(pending, process_owner);
  free_tickets_.push_back(ticket);
}

// The name that the process itself asked for, if that is known.
void EgressJournal::choose_candidate(Pending& pending, const ProcessOwner& process_owner) const {
  if (pending.candidates.empty() || process_owner.pid == 0) return;
  const std::string_view asked =
      asked_names_.find_only({process_owner.pid, process_owner.start_time}, pending.candidates);
  if (asked.empty()) return;
  pending.host = asked;
  pending.candidates.clear();
  pending.has_more_candidates = false;
}

// Builds the key by which two decisions are alike.
void EgressJournal::make_key(const Pending& pending, const ProcessOwner& process_owner) {
  key_.assign(1, static_cast<char>(pending.outcome));
  key_.append(1, static_cast<char>(pending.reason)).append(1, static_cast<char>(pending.protocol));
  const std::uint16_t port = pending.dns_only ? 0 : pending.port;
  key_.append(1, static_cast<char>(port >> 8)).append(1, static_cast<char>(port & 0xff));
  key_.append(process_owner.executable).append(1, '\0');
  if (pending.host.empty()) {
    const auto address = pending.destination.raw();
    key_.append(reinterpret_cast<const char*>(address.data()), address.size());
  } else {
    key_.append(pending.host).append(1, '\0');
  }
  if (process_owner.id_source == IdSource::registered)
    key_ += to_string(process_owner.ids.request_id);
}

EgressRecord EgressJournal::describe(const Pending& pending, const ProcessOwner& process_owner) {
  const bool denied = pending.outcome == EgressOutcome::denied;
  const bool has_address = pending.destination != IpAddress{.is_v6 = pending.destination.is_v6};
  const std::string address = has_address ? to_string(pending.destination) : std::string();
  EgressRecord record;
  record.level = denied ? Level::warn : Level::debug;
  record.event_type = denied ? kEgressRejected : kEgressAllowed;
  record.time_ms = pending.time_ms;
  record.ids = process_owner.ids;
  if (record.ids.chat_id.empty()) record.ids.chat_id = chats_.find(record.ids.request_id);
  if (record.ids.request_id.is_nil()) record.ids.request_id = ids_.next(reactor_.unix_ms());
  record.host = pending.host.empty() ? address : pending.host;
  record.port = pending.dns_only ? 0 : pending.port;
  record.protocol = pending.protocol;
  record.outcome = pending.outcome;
  record.message = (denied ? "denied " : "allowed ") + place_of(record.host, record.port);
  if (!pending.candidates.empty()) {
    record.message += ", an address of " + pending.candidates;
    if (pending.has_more_candidates) record.message += " and more";
  }
  {
    JsonObject members(record.data);
    members.text("host", record.host);
    if (has_address) members.text("address", address);
    if (!pending.candidates.empty()) {
      append_names(members.array("candidates"), pending.candidates);
      if (pending.has_more_candidates) members.boolean("more_candidates", true);
    }
    if (!pending.dns_only) members.number("port", pending.port);
    members.text("protocol", protocol_label(pending.protocol));
    members.text("evidence", evidence_label(pending.evidence));
    members.text("reason", reason_label(pending.reason));
    if (!pending.rule.empty()) members.text("rule", pending.rule);
    if (pending.outcome == EgressOutcome::learned) members.boolean("learned", true);
    members.number("uid", pending.uid);
    describe_process_owner(members, process_owner);
  }
  return record;
}

// A duplicate of one from this minute needs no texts: its host is already known.
void EgressJournal::conclude(const Pending& pending, const ProcessOwner& process_owner) {
  if (!pending.dns_only && pending.outcome != EgressOutcome::denied) {
    note_connection(pending, process_owner);
  }
  if (pending.outcome == EgressOutcome::denied) note_denial(pending, process_owner);
  if (pending.breach) report_breach(pending, process_owner);
  if (pending.is_resumed) return;
  make_key(pending, process_owner);
  Budget& budget = budget_of(class_of(pending));
  if (budget.entries.repeat(key_)) return;
  // A name whose fold is already open is added there, without making its texts.
  if (pending.dns_only && budget.entries.is_full()) return fold_name(pending, process_owner);
  EgressRecord record = describe(pending, process_owner);
  int& new_hosts = pending.dns_only ? new_names_ : new_places_;
  const int new_hosts_max = pending.dns_only ? kNewNamesMax : kNewPlacesMax;
  const bool is_reported_as_new = report_if_new(record, budget, new_hosts, new_hosts_max);
  if (report_single(budget, record, is_reported_as_new)) return;
  if (pending.dns_only) return fold_name(pending, process_owner);
  fold_connection(pending, process_owner);
}

// Returns true if the record is reported, or counted with one that was, and false if its class has
// no budget left. Its count at the minute's end is paid for at once.
bool EgressJournal::report_single(Budget& budget, const EgressRecord& record, bool is_counted) {
  if (budget.entries.is_full() || !budget.spend(2 * size_of(record))) return false;
  budget.entries.add(key_, record, steady_ms());
  const EgressAttempt attempt{.host = record.host,
                              .port = record.port,
                              .protocol = record.protocol,
                              .outcome = record.outcome};
  report(record, is_counted || record.host.empty() ? nullptr : &attempt);
  return true;
}

void EgressJournal::fold_name(const Pending& pending, const ProcessOwner& process_owner) {
  const std::string_view parent = folded_parent(pending.host);
  if (!parent.empty() && fold_into(parents_, pending, process_owner, parent)) return;
  if (fold_into(executables_, pending, process_owner, {})) return;
  suppress(Class::names);
}

// Reports one event for all names below `parent` that one executable asked for; for all its names
// if that is empty. The table of hosts does not count it.
bool EgressJournal::fold_into(Budget& budget, const Pending& pending,
                              const ProcessOwner& process_owner, std::string_view parent) {
  key_.assign(1, static_cast<char>(pending.outcome)).append(parent).append(1, '\0');
  key_.append(process_owner.executable);
  if (budget.entries.repeat(key_)) return true;
  if (budget.entries.is_full()) return false;
  EgressRecord record = describe(pending, process_owner);
  record.host = parent.empty() ? "*" : "*." + std::string(parent);
  record.message = (pending.outcome == EgressOutcome::denied ? "denied " : "allowed ") +
                   pending.host + ", and possibly more of " + record.host +
                   ": too many names to report each";
  JsonObject::reopened(record.data).text("folded", record.host);
  const bool is_new =
      !parent.empty() && report_if_new(record, budget, new_parents_, kNewParentsMax);
  record.host.clear();
  if (!budget.spend(2 * size_of(record))) return is_new;
  budget.entries.add(key_, record, steady_ms());
  report(record, nullptr);
  return true;
}

void EgressJournal::fold_connection(const Pending& pending, const ProcessOwner& process_owner) {
  const EgressRecord record = describe(pending, process_owner);
  list_place(record.event_type, record, process_owner.executable);
}

void EgressJournal::suppress(Class kind, std::int64_t attempts) noexcept {
  const auto count = static_cast<std::uint64_t>(attempts);
  switch (kind) {
    case Class::names:
      stats_.suppressed_names += count;
      return;
    case Class::denied:
      stats_.suppressed_denied += count;
      return;
    case Class::allowed:
      stats_.suppressed_allowed += count;
  }
}

void EgressJournal::expire(std::int64_t now_ms) {
  const auto report_one = [this](EgressRecord& record, std::int64_t duplicates) {
    report_count(record, duplicates);
  };
  for (Budget& budget : budgets_) budget.entries.expire(now_ms, report_one);
  parents_.entries.expire(now_ms, report_one);
  executables_.entries.expire(now_ms, report_one);
}

void EgressJournal::begin_minute(std::int64_t now_ms) {
  minute_end_ms_ = now_ms + kMinuteMs;
  for (Budget& budget : budgets_) budget.bytes = 0;
  parents_.bytes = executables_.bytes = list_bytes_ = 0;
  new_names_ = new_parents_ = new_places_ = 0;
}

void EgressJournal::on_tick() noexcept {
  const std::int64_t now_ms = steady_ms();
  expire(now_ms);
  traffic_.expire(now_ms);
  if (--ticks_until_lists_ <= 0) {
    ticks_until_lists_ = kTicksPerList;
    lists_.flush([this](const PlaceLists::List& list) { report_list(list); });
  }
  if (now_ms < minute_end_ms_) return;
  begin_minute(now_ms);
  report_suppressed();
}

void EgressJournal::stop() {
  ticks_.stop();
  expire(std::numeric_limits<std::int64_t>::max());
  traffic_.expire(std::numeric_limits<std::int64_t>::max());
  lists_.flush([this](const PlaceLists::List& list) { report_list(list); });
  report_suppressed();
}

}  // namespace picortex
