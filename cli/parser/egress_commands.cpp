#include <span>

#include "cli/parser/command_parser.h"
#include "cli/parser/commands.h"
#include "daemon/config/options.h"

namespace picortex {
namespace {

constexpr const char* kTargetMeaning =
    "HOST, HOST:PORT, ADDRESS or [IPV6]:PORT; the port is 443 when not given";

class EgressGroup {
 public:
  explicit EgressGroup(CommandParser& parser)
      : parser_(parser),
        group_(parser.add_group("egress", "What the fenced user may reach, and what it tried")) {}

  void add(EgressVerb verb, const char* name, const char* meaning,
           std::span<const Option* const> options, const Operand& operand = {}) {
    parser_.add_below(group_,
                      {.name = name,
                       .meaning = meaning,
                       .options = options,
                       .operand = operand,
                       .read = from_settings([verb](Settings& settings, GivenCommand& given) {
                         return read_egress_options(settings, verb, given.operand);
                       })});
  }

  void add_rules(EgressRulesAction action, const char* name, const char* meaning) {
    parser_.add_below(group_, {.name = name,
                               .meaning = meaning,
                               .options = kEgressRulesOptions,
                               .read = from_settings([action](Settings& settings, GivenCommand&) {
                                 return read_egress_rules_options(settings, action);
                               })});
  }

 private:
  CommandParser& parser_;
  CLI::App& group_;
};

void declare_lists(EgressGroup& egress) {
  egress.add(
      EgressVerb::allow, "allow", "Allow a host, permanently or for a time", kEgressAllowOptions,
      {.name = "RULE",
       .meaning =
           "HOST, *.HOST, HOST:PORT or ADDRESS/BITS:PORT; the port is 443 when not given. After a "
           "name, in one argument: private (it may resolve to private addresses), dns-only (the "
           "address that it resolved to suffices, for protocols that show no name, as in "
           "'github.com:22 dns-only'), upgrade (HTTP may become another protocol, such as "
           "WebSocket). After any of them: upload=SIZE/TIME or upload=SIZE/conn (how much may be "
           "sent, as in 'github.com upload=20M/1h'; --upload adds the same)"});
  egress.add(EgressVerb::deny, "deny", "Remove a host's rules from the owner's files",
             kEgressFileOptions,
             {.name = "RULE",
              .meaning = "the pattern as it was allowed; without a port, rules for any port"});
  egress.add(EgressVerb::list, "list", "The rules, how often each was used, and when last",
             kEgressListOptions);
  egress.add(EgressVerb::hosts, "hosts",
             "The hosts that were attempted: how often each was allowed or denied, first and last",
             kEgressHostsOptions);
}

void declare_reasons(EgressGroup& egress) {
  egress.add(EgressVerb::test, "test",
             "Show what would happen, and by which rule: exit status 0 when allowed, 1 when "
             "denied, or when the port's protocol does not show the name that the rule needs; "
             "with --edit, 1 when an attempt that was allowed would be denied",
             kEgressTestOptions,
             {.name = "TARGET", .meaning = kTargetMeaning, .use = Operand::Use::optional});
  egress.add(EgressVerb::why, "why",
             "Why a host was denied lately: to the fenced user its own attempts, with the token "
             "all; exit status 1 when nothing was denied",
             kEgressWhyOptions, {.name = "HOST", .meaning = "a host's name or an IP address"});
}

void declare_proposals(EgressGroup& egress) {
  egress.add(EgressVerb::request, "request",
             "Ask the operator for a host, as the fenced user; nothing is allowed by it",
             kEgressRequestOptions, {.name = "HOST", .meaning = kTargetMeaning});
  egress.add(EgressVerb::proposals, "proposals",
             "The hosts that the agent has asked for, with what is known about each",
             kEgressFileOptions);
  egress.add(EgressVerb::approve, "approve", "Allow the host of a proposal, as egress allow does",
             kEgressAllowOptions,
             {.name = "N", .meaning = "the proposal's number in egress proposals"});
}

void declare_fence(EgressGroup& egress) {
  egress.add(EgressVerb::suggest, "suggest",
             "The rules that would have sufficed for what learn mode saw", kEgressFileOptions);
  egress.add(EgressVerb::selftest, "selftest",
             "Try ways around the fence as the fenced user: exit status 1 when one is open",
             kEgressSelftestOptions);
  egress.add_rules(EgressRulesAction::install, "install",
                   "Install the firewall's rules; without a daemon they deny everything");
  egress.add_rules(EgressRulesAction::remove, "remove",
                   "Remove the firewall's rules: no user is fenced then");
  egress.add_rules(EgressRulesAction::status, "status",
                   "Report differences from the expected rules, and ways to bypass them: exit "
                   "status 0 when there are none");
}

}  // namespace

void declare_egress(CommandParser& parser) {
  EgressGroup egress(parser);
  declare_lists(egress);
  declare_reasons(egress);
  declare_proposals(egress);
  declare_fence(egress);
}

}  // namespace picortex
