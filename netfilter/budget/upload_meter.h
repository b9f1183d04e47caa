#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/keyed_hash.h"
#include "base/result.h"
#include "netfilter/budget/upload_budget.h"
#include "netfilter/budget/upload_record.h"
#include "netfilter/budget/upload_window.h"
#include "netfilter/policy/allowlist.h"
#include "netfilter/policy/flow.h"
#include "reactor/reactor.h"
#include "reactor/record_log.h"

namespace picortex {

// A budget that was exceeded just now, and was not before.
struct UploadBreach {
  std::string budget;  // "20M/1h"
  std::int64_t budget_bytes = 0;
  std::int64_t bytes = 0;  // that were let through
};

// The outcome for one packet.
struct UploadCharge {
  // upload_budget_spent, upload_share_spent or upload_not_recorded: the packet must not leave, and
  // the connection ends. Where nothing is enforced, only the packet with the breach has such a reason.
  Reason reason = Reason::permitted;
  Evidence evidence = Evidence::ip;
  HostName host;  // as the connection was allowed; empty: an address
  std::optional<RuleIndex> rule = std::nullopt;
  std::optional<UploadBreach> breach = std::nullopt;
  // The packet may leave, or be denied, when state_of() says that this is written; 0: at once.
  std::uint64_t record = 0;
};

// Counts what the fenced user sends, for the rules that have a budget. Each packet with data of such
// a connection passes here before it leaves, so what many connections send at once adds up to the
// last byte, however fast they are. The cost is bounded by the budget itself.
//
// A rule's target (its host or network, and its port) has one account: it stays when the list is
// loaded again with another budget, and when a temporary rule raises it. The budget is that of the
// last rule for the target that has one, otherwise the default. `*.host` has one account for all
// names below it.
//
//   account   within   a packet that would exceed the window's budget   → spent, a breach
//             spent    a tenth of the budget is free again, or the budget is another one → within
//
// Where the sums are kept, no packet leaves before the sum that counts it is written. Packets that
// arrive while a write is out are counted with the next one, together. While the log cannot be written,
// packets are denied (upload_not_recorded) and not counted.
//
// Bounded: kConnectionsMax connections, of which the one that was idle the longest is forgotten (its
// next data is denied), and an account for each target that was used, until its window is empty.
class UploadMeter {
 public:
  static constexpr std::size_t kConnectionsMax = 16'384;
  // Breaches of a connection's share by one account are reported at most once in this time.
  static constexpr std::int64_t kShareReportMs = 60'000;

  explicit UploadMeter(bool enforces) : enforces_(enforces) {}

  // The rules that indexes refer to from now on; `allowlist` must outlive their use.
  void adopt(const Allowlist& allowlist, const UploadBudget& fallback, std::int64_t now_ms);
  // Whether any rule has a limit.
  bool is_active() const noexcept { return is_active_; }

  // Keeps the sums in a RecordLog at `path`, and restores those that are in it. Blocks: call it once,
  // at the start and after adopt(). `reactor` must outlive this object. Adds hooks before the existing
  // ones.
  Result<void> keep_in(Reactor& reactor, const std::string& path, std::int64_t now_ms);
  // Null if they are not kept.
  const RecordLog* log() const noexcept { return log_.get(); }
  // Records that were restored.
  std::size_t restored() const noexcept { return restored_; }
  // Call it about once a second.
  void tick(std::int64_t now_ms) noexcept;
  // Sums are still written; idle after that.
  void stop() noexcept;
  bool is_idle() const noexcept;
  // Of UploadCharge::record.
  RecordLog::State state_of(std::uint64_t record) const noexcept;

  // The verdict's rule permits the connection, from now on as the verdict's host. Returns whether a
  // budget applies, so that its packets must be shown to charge(). A verdict without a rule is one
  // without a budget.
  bool open(const FlowKey& key, const Verdict& verdict, std::int64_t now_ms);
  // The same for one from before this process, which has sent that much already.
  bool resume(const FlowKey& key, const Verdict& verdict, std::int64_t sent_bytes,
              std::int64_t now_ms);
  void close(const FlowKey& key);

  // Counts the data of one packet, unless that exceeds a budget. 0 bytes only ask whether the budget
  // is spent. Returns nothing for a connection that was not opened.
  std::optional<UploadCharge> charge(const FlowKey& key, std::int64_t bytes, std::int64_t now_ms);
  // What a denial has to wait for that is not charged: UploadCharge::record.
  std::uint64_t record_of(const FlowKey& key) const noexcept;
  // Counts data that a connection has sent before it has shown its name. It can exceed the budget; the
  // only reason for a denial is upload_not_recorded.
  UploadCharge bill(RuleIndex rule, std::int64_t bytes, std::int64_t now_ms);
  bool is_spent(RuleIndex rule, std::int64_t now_ms);

  // The budget that applies to the rule's target, and what has been sent in the window of now.
  struct Use {
    UploadBudget budget;
    std::int64_t bytes = 0;
    bool is_spent = false;
  };
  std::optional<Use> use_of(RuleIndex rule, std::int64_t now_ms);

  std::size_t connections() const noexcept { return by_key_.size(); }

 private:
  struct Account {
    std::string key;
    RuleIndex rule = kNone;  // any for its target; kNone: there is none any more
    UploadWindow window = {};
    std::int64_t spent_of_bytes = 0;  // the budget that is spent; 0: within
    std::int64_t share_reported_ms = 0;
    bool is_unwritten = false;  // among unwritten_
    std::uint64_t record = 0;   // that has the latest of its packets
  };
  struct Connection {
    FlowKey key;
    Account* account = nullptr;
    Evidence evidence = Evidence::ip;
    HostName host = {};
    std::int64_t sent_bytes = 0;
  };
  struct KeyHash {
    std::size_t operator()(const FlowKey& key) const noexcept;
  };
  static constexpr RuleIndex kNone = ~RuleIndex{0};

  UploadBudget budget_of(RuleIndex rule, std::int64_t now_ms) const;
  Account& account_of(std::string key);
  Account& account_of(RuleIndex rule);
  std::uint64_t add(Account& account, std::int64_t bytes, std::int64_t now_ms,
                    const UploadBudget& budget);
  bool can_record(std::int64_t bytes, const UploadBudget& budget) const noexcept;
  bool is_still_spent(Account& account, const UploadBudget& budget, std::int64_t now_ms);
  void charge_share(UploadCharge& outcome, Connection& connection, const UploadBudget& budget,
                    std::int64_t bytes, std::int64_t now_ms);
  void charge_window(UploadCharge& outcome, Account& account, const UploadBudget& budget,
                     std::int64_t bytes, std::int64_t now_ms);
  bool restore(std::string_view fields) noexcept;
  void copy_to_log();
  void write_sums() noexcept;
  void drop_idle_accounts(std::int64_t now_ms);

  bool enforces_;
  bool is_active_ = false;
  const Allowlist* allowlist_ = nullptr;
  UploadBudget fallback_;
  std::unordered_map<std::string, std::unique_ptr<Account>, KeyedHash, std::equal_to<>> accounts_;
  std::list<Connection> connections_;  // the one that was idle the longest first
  std::unordered_map<FlowKey, std::list<Connection>::iterator, KeyHash> by_key_;
  std::unique_ptr<RecordLog> log_;  // null: not kept
  std::size_t restored_ = 0;
  std::vector<Account*> unwritten_;
  std::uint64_t record_ = 1;  // the one that is being collected
  std::uint64_t place_ = 0;   // in the log, of the one before it
};

// Names the rule's target: "github.com:443", "*.example.org:443", "[203.0.113.0/24]:443".
std::string target_text(const Rule& rule);

}  // namespace picortex
