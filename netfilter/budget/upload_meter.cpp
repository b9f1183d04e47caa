#include "netfilter/budget/upload_meter.h"

#include <algorithm>
#include <unordered_set>
#include <utility>
#include <vector>

namespace picortex {

std::string target_text(const Rule& rule) {
  const std::string port = ':' + std::to_string(rule.port);
  switch (rule.kind) {
    case RuleKind::host:
      return rule.name + port;
    case RuleKind::subdomains:
      return "*." + rule.name + port;
    case RuleKind::network:
      break;
  }
  return '[' + to_string(rule.network.address) + '/' + std::to_string(rule.network.prefix_size) +
         ']' + port;
}

std::size_t UploadMeter::KeyHash::operator()(const FlowKey& key) const noexcept {
  const std::size_t ports = std::size_t{key.source_port} << 16 | key.destination_port;
  return (IpAddressHash{}(key.source) * 31 + IpAddressHash{}(key.destination)) * 31 + ports;
}

void UploadMeter::adopt(const Allowlist& allowlist, const UploadBudget& fallback,
                        std::int64_t now_ms) {
  allowlist_ = &allowlist;
  fallback_ = fallback;
  is_active_ = fallback.is_limit() || allowlist.has_upload_limits();
  for (const auto& [key, account] : accounts_) account->rule = kNone;
  if (!accounts_.empty()) {
    for (RuleIndex i = 0; i < allowlist.rules().size(); ++i) {
      const auto found = accounts_.find(target_text(allowlist.rules()[i]));
      if (found != accounts_.end()) found->second->rule = i;
    }
  }
  drop_idle_accounts(now_ms);
}

void UploadMeter::drop_idle_accounts(std::int64_t now_ms) {
  std::unordered_set<const Account*> in_use;
  for (const Connection& connection : connections_) in_use.insert(connection.account);
  std::erase_if(accounts_, [&](const auto& entry) {
    Account& account = *entry.second;
    if (in_use.contains(&account) || account.is_unwritten) return false;
    if (account.rule == kNone) return account.window.slots().empty();
    const UploadBudget budget = budget_of(account.rule, now_ms);
    return budget.window_bytes != 0 && account.window.sum(now_ms, budget.window_ms) == 0;
  });
}

Result<void> UploadMeter::keep_in(Reactor& reactor, const std::string& path, std::int64_t now_ms) {
  log_ = TRY(RecordLog::open(reactor, path, "picortex-uploads 1",
                             RecordLog::Restore::to<&UploadMeter::restore>(*this)));
  adopt(*allowlist_, fallback_, now_ms);
  copy_to_log();
  reactor.add_first(IterationHook::to<&UploadMeter::write_sums>(*this));
  return {};
}

bool UploadMeter::restore(std::string_view fields) noexcept {
  const auto record = parse_upload_fields(fields);
  if (!record) return false;
  account_of(std::string(record->key)).window.restore(record->end_ms, record->bytes);
  ++restored_;
  return true;
}

void UploadMeter::copy_to_log() {
  for (const auto& [key, account] : accounts_) {
    for (const UploadWindow::Slot& slot : account->window.slots()) {
      log_->append(upload_fields({account->key, slot.end_ms, slot.bytes}));
    }
  }
  log_->end_copy();
}

void UploadMeter::tick(std::int64_t now_ms) noexcept {
  if (!log_ || !log_->tick()) return;
  drop_idle_accounts(now_ms);
  copy_to_log();
}

void UploadMeter::write_sums() noexcept {
  if (unwritten_.empty() || log_->has_pending() || !log_->can_write()) return;
  for (Account* account : unwritten_) {
    account->is_unwritten = false;
    for (UploadWindow::Slot& slot : account->window.slots()) {
      if (!std::exchange(slot.is_unwritten, false)) continue;
      place_ = log_->append(upload_fields({account->key, slot.end_ms, slot.bytes}));
    }
  }
  unwritten_.clear();
  ++record_;
}

void UploadMeter::stop() noexcept {
  if (log_) log_->stop();
}

bool UploadMeter::is_idle() const noexcept {
  if (!log_) return true;
  return !log_->has_pending() && (unwritten_.empty() || !log_->can_write());
}

// A record is appended when all that came before is written, itself or with a generation's copy.
RecordLog::State UploadMeter::state_of(std::uint64_t record) const noexcept {
  if (record + 1 < record_) return RecordLog::State::written;
  if (record + 1 == record_) return log_ ? log_->state_of(place_) : RecordLog::State::written;
  return log_->can_write() ? RecordLog::State::pending : RecordLog::State::lost;
}

UploadBudget UploadMeter::budget_of(RuleIndex rule, std::int64_t now_ms) const {
  const UploadBudget own = allowlist_->upload_of(rule, now_ms);
  return own.is_given() ? own : fallback_;
}

UploadMeter::Account& UploadMeter::account_of(std::string key) {
  auto& account = accounts_[key];
  if (!account) account = std::make_unique<Account>(Account{.key = std::move(key)});
  return *account;
}

UploadMeter::Account& UploadMeter::account_of(RuleIndex rule) {
  Account& account = account_of(target_text(allowlist_->rules()[rule]));
  account.rule = rule;
  return account;
}

bool UploadMeter::open(const FlowKey& key, const Verdict& verdict, std::int64_t now_ms) {
  if (!verdict.rule || !budget_of(*verdict.rule, now_ms).is_limit()) {
    close(key);
    return false;
  }
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) {
    if (connections_.size() >= kConnectionsMax) close(FlowKey(connections_.front().key));
    connections_.push_back({.key = key});
    by_key_.emplace(key, std::prev(connections_.end()));
  }
  Connection& connection = found == by_key_.end() ? connections_.back() : *found->second;
  connection.account = &account_of(*verdict.rule);
  connection.evidence = verdict.evidence;
  connection.host = verdict.host;
  return true;
}

bool UploadMeter::resume(const FlowKey& key, const Verdict& verdict, std::int64_t sent_bytes,
                         std::int64_t now_ms) {
  if (!open(key, verdict, now_ms)) return false;
  by_key_.at(key)->sent_bytes = sent_bytes;
  return true;
}

void UploadMeter::close(const FlowKey& key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return;
  connections_.erase(found->second);
  by_key_.erase(found);
}

std::uint64_t UploadMeter::record_of(const FlowKey& key) const noexcept {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? 0 : found->second->account->record;
}

std::optional<UploadCharge> UploadMeter::charge(const FlowKey& key, std::int64_t bytes,
                                                std::int64_t now_ms) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  Connection& connection = *found->second;
  connections_.splice(connections_.end(), connections_, found->second);
  Account& account = *connection.account;
  UploadCharge outcome{.evidence = connection.evidence, .host = connection.host};
  // Whether a connection without a rule may go on is for others to decide.
  if (account.rule == kNone) return outcome;
  outcome.rule = account.rule;
  const UploadBudget budget = budget_of(account.rule, now_ms);
  charge_share(outcome, connection, budget, bytes, now_ms);
  if (outcome.reason == Reason::permitted) {
    charge_window(outcome, account, budget, bytes, now_ms);
  }
  if (outcome.reason == Reason::permitted && !can_record(bytes, budget)) {
    outcome.reason = Reason::upload_not_recorded;
  }
  if (enforces_ && outcome.reason != Reason::permitted) {
    // What was counted before leaves first.
    outcome.record = account.record;
    return outcome;
  }
  connection.sent_bytes += bytes;
  outcome.record = add(account, bytes, now_ms, budget);
  return outcome;
}

void UploadMeter::charge_share(UploadCharge& outcome, Connection& connection,
                               const UploadBudget& budget, std::int64_t bytes,
                               std::int64_t now_ms) {
  const std::int64_t limit = budget.connection_bytes;
  if (limit == 0 || connection.sent_bytes + bytes <= limit) return;
  Account& account = *connection.account;
  const bool is_first = account.share_reported_ms == 0 ||
                        now_ms >= account.share_reported_ms + kShareReportMs ||
                        now_ms < account.share_reported_ms;
  if (is_first) {
    account.share_reported_ms = now_ms;
    outcome.breach = UploadBreach{connection_limit_text(budget), limit, connection.sent_bytes};
  }
  if (enforces_ || is_first) outcome.reason = Reason::upload_share_spent;
}

void UploadMeter::charge_window(UploadCharge& outcome, Account& account, const UploadBudget& budget,
                                std::int64_t bytes, std::int64_t now_ms) {
  const std::int64_t limit = budget.window_bytes;
  if (limit == 0) return;
  if (is_still_spent(account, budget, now_ms)) {
    if (enforces_) outcome.reason = Reason::upload_budget_spent;
    return;
  }
  const std::int64_t sent = account.window.sum(now_ms, budget.window_ms);
  if (sent + bytes <= limit) return;
  account.spent_of_bytes = limit;
  outcome.reason = Reason::upload_budget_spent;
  outcome.breach = UploadBreach{window_limit_text(budget), limit, sent};
}

bool UploadMeter::is_still_spent(Account& account, const UploadBudget& budget,
                                 std::int64_t now_ms) {
  const std::int64_t limit = budget.window_bytes;
  if (limit == 0 || account.spent_of_bytes != limit) return false;
  if (account.window.sum(now_ms, budget.window_ms) > limit - limit / 10) return true;
  account.spent_of_bytes = 0;
  return false;
}

// Returns the record that the packet has to wait for.
std::uint64_t UploadMeter::add(Account& account, std::int64_t bytes, std::int64_t now_ms,
                               const UploadBudget& budget) {
  if (bytes == 0 || budget.window_bytes == 0) return 0;
  account.window.add(bytes, now_ms, budget.window_ms);
  if (!log_) return 0;
  if (!std::exchange(account.is_unwritten, true)) unwritten_.push_back(&account);
  account.record = record_;
  return enforces_ ? record_ : 0;
}

// Learn mode denies nothing: what it counts meanwhile is written later.
bool UploadMeter::can_record(std::int64_t bytes, const UploadBudget& budget) const noexcept {
  return !log_ || !enforces_ || bytes == 0 || budget.window_bytes == 0 || log_->can_write();
}

UploadCharge UploadMeter::bill(RuleIndex rule, std::int64_t bytes, std::int64_t now_ms) {
  UploadCharge outcome;
  outcome.rule = rule;
  const UploadBudget budget = budget_of(rule, now_ms);
  if (budget.window_bytes == 0) return outcome;
  Account& account = account_of(rule);
  if (can_record(bytes, budget)) {
    outcome.record = add(account, bytes, now_ms, budget);
  } else {
    outcome.reason = Reason::upload_not_recorded;
  }
  return outcome;
}

bool UploadMeter::is_spent(RuleIndex rule, std::int64_t now_ms) {
  const UploadBudget budget = budget_of(rule, now_ms);
  if (budget.window_bytes == 0) return false;
  const auto found = accounts_.find(target_text(allowlist_->rules()[rule]));
  return found != accounts_.end() && is_still_spent(*found->second, budget, now_ms);
}

std::optional<UploadMeter::Use> UploadMeter::use_of(RuleIndex rule, std::int64_t now_ms) {
  if (!is_active_ || rule >= allowlist_->rules().size()) return std::nullopt;
  Use use{.budget = budget_of(rule, now_ms)};
  if (!use.budget.is_limit()) return std::nullopt;
  const auto found = accounts_.find(target_text(allowlist_->rules()[rule]));
  if (found == accounts_.end() || use.budget.window_bytes == 0) return use;
  use.bytes = found->second->window.sum(now_ms, use.budget.window_ms);
  use.is_spent = is_still_spent(*found->second, use.budget, now_ms);
  return use;
}

}  // namespace picortex
