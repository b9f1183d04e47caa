#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/keyed_hash.h"
#include "base/uuid_v7.h"
#include "netfilter/attribution.h"
#include "netfilter/egress_observer.h"
#include "netfilter/egress_record.h"
#include "netfilter/repetition_table.h"
#include "netfilter/rule_uses.h"
#include "reactor/alert_command.h"
#include "reactor/log.h"
#include "reactor/reactor.h"
#include "storage/event_sink.h"

namespace picortex {

// What the fence's decisions come to, since the daemon's start.
struct EgressFigures {
  std::uint64_t allowed = 0;
  std::uint64_t learned = 0;
  std::uint64_t refused = 0;
  std::uint64_t new_hosts = 0;
  std::uint64_t unattributed = 0;  // whose process was not found
  std::uint64_t untold = 0;        // counted in a line of others only: too many at once
};

// Tells of the fence's decisions, in the log and in the database:
//
//   egress.rejected  (warn)   refused
//   egress.allowed   (debug)  let go, by a rule or, in learn mode, without one ("learned")
//   egress.new_host  (warn)   the first attempt ever at a host; the alert command gets it too
//   egress.untold    (warn)   how many of these were too many to tell one by one
//
// A decision waits here until the process behind it is found. Alike are those of one executable,
// host, port and kind (and, of registered turns, request ID): the first is told at once, the others
// as one count at the minute's end. So neither the log nor memory grows with a flood.
class EgressJournal final : public EgressObserver {
 public:
  static constexpr std::size_t kPendingMax = 1024;
  static constexpr std::size_t kHostsMax = 100'000;
  static constexpr int kNewHostsPerMinute = 120;

  // What is passed by reference outlives this. `known`: the hosts attempted before.
  EgressJournal(Reactor& reactor, Log& log, EventSink& sink, AlertCommand& alerts,
                const RunRegistry& runs, SocketQuery sockets, std::span<const EgressHost> known);

  void on_verdict(const EgressEvent& event) noexcept override;

  // Looks for processes at every turn's end, before the verdicts go out and behind them.
  void work_ahead() noexcept { attribution_.work_ahead(); }
  void work_behind() noexcept { attribution_.work_behind(); }

  // The rules that verdicts refer to from now on; at the start and at every change of the list.
  void on_rules(const Allowlist& allowlist) noexcept override { uses_.adopt(allowlist); }
  const RuleUses& uses() const noexcept { return uses_; }

  // Tells what is still only counted. Before the writer of the database closes.
  void stop();
  // Nothing waits for its process any more.
  bool is_idle() const noexcept { return attribution_.is_idle(); }

  EgressFigures figures() const noexcept { return figures_; }

 private:
  // A decision that waits for its process: what its texts are made of, should it be told.
  struct Pending {
    EgressOutcome outcome = EgressOutcome::refused;
    Evidence evidence = Evidence::ip;
    Reason reason = Reason::bad_packet;
    std::string rule;  // as it was then; empty: none
    std::string host;  // empty: known by its address only
    IpAddress destination;
    std::uint16_t port = 0;
    std::uint8_t protocol = 0;
    bool dns_only = false;
    std::uint32_t uid = 0;
    std::int64_t time_ms = 0;
  };

  static void on_culprit(void* owner, std::uint32_t ticket, const Culprit& culprit) noexcept;
  void fill(Pending& pending, const EgressEvent& event);
  void make_key(const Pending& pending, const Culprit& culprit);
  EgressRecord describe(const Pending& pending, const Culprit& culprit);
  void conclude(const Pending& pending, const Culprit& culprit);
  EgressOutcome count(const EgressEvent& event) noexcept;
  bool is_new(std::string_view host);
  void tell_new_host(const EgressRecord& record);
  void tell(const EgressRecord& record, const EgressAttempt* attempt);
  void tell_count(EgressRecord& record, std::int64_t repetitions);
  void tell_untold();
  void on_tick() noexcept;

  Reactor& reactor_;
  Log& log_;
  EventSink& sink_;
  AlertCommand& alerts_;
  Attribution attribution_;
  RuleUses uses_;
  RepetitionTable repetitions_;
  UuidV7Generator ids_;

  std::vector<Pending> pending_;  // by ticket
  std::vector<std::uint32_t> free_tickets_;

  KeyedHash host_hash_;
  std::unordered_set<std::uint64_t> known_hosts_;  // hashes of their names
  std::vector<std::uint64_t> hosts_in_order_;      // a ring once kHostsMax are known
  std::size_t oldest_host_ = 0;
  int new_hosts_this_minute_ = 0;

  DeadlineList ticks_;
  Deadline tick_ = Deadline::to<&EgressJournal::on_tick>(*this);
  std::int64_t minute_end_ms_ = 0;
  EgressFigures figures_;
  std::uint64_t untold_reported_ = 0;
  std::string key_;
};

}  // namespace picortex
