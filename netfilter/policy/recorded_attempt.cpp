#include "netfilter/policy/recorded_attempt.h"

namespace picortex {
namespace {

ReplayedVerdict denied(Reason reason) { return {.is_allowed = false, .reason = reason}; }

ReplayedVerdict allowed(std::optional<RuleIndex> rule) {
  return {.is_allowed = true, .reason = Reason::permitted, .rule = rule};
}

ReplayedVerdict judge_question(const Allowlist& rules, const RecordedAttempt& attempt,
                               std::int64_t now_ms) {
  const auto rule = rules.match({.name = attempt.host}, now_ms);
  if (!rule) return denied(Reason::name_not_allowed);
  // A rate is not a matter of rules, except that a rule for the name alone has none.
  if (attempt.reason == Reason::dns_rate_limited &&
      rules.rules()[*rule].kind == RuleKind::subdomains) {
    return denied(Reason::dns_rate_limited);
  }
  return allowed(rule);
}

ReplayedVerdict judge_answer(const Allowlist& rules, const RecordedAttempt& attempt,
                             std::int64_t now_ms) {
  const auto name = HostName::parse(attempt.host);
  if (!name || !attempt.address) return denied(attempt.reason);
  if (may_answer(rules, *name, *attempt.address, now_ms)) {
    return allowed(rules.match({.name = name->view()}, now_ms));
  }
  return denied(rules.match({.name = name->view()}, now_ms) ? Reason::dns_address_mismatch
                                                            : Reason::name_not_allowed);
}

// A place of which only name and port are recorded.
ReplayedVerdict judge_place(const Allowlist& rules, const RecordedAttempt& attempt,
                            std::int64_t now_ms) {
  if (const auto rule = rules.match({.name = attempt.host, .port = attempt.port}, now_ms)) {
    return allowed(rule);
  }
  const bool has_other_ports = rules.match({.name = attempt.host}, now_ms).has_value();
  return denied(has_other_ports ? Reason::port_not_listed : Reason::name_not_allowed);
}

// Whether the connection's own form was the reason, which no rule for its name changes.
bool is_of_form(Reason reason) noexcept {
  switch (reason) {
    case Reason::permitted:
    case Reason::undecided:
    case Reason::address_unknown:
    case Reason::name_not_allowed:
    case Reason::port_not_listed:
    case Reason::dns_address_mismatch:
    case Reason::upgrade_not_allowed:
    case Reason::upload_budget_spent:
    case Reason::upload_share_spent:
    case Reason::upload_not_recorded:
      return false;
    default:
      return true;
  }
}

void teach(DnsCache& cache, const RecordedAttempt& attempt, std::int64_t now_ms) {
  constexpr std::uint32_t kTtlS = 60;
  if (attempt.reason == Reason::dns_address_mismatch) return;
  if (!attempt.host.empty()) cache.learn(*attempt.address, attempt.host, kTtlS, now_ms);
  for (const std::string& name : attempt.candidates) {
    cache.learn(*attempt.address, name, kTtlS, now_ms);
  }
}

ReplayedVerdict outcome_of(const Verdict& verdict) {
  return verdict.denied ? denied(verdict.reason) : allowed(verdict.rule);
}

ReplayedVerdict judge_connection(const Allowlist& rules, const RecordedAttempt& attempt,
                                 std::int64_t now_ms) {
  if (!attempt.is_tcp) return denied(Reason::protocol);
  if (attempt.reason == Reason::bad_packet) return denied(Reason::bad_packet);
  DnsCache cache;
  teach(cache, attempt, now_ms);
  const EgressPolicy policy{.allowlist = rules, .addresses = cache};
  Packet packet;
  packet.destination = *attempt.address;
  packet.destination_port = attempt.port;
  packet.protocol = kProtocolTcp;
  const Verdict opening = judge_opening(policy, PacketStatus::whole, packet, now_ms);
  const bool has_shown =
      attempt.evidence == Evidence::sni || attempt.evidence == Evidence::http_host;
  const auto host = HostName::parse(attempt.host);
  const bool must_show = opening.action == Action::pass || (has_shown && opening.denied);
  if (!must_show) return outcome_of(opening);
  if (is_of_form(attempt.reason)) return denied(attempt.reason);
  if (!host) return outcome_of(opening);
  // A connection that showed a name was opened by what another name had led to.
  const ShownName shown{.evidence = attempt.evidence,
                        .host = *host,
                        .agreed = {},
                        .upgrades = attempt.reason == Reason::upgrade_not_allowed};
  return outcome_of(judge_name(policy, shown, *attempt.address, attempt.port, now_ms));
}

ReplayedVerdict judge_without_budget(const Allowlist& rules, const RecordedAttempt& attempt,
                                     std::int64_t now_ms) {
  switch (attempt.kind) {
    case RecordedAttempt::Kind::question:
      return judge_question(rules, attempt, now_ms);
    case RecordedAttempt::Kind::answer:
      return judge_answer(rules, attempt, now_ms);
    case RecordedAttempt::Kind::connection:
      break;
  }
  return attempt.address ? judge_connection(rules, attempt, now_ms)
                         : judge_place(rules, attempt, now_ms);
}

}  // namespace

ReplayedVerdict judge_again(const Allowlist& rules, const RecordedAttempt& attempt,
                            std::int64_t now_ms) {
  const ReplayedVerdict verdict = judge_without_budget(rules, attempt, now_ms);
  // What was sent is not recorded with the attempt: a budget that was exceeded then still is, as
  // long as there is one.
  const bool is_of_window = attempt.reason == Reason::upload_budget_spent;
  const bool is_of_share = attempt.reason == Reason::upload_share_spent;
  if (!verdict.is_allowed || !verdict.rule || (!is_of_window && !is_of_share)) return verdict;
  const UploadBudget budget = rules.upload_of(*verdict.rule, now_ms);
  const bool is_limited = is_of_window ? budget.window_bytes != 0 : budget.connection_bytes != 0;
  return is_limited ? denied(attempt.reason) : verdict;
}

}  // namespace picortex
