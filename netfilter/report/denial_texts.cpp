#include "netfilter/report/denial_texts.h"

#include "netfilter/report/egress_texts.h"

namespace picortex {
namespace {

constexpr std::string_view kAllow = "picortex egress allow ";

// The rule's pattern; 443 is the port of a rule that names none.
std::string pattern_of(const Denial& denial) {
  const bool has_default_port = denial.port == 443 && denial.host.find(':') == denial.host.npos;
  return place_of(denial.host, has_default_port ? 0 : denial.port);
}

}  // namespace

std::string_view reason_clause(Reason reason) noexcept {
  switch (reason) {
    case Reason::name_not_allowed:
      return "no rule of the allowlist has this name";
    case Reason::address_unknown:
      return "no allowed name was resolved to this address, and no rule has it";
    case Reason::port_not_listed:
      return "a rule allows this host on other ports only";
    case Reason::dns_address_mismatch:
      return "the name is allowed, but was not resolved to this address, or may not lead there";
    case Reason::protocol:
      return "only TCP can be allowed";
    case Reason::no_name:
      return "the connection showed no host name (TLS SNI or HTTP Host), as when a URL has an IP "
             "address; use the host's name";
    case Reason::encrypted_hello:
      return "the TLS hello hides its host name (ECH)";
    case Reason::early_data:
      return "the TLS hello announces early data";
    case Reason::unrecognized_protocol:
      return "it is neither TLS nor HTTP/1; for protocols that show no host name, such as SSH, a "
             "rule needs the word dns-only";
    case Reason::upgrade_not_allowed:
      return "the host's rule lacks the word upgrade, which WebSocket over cleartext HTTP needs";
    case Reason::bad_packet:
    case Reason::overlapping_segments_differ:
      return "its packets were malformed or contradicted each other";
    case Reason::too_slow:
    case Reason::too_long:
      return "it showed no complete host name in time or within the size allowed";
    case Reason::flow_table_full:
    case Reason::connection_rate_limited:
      return "too many connections were opened at once; try again more slowly";
    case Reason::dns_rate_limited:
      return "too many names below a wildcard were asked for; try again more slowly";
    case Reason::upload_budget_spent:
      return "as much as the host's budget allows has been sent to it; it is denied until some of "
             "that is older than the budget's window";
    case Reason::upload_share_spent:
      return "the connection has sent as much as one connection to this host may";
    case Reason::upload_not_recorded:
      return "the host has a budget, and what is sent to it cannot be recorded: the "
             "daemon's disk is full, frozen or failing; try again later";
    case Reason::untracked_flow:
      return "the connection's beginning was not seen; open it again";
    case Reason::permitted:
    case Reason::undecided:
      break;
  }
  return "it was not decided";
}

std::string operator_command(const Denial& denial) {
  switch (denial.reason) {
    case Reason::name_not_allowed:
    case Reason::address_unknown:
    case Reason::port_not_listed:
      return std::string(kAllow) + pattern_of(denial);
    case Reason::unrecognized_protocol:
      return std::string(kAllow) + '\'' + pattern_of(denial) + " dns-only'";
    case Reason::upgrade_not_allowed:
      return std::string(kAllow) + '\'' + pattern_of(denial) + " upgrade'";
    case Reason::upload_budget_spent:
      return std::string(kAllow) + pattern_of(denial) + " --upload SIZE --for 1h";
    default:
      return {};
  }
}

}  // namespace picortex
