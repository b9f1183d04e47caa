#include "cli/egress/review/dry_run.h"

#include <map>
#include <tuple>
#include <utility>

#include "netfilter/report/egress_texts.h"

namespace picortex {
namespace {

std::string place_of_attempt(const RecordedAttempt& attempt) {
  const std::string host = !attempt.host.empty() ? attempt.host
                           : attempt.address     ? to_string(*attempt.address)
                                                 : std::string();
  return place_of(
      host, attempt.kind == RecordedAttempt::Kind::connection ? attempt.port : std::uint16_t{0});
}

// Gathers outcomes that differ only in what is not shown, such as the address.
class OutcomeList {
 public:
  void add(ChangedOutcome outcome) {
    const auto [known, is_new] =
        places_.try_emplace({outcome.place, outcome.rule, outcome.reason}, all_.size());
    if (is_new) {
      all_.push_back(std::move(outcome));
    } else {
      all_[known->second].count += outcome.count;
    }
  }
  std::vector<ChangedOutcome> all() && { return std::move(all_); }

 private:
  std::map<std::tuple<std::string, std::string, Reason>, std::size_t> places_;
  std::vector<ChangedOutcome> all_;
};

std::vector<RuleIndex> unused_rules(const Allowlist& rules, const std::vector<bool>& is_used,
                                    std::int64_t now_ms) {
  std::vector<RuleIndex> unused;
  for (RuleIndex i = 0; i < is_used.size(); ++i) {
    if (!is_used[i] && rules.rules()[i].expires_ms > now_ms) unused.push_back(i);
  }
  return unused;
}

}  // namespace

DryRun dry_run(const Allowlist& rules, const std::vector<AttemptGroup>& groups,
               std::int64_t now_ms) {
  DryRun run;
  OutcomeList allowed;
  OutcomeList denied;
  std::vector<bool> is_used(rules.rules().size());
  for (const AttemptGroup& group : groups) {
    const ReplayedVerdict verdict = judge_again(rules, group.attempt, now_ms);
    run.attempts += group.count;
    if (verdict.rule) is_used[*verdict.rule] = true;
    if (verdict.is_allowed == group.was_allowed) {
      run.unchanged += group.count;
    } else if (verdict.is_allowed) {
      allowed.add({.place = place_of_attempt(group.attempt),
                   .count = group.count,
                   .rule = verdict.rule ? rules.rules()[*verdict.rule].text : std::string(),
                   .reason = group.attempt.reason});
    } else {
      denied.add({.place = place_of_attempt(group.attempt),
                  .count = group.count,
                  .rule = {},
                  .reason = verdict.reason});
    }
  }
  run.now_allowed = std::move(allowed).all();
  run.now_denied = std::move(denied).all();
  run.unused = unused_rules(rules, is_used, now_ms);
  run.covered = find_covered_rules(rules, now_ms);
  return run;
}

}  // namespace picortex
