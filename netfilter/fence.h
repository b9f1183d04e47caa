#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "netfilter/address_table.h"
#include "netfilter/admitted_table.h"
#include "netfilter/allowlist.h"
#include "netfilter/dns_proxy.h"
#include "netfilter/egress_observer.h"
#include "netfilter/fenced_user.h"
#include "netfilter/file_watch.h"
#include "netfilter/firewall_rules.h"
#include "netfilter/flow_table.h"
#include "netfilter/packet_queue.h"
#include "reactor/log.h"

namespace picortex {

struct FenceSettings {
  EgressMode mode = EgressMode::enforce;  // learn or enforce
  FirewallPlan plan;
  std::string allowlist_path;  // the owner's additions
  std::string temporary_path;  // rules that end by themselves
};

struct FenceFigures {
  QueueFigures queue;
  DnsFigures dns;
  std::size_t flows = 0;  // connections that are undecided, or were refused a moment ago
  std::size_t flow_bytes = 0;
  std::size_t addresses = 0;
  std::size_t admitted = 0;
  std::size_t rules = 0;
  std::size_t rule_problems = 0;
  std::uint64_t reloads = 0;
  std::uint64_t connections_cut = 0;
};

// The fence as a whole: reads the lists, decides packets and names by them, keeps the firewall's
// rules in place, and tells an observer. When it goes the rules stay: down means closed.
class Fence final : private PacketJudge, private NameJudge {
 public:
  // Takes the queue and the proxy's ports, then puts the rules in place; blocks for some 100 ms.
  // What is passed by reference outlives it. Adds hooks to the reactor's turns.
  static Result<std::unique_ptr<Fence>> open(Reactor& reactor, Log& log, EgressObserver& observer,
                                             FenceSettings settings);
  ~Fence();

  void start();
  void stop();
  bool is_idle() const noexcept;

  // Reads the lists again. Bad lines are logged and left out; a file that cannot be read leaves all
  // as it was. Connections that a rule's removal leaves without a permit are cut.
  Result<void> reload();

  // The rules that Verdict::rule counts; changed by reload().
  const Allowlist& allowlist() const noexcept { return *allowlist_; }
  std::uint64_t reloads() const noexcept { return reloads_; }
  FenceFigures figures() const noexcept;

 private:
  Fence(Reactor& reactor, Log& log, EgressObserver& observer, FenceSettings settings);

  Action judge(const QueuedPacket& packet) noexcept override;
  bool may_resolve(const DnsAsker& asker, const HostName& name) noexcept override;
  bool admit_answer(const DnsAsker& asker, const HostName& name, const IpAddress& address,
                    std::uint32_t ttl_s) noexcept override;

  // Gives the list from before.
  Result<std::unique_ptr<Allowlist>> load();
  void log_problems(const std::vector<RuleProblem>& problems, const std::string& path);
  bool lost_a_rule(const Allowlist& before, const Allowlist& now) const;
  void cut_unpermitted() noexcept;
  bool is_permitted(const FlowKey& key);
  void end_older_sockets();
  void tell_ended() noexcept;
  void tell_name(const DnsAsker& asker, const Verdict& verdict, const IpAddress& address);
  void on_tick() noexcept;
  static void on_files(void* owner) noexcept;
  EgressPolicy policy() const noexcept { return {*allowlist_, addresses_, settings_.mode}; }

  Reactor& reactor_;
  Log& log_;
  EgressObserver& observer_;
  FenceSettings settings_;
  std::unique_ptr<Allowlist> allowlist_;
  AddressTable addresses_;
  FlowTable flows_;
  AdmittedTable admitted_;
  std::vector<FlowEnd> ended_;
  std::unique_ptr<PacketQueue> queue_;
  std::unique_ptr<DnsProxy> proxy_;
  std::unique_ptr<FileWatch> watch_;
  DeadlineList ticks_{std::chrono::seconds(1)};
  Deadline tick_ = Deadline::to<&Fence::on_tick>(*this);
  std::int64_t next_expiry_ms_ = 0;
  std::uint64_t overrun_told_ = 0;
  std::size_t rule_problems_ = 0;
  std::uint64_t reloads_ = 0;
  std::uint64_t connections_cut_ = 0;
};

}  // namespace picortex
