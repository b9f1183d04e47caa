#include "cli/egress/egress_command.h"

#include <optional>

#include "base/parse.h"
#include "base/terminal.h"
#include "base/time/clock.h"
#include "base/time/durations.h"
#include "cli/commands/health.h"
#include "cli/commands/logs.h"
#include "cli/commands/time_expression.h"
#include "daemon/config/serve_options.h"
#include "daemon/egress/proposal_endpoint.h"
#include "netfilter/budget/upload_budget.h"
#include "netfilter/kernel/fenced_user.h"
#include "netfilter/wire/host_name.h"

namespace picortex {
namespace {

std::optional<std::string> parse_file_or_none(std::string_view text) {
  return text.empty() ? std::string() : parse_file(text);
}

std::optional<std::string> parse_reason_text(std::string_view text) {
  if (text.size() > ProposalEndpoint::kReasonSizeMax) return std::nullopt;
  return std::string(text);
}

std::optional<std::string> parse_hosts_text(std::string_view text) {
  constexpr std::size_t kSizeMax = 256;
  if (text.size() > kSizeMax) return std::nullopt;
  return std::string(text);
}

std::optional<std::int64_t> parse_begin(std::string_view text) {
  const auto span = parse_time_expression(text, kSystemClock.unix_ms());
  if (!span) return std::nullopt;
  return span->begin_ms;
}

std::optional<std::string> parse_host(std::string_view text) {
  const auto host = HostName::parse(text);
  if (!host) return std::nullopt;
  return std::string(host->view());
}

std::optional<std::string> parse_host_or_none(std::string_view text) {
  return text.empty() ? std::string() : parse_host(text);
}

// Parses an address, or the word for none; returns nothing for anything else.
std::optional<std::optional<IpAddress>> parse_address_or_none(std::string_view text) {
  if (text.empty()) return std::optional<IpAddress>();
  const auto address = parse_ip_address(text);
  if (!address) return std::nullopt;
  return address;
}

// Of `egress allow --for`; empty: without an end.
std::optional<std::int64_t> parse_term(std::string_view text) {
  constexpr DurationUnit kUnits[] = {{"m", 60'000}, {"h", 3'600'000}, {"d", kDayMs}};
  if (text.empty()) return 0;
  return parse_duration(text, kUnits, 1, 365 * kDayMs);
}

// A size alone is completed by the time of --for; both are checked as a rule's word.
std::optional<std::string> parse_upload(std::string_view text) {
  UploadBudget budget;
  const std::string whole(text);
  if (text.empty() || add_upload(whole, budget) == nullptr) return whole;
  if (add_upload(whole + "/1h", budget) == nullptr) return whole;
  return std::nullopt;
}

}  // namespace

std::optional<std::string> parse_file(std::string_view text) {
  if (text.empty() || text.size() > 4000 || text.find('\0') != text.npos) {
    return std::nullopt;
  }
  return std::string(text);
}

Result<EgressOptions> read_egress_options(Settings& settings, EgressVerb verb,
                                          std::string argument) {
  auto server = TRY(read_server(settings));
  EgressOptions options{
      .verb = verb,
      .argument = std::move(argument),
      .allowlist = settings.one(kEgressAllowlist, parse_file),
      .data_dir = read_data_dir(settings),
      .server = std::move(server),
      .for_ms = settings.one(kEgressFor, parse_term),
      .upload = settings.one(kAllowUpload, parse_upload),
      .is_confirmed = settings.toggle(kAssumeYes),
      .reason = settings.one(kRequestReason, parse_reason_text),
      .is_json = settings.toggle(kAnswerJson),
      .shows_grants = settings.toggle(kListGrants),
      .hosts = {.text = settings.one(kHostsText, parse_hosts_text),
                .verdict = settings.one(kHostsVerdict, parse_verdict)},
      .limit = settings.number(kEgressLimit),
      .edited_list = settings.one(kTestEdit, parse_file_or_none),
      .since_ms = settings.one(kTestSince, parse_begin),
      .user = settings.one(kEgressUser, parse_user),
      .targets = settings.list(kSelftestTarget, parse_ip_address),
      .names = {.allowed = settings.one(kSelftestAllowed, parse_host),
                .forbidden = settings.one(kSelftestForbidden, parse_host),
                .open_domain = settings.one(kSelftestOpenDomain, parse_host),
                .allowed_http = settings.one(kSelftestAllowedHttp, parse_host_or_none)},
      .oracle = settings.one(kSelftestOracle, parse_address_or_none)};
  read_zone(settings);
  if (settings.error()) return std::unexpected(*settings.error());
  return options;
}

int egress_failed(int exit_status, const std::string& what) {
  return print_error("egress", what, exit_status);
}

int egress(const EgressOptions& options) {
  switch (options.verb) {
    case EgressVerb::allow:
      return egress_allow(options);
    case EgressVerb::deny:
      return egress_deny(options);
    case EgressVerb::list:
      return options.shows_grants ? egress_grants(options) : egress_list(options);
    case EgressVerb::hosts:
      return egress_hosts(options);
    case EgressVerb::test:
      return options.edited_list.empty() ? egress_test(options) : egress_dry_run(options);
    case EgressVerb::why:
      return egress_why(options);
    case EgressVerb::request:
      return egress_request(options);
    case EgressVerb::proposals:
      return egress_proposals(options);
    case EgressVerb::approve:
      return egress_approve(options);
    case EgressVerb::suggest:
      return egress_suggest(options);
    case EgressVerb::selftest:
      break;
  }
  return egress_selftest(options);
}

}  // namespace picortex
