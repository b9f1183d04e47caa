#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/callback.h"
#include "base/keyed_hash.h"
#include "base/uuid/uuid_v7.h"
#include "netfilter/attribution/asked_names.h"
#include "netfilter/attribution/attribution.h"
#include "netfilter/attribution/turn_chats.h"
#include "netfilter/policy/rule_uses.h"
#include "netfilter/report/connection_ledger.h"
#include "netfilter/report/egress_observer.h"
#include "netfilter/report/egress_record.h"
#include "netfilter/report/place_lists.h"
#include "netfilter/report/recent_denials.h"
#include "netfilter/report/report_deduplicator.h"
#include "netfilter/report/traffic_reports.h"
#include "reactor/log.h"
#include "reactor/periodic_timer.h"
#include "reactor/reactor.h"
#include "storage/event_sink.h"

namespace picortex {

// Counts of the fence's decisions since the daemon's start.
struct EgressStats {
  std::uint64_t allowed = 0;
  std::uint64_t learned = 0;
  std::uint64_t denied = 0;
  std::uint64_t new_hosts = 0;
  std::uint64_t unattributed = 0;  // without a known process
  // Decisions that are only counted: too many at once.
  std::uint64_t suppressed_names = 0;
  std::uint64_t suppressed_denied = 0;   // connections
  std::uint64_t suppressed_allowed = 0;  // connections

  std::uint64_t suppressed() const noexcept {
    return suppressed_names + suppressed_denied + suppressed_allowed;
  }
};

// Reports the fence's decisions, in the log and in the database:
//
//   egress.rejected    (warn)   denied
//   egress.allowed     (debug)  allowed, by a rule or, in learn mode, without one ("learned")
//   egress.new_host    (warn)   the first attempt ever at a host; `on_alert` gets it too
//   egress.budget      (warn)   an upload budget was exceeded; `on_alert` gets it too
//   egress.closed      (debug)  allowed connections that have ended, with their bytes
//   egress.suppressed  (warn)   how many of each kind were too many to report
//
// A decision waits here until its process is found. Alike are those of one executable, host, port,
// outcome and reason (and, for registered turns, request ID): the first is reported at once, the
// others as one count at the minute's end.
//
// The fenced user can cause any number of decisions, so each minute has a budget of entries and
// bytes for each class (names asked of DNS, connections denied, connections allowed): none can use
// up another's. Decisions that find their class's budget used up are folded, step by step:
//
//   a name         one event for each (executable, parent domain), then for each executable
//   a connection   a place in an event that lists many (PlaceLists), new hosts in separate lists
//   either         finally only a count, in egress.suppressed
class EgressJournal final : public EgressObserver {
 public:
  static constexpr std::size_t kPendingMax = 1024;
  static constexpr std::size_t kPendingNamesMax = kPendingMax / 2;
  static constexpr std::size_t kHostsMax = 100'000;
  static constexpr std::size_t kCandidatesSizeMax = 512;  // bytes of names in one event

  // The budgets of a minute.
  static constexpr std::size_t kNamesMax = 256;
  static constexpr std::size_t kConnectionsMax = 512;  // denied, and the same number allowed
  static constexpr std::size_t kParentsMax = 256;      // (executable, parent domain)
  static constexpr std::size_t kExecutablesMax = 64;
  static constexpr int kNewNamesMax = 60;
  static constexpr int kNewParentsMax = 60;
  static constexpr int kNewPlacesMax = 120;  // of connections; further ones are listed
  static constexpr std::size_t kNameBytesMax = 192 * 1024;
  // denied, and the same number allowed
  static constexpr std::size_t kConnectionBytesMax = 256 * 1024;
  static constexpr std::size_t kFoldedBytesMax = 128 * 1024;  // of names
  static constexpr std::size_t kListBytesMax = 192 * 1024;

  // Receives each egress.new_host and egress.budget record, for the alert command.
  using AlertCallback = Callback<const EgressRecord&>;

  // References passed in must outlive this object. `known` has the hosts attempted before.
  EgressJournal(Reactor& reactor, Log& log, EventSink& sink, AlertCallback on_alert,
                const AgentProcessRegistry& runs, SockDiagQuery sockets,
                std::span<const EgressHost> known);

  void on_verdict(const EgressEvent& event) noexcept override;
  void on_resumed(const EgressEvent& event) noexcept override;
  void on_end(const EgressEnd& end) noexcept override;
  void on_lookup(const SocketEnds& asker, const HostName& name) noexcept override;

  // Searches for processes at every iteration's end, before the verdicts are sent and after them.
  void work_ahead() noexcept { attribution_.work_ahead(); }
  void work_behind() noexcept { attribution_.work_behind(); }

  // The rules that verdicts refer to from now on; called at the start and at every change of the
  // list.
  void on_rules(const Allowlist& allowlist) noexcept override { uses_.adopt(allowlist); }
  const RuleUses& uses() const noexcept { return uses_; }
  bool is_searching() const noexcept override { return attribution_.is_searching(); }

  // Finds a turn's chat if its process knows only the request ID.
  TurnChats& chats() noexcept { return chats_; }

  // What was denied lately, for the agent's question why.
  const RecentDenials& denials() const noexcept { return denials_; }

  // Reports what is only counted so far. Call it before the writer of the database closes.
  void stop();
  // True once no decision waits for its process.
  bool is_idle() const noexcept { return attribution_.is_idle(); }

  EgressStats stats() const noexcept { return stats_; }

 private:
  // A decision that waits for its process: the input for its texts, in case it is reported.
  struct Pending {
    EgressOutcome outcome = EgressOutcome::denied;
    Evidence evidence = Evidence::ip;
    Reason reason = Reason::bad_packet;
    std::string rule;  // as of then; empty: none
    std::string host;  // empty: only its address is known
    // The names that lead to the address, when there are several: "a.example, b.example".
    std::string candidates;
    bool has_more_candidates = false;
    IpAddress source;
    std::uint16_t source_port = 0;
    IpAddress destination;
    std::uint16_t port = 0;
    std::uint8_t protocol = 0;
    bool dns_only = false;
    bool is_resumed = false;  // reported by an earlier process
    std::optional<UploadBreach> breach;
    std::uint32_t uid = 0;
    std::int64_t time_ms = 0;
  };

  // Entries and bytes that one class of events may still use this minute.
  struct Budget {
    ReportDeduplicator entries;
    std::size_t bytes_max;
    std::size_t bytes = 0;

    bool spend(std::size_t size) noexcept {
      if (size > bytes_max - bytes) return false;
      bytes += size;
      return true;
    }
  };
  enum class Class : std::uint8_t { names, denied, allowed };
  static Class class_of(const Pending& pending) noexcept {
    if (pending.dns_only) return Class::names;
    return pending.outcome == EgressOutcome::denied ? Class::denied : Class::allowed;
  }
  Budget& budget_of(Class kind) noexcept { return budgets_[static_cast<std::size_t>(kind)]; }

  void decide(const EgressEvent& event, EgressOutcome outcome, bool is_resumed);
  void note_connection(const Pending& pending, const ProcessOwner& process_owner);
  void report_traffic(EgressRecord& record, std::string_view rule,
                      const EgressTraffic& traffic) noexcept;
  void on_process_owner(std::uint32_t ticket, const ProcessOwner& process_owner) noexcept;
  void fill(Pending& pending, const EgressEvent& event);
  void choose_candidate(Pending& pending, const ProcessOwner& process_owner) const;
  void make_key(const Pending& pending, const ProcessOwner& process_owner);
  EgressRecord describe(const Pending& pending, const ProcessOwner& process_owner);
  void conclude(const Pending& pending, const ProcessOwner& process_owner);
  void note_denial(const Pending& pending, const ProcessOwner& process_owner);
  void report_breach(const Pending& pending, const ProcessOwner& process_owner);
  bool report_single(Budget& budget, const EgressRecord& record, bool is_counted);
  void fold_name(const Pending& pending, const ProcessOwner& process_owner);
  bool fold_into(Budget& budget, const Pending& pending, const ProcessOwner& process_owner,
                 std::string_view parent);
  void fold_connection(const Pending& pending, const ProcessOwner& process_owner);
  void suppress(Class kind, std::int64_t attempts = 1) noexcept;
  EgressOutcome count(const EgressEvent& event) noexcept;
  bool is_known(std::string_view host) const { return known_hosts_.contains(host_hash_(host)); }
  void remember(std::string_view host);
  bool report_if_new(const EgressRecord& record, Budget& budget, int& new_hosts, int new_hosts_max);
  void report_new_parent(const EgressRecord& record);
  void report_new_host(const EgressRecord& record);
  void list_place(std::string_view event_type, const EgressRecord& record,
                  std::string_view executable);
  void report_list(const PlaceLists::List& list);
  void report(const EgressRecord& record, const EgressAttempt* attempt,
              const EgressTraffic* traffic = nullptr);
  void report_count(EgressRecord& record, std::int64_t duplicates);
  void report_suppressed();
  void expire(std::int64_t now_ms);
  void begin_minute(std::int64_t now_ms);
  void on_tick() noexcept;
  std::int64_t steady_ms() const noexcept;

  Reactor& reactor_;
  Log& log_;
  EventSink& sink_;
  AlertCallback on_alert_;
  Attribution attribution_;
  RuleUses uses_;
  TurnChats chats_;
  RecentDenials denials_;
  UuidV7Generator ids_;

  std::vector<Pending> pending_;  // by ticket
  std::vector<std::uint32_t> free_tickets_;
  std::size_t pending_names_ = 0;
  // Look-ups whose process is looked for, by ticket less kLookupTickets. Empty: free.
  static constexpr std::uint32_t kLookupTickets = kPendingMax;
  std::array<HostName, Attribution::kLookupsWaitingMax> lookups_{};
  AskedNames asked_names_;

  std::array<Budget, 3> budgets_;  // by class
  Budget parents_{ReportDeduplicator(kParentsMax), kFoldedBytesMax};
  Budget executables_{ReportDeduplicator(kExecutablesMax), kFoldedBytesMax};
  PlaceLists lists_;
  std::size_t list_bytes_ = 0;
  int new_names_ = 0;  // reported this minute, like the next members
  int new_parents_ = 0;
  int new_places_ = 0;

  ConnectionLedger connections_;
  TrafficReports traffic_{
      TrafficReports::ReportCallback::to<&EgressJournal::report_traffic>(*this)};

  KeyedHash host_hash_;
  std::unordered_set<std::uint64_t> known_hosts_;  // hashes of their names
  std::vector<std::uint64_t> hosts_in_order_;      // a ring once kHostsMax are known
  std::size_t oldest_host_ = 0;

  PeriodicTimer ticks_;
  std::int64_t minute_end_ms_ = 0;
  int ticks_until_lists_ = 0;
  EgressStats stats_;
  EgressStats reported_;  // as of the last egress.suppressed
  std::string key_;
};

}  // namespace picortex
