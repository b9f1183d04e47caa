#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "netfilter/budget/upload_meter.h"
#include "netfilter/dns/address_log.h"
#include "netfilter/dns/address_use.h"
#include "netfilter/dns/dns_cache.h"
#include "netfilter/dns/dns_policy.h"
#include "netfilter/dns/dns_proxy.h"
#include "netfilter/kernel/conntrack_events.h"
#include "netfilter/kernel/conntrack_settings.h"
#include "netfilter/kernel/fenced_user.h"
#include "netfilter/kernel/fenced_user_watch.h"
#include "netfilter/kernel/firewall_rules.h"
#include "netfilter/kernel/packet_queue.h"
#include "netfilter/kernel/range_removal.h"
#include "netfilter/kernel/sock_diag_query.h"
#include "netfilter/opening/opening_log.h"
#include "netfilter/opening/opening_set.h"
#include "netfilter/policy/allowlist.h"
#include "netfilter/policy/connection_cutter.h"
#include "netfilter/policy/connection_rate.h"
#include "netfilter/policy/connection_table.h"
#include "netfilter/policy/flow_table.h"
#include "netfilter/report/egress_observer.h"
#include "netfilter/wire/tcp_rewrite.h"
#include "reactor/file_watch.h"
#include "reactor/log.h"
#include "reactor/periodic_timer.h"

namespace picortex {

struct FenceSettings {
  EgressMode mode = EgressMode::enforce;  // learn or enforce
  FirewallPlan plan;
  std::string allowlist_path;   // the operator's additions
  std::string temporary_path;   // rules that expire
  std::string addresses_path;   // answered addresses, kept over a restart; empty: not kept
  std::string uploads_path;     // sums of upload budgets, kept over a restart; empty: not kept
  UploadBudget default_upload;  // of rules that have none
};

struct FenceStats {
  QueueStats queue;
  DnsStats dns;
  std::size_t flows = 0;  // connections that are undecided, or were denied a moment ago
  std::size_t flow_bytes = 0;
  std::size_t addresses = 0;
  std::uint64_t addresses_turned_away = 0;  // answers that found the table full
  std::uint64_t address_log_failures = 0;
  std::size_t allowed = 0;
  std::size_t rules = 0;
  std::size_t rule_problems = 0;
  std::uint64_t reloads = 0;
  std::uint64_t connections_cut = 0;
  std::uint64_t ends = 0;  // of connections, as the kernel reported them
  std::uint64_t ends_lost = 0;
  // SYNs that passed at once, and those among them whose copies were lost.
  std::uint64_t openings = 0;
  std::uint64_t openings_lost = 0;
  std::size_t opening_addresses = 0;                // addresses with ports to which they may
  std::uint64_t opening_addresses_turned_away = 0;  // that found the set full
  std::size_t metered = 0;                          // connections to hosts with an upload budget
};

// The fence as a whole: reads the lists, decides packets and names by them, keeps the firewall's
// rules in place, and reports to an observer. The rules stay when it is destroyed: down means
// closed.
class Fence final : private PacketJudge {
 public:
  // Takes the queue and the proxy's ports, then installs the rules; blocks for about 100 ms.
  // References passed in must outlive this object. Adds hooks to the reactor's iterations.
  static Result<std::unique_ptr<Fence>> open(Reactor& reactor, Log& log, EgressObserver& observer,
                                             FenceSettings settings);
  ~Fence();

  void start();
  void stop();
  bool is_idle() const noexcept;

  // Reads the lists again. Invalid lines are logged and skipped; a file that cannot be read leaves
  // everything unchanged. Cuts connections that no rule allows after the removal of a rule.
  Result<void> reload();
  // Takes effect with the next reload().
  void set_default_upload(const UploadBudget& budget) { settings_.default_upload = budget; }

  // The rules whose indexes are in Verdict::rule; changed by reload().
  const Allowlist& allowlist() const noexcept { return *allowlist_; }
  // The user behind the fence, with the UIDs of now.
  const FencedUser& user() const noexcept { return settings_.plan.user; }
  std::uint64_t reloads() const noexcept { return reloads_; }
  // The upload budget of the rule, and what was sent of it; nothing where it has none.
  std::optional<UploadMeter::Use> upload_of(RuleIndex rule) noexcept;
  FenceStats stats() const noexcept;

 private:
  Fence(Reactor& reactor, Log& log, EgressObserver& observer, FenceSettings settings);

  void on_packets() noexcept override;
  Judgement judge(const QueuedPacket& packet) noexcept override;
  bool is_searching() const noexcept override { return observer_.is_searching(); }
  RecordLog::State state_of(std::uint64_t record) const noexcept override {
    return meter_.state_of(record);
  }
  Judgement carry_out(const Verdict& verdict, PacketStatus status, const Packet& packet,
                      std::span<const std::uint8_t> bytes) noexcept;

  struct Metering {
    bool is_metered = false;  // the connection's data must come here from now on
    std::optional<UploadBreach> breach = std::nullopt;
    std::uint64_t record = 0;  // that the packet has to wait for
  };
  Metering judge_packet(Verdict& verdict, PacketStatus status, const Packet& packet,
                        const QueuedPacket& queued) noexcept;
  void open_openings();
  void close_openings(const Error& error);
  void renew_openings();
  void offer_answer(const HostName& name, const IpAddress& address) noexcept;
  void offer_opening(const Packet& syn, const Verdict& verdict);
  void send_openings() noexcept;
  void on_opening(const QueuedPacket& copy) noexcept;
  void report_lost_openings();

  // Returns the list from before.
  Result<std::unique_ptr<Allowlist>> load();
  void log_problems(const std::vector<RuleProblem>& problems, const std::string& path);
  bool lost_a_rule(const Allowlist& before, const Allowlist& now) const;
  void cut_unpermitted(const Allowlist& before) noexcept;
  void expire_rules(std::int64_t now_ms) noexcept;
  void end_older_sockets(const FencedUser& user);
  void renew_user() noexcept;
  Verdict decide(PacketStatus status, const Packet& packet, std::int64_t now_ms) noexcept;
  bool stays_with_user(PacketStatus status, const Packet& packet) noexcept;
  std::optional<SocketOwner> find_loopback_peer(const Packet& packet) noexcept;
  void report(const Verdict& verdict, std::uint8_t protocol, const FlowKey& flow, std::uint32_t uid,
              const UploadBreach* breach = nullptr) noexcept;
  void report_packet(const Verdict& verdict, const Packet& packet, const QueuedPacket& queued,
                     const std::optional<UploadBreach>& breach) noexcept;
  Metering meter(Verdict& verdict, const Packet& packet) noexcept;
  Metering bill(Verdict& verdict, const Packet& packet) noexcept;
  Metering meter_allowed(Verdict& verdict, PacketStatus status, const Packet& packet) noexcept;
  void end_denied(Verdict& verdict, const Packet& packet) noexcept;
  void adopt_budgets();
  void install_metering() noexcept;
  void resume_metering(const ConntrackEntry& connection);
  void open_upload_log();
  void report_upload_log();
  void report_ended() noexcept;
  void open_address_log();
  Result<void> follow_connections();
  void resume_connections();
  void resume_connection(const SocketEnds& ends);
  // The names that lead to the address, latest answered first, as far as there is room.
  std::size_t find_names(const IpAddress& address, std::span<std::string_view> names) const;
  void on_connection_end(const ConntrackEntry& entry) noexcept;
  void report_lost_ends();
  void note_use(const Packet& packet, const Verdict& verdict);
  void report_dns_mismatches();
  bool is_open_connection(const SocketEnds& connection) noexcept;
  bool may_restore(const AddressRecord& record) const noexcept;
  void on_tick() noexcept;
  void on_files() noexcept;
  EgressPolicy policy() const noexcept { return {*allowlist_, addresses_, settings_.mode}; }

  Reactor& reactor_;
  Log& log_;
  EgressObserver& observer_;
  FenceSettings settings_;
  std::unique_ptr<Allowlist> allowlist_;
  DnsCache addresses_;
  std::unique_ptr<AddressLog> address_log_;  // null if addresses are not kept
  AddressUse address_use_{addresses_, AddressUse::IsOpen::to<&Fence::is_open_connection>(*this)};
  std::optional<SockDiagQuery> sockets_;
  FlowTable flows_;
  ConnectionRate connection_rate_;
  UploadMeter meter_{settings_.mode == EgressMode::enforce};
  ConnectionTable allowed_;
  ConnectionCutter cutter_{allowed_, addresses_};
  std::vector<FlowEnd> ended_;
  std::vector<std::uint8_t> copy_;  // of the packet being judged
  ResetBuffer reset_;
  std::unique_ptr<PacketQueue> queue_;
  std::unique_ptr<DnsPolicy> dns_policy_;
  std::unique_ptr<DnsProxy> proxy_;
  std::unique_ptr<OpeningLog> opening_log_;  // null: every SYN waits for its verdict
  std::unique_ptr<OpeningSet> openings_;     // the same; only with the log
  std::unique_ptr<ConntrackEvents> connection_ends_;
  ConntrackSettings conntrack_;
  std::unique_ptr<FileWatch> watch_;
  std::unique_ptr<FencedUserWatch> user_watch_;
  RangeRemoval range_removal_;
  bool renew_again_ = false;  // the next tick must read the user's UIDs again
  PeriodicTimer ticks_{reactor_, std::chrono::seconds(1), Callback<>::to<&Fence::on_tick>(*this)};
  std::int64_t next_expiry_ms_ = 0;
  std::int64_t rules_checked_ms_ = 0;  // when connections were last checked against the rules
  std::uint64_t overrun_reported_ = 0;
  std::uint64_t mismatches_reported_ = 0;
  std::uint64_t questions_lost_reported_ = 0;
  std::int64_t next_dns_report_ms_ = 0;
  std::size_t rule_problems_ = 0;
  std::uint64_t reloads_ = 0;
  std::uint64_t connections_cut_ = 0;
  std::uint64_t ends_ = 0;
  std::uint64_t ends_lost_reported_ = 0;
  std::uint64_t openings_lost_reported_ = 0;
  std::uint64_t openings_turned_away_reported_ = 0;
  bool is_upload_log_reported_ = false;  // as one that cannot be written
};

}  // namespace picortex
