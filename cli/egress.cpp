#include "cli/egress.h"

#include <charconv>
#include <cstdio>
#include <optional>

#include "cli/health.h"
#include "cli/serve_options.h"
#include "netfilter/host_name.h"

namespace picortex {
namespace {

std::optional<std::string> parse_file(std::string_view text) {
  if (text.empty() || text.size() > 4000 || text.find('\0') != text.npos) {
    return std::nullopt;
  }
  return std::string(text);
}

std::optional<std::string> parse_user(std::string_view text) {
  if (text.empty() || text.size() > 64 || text.find('\0') != text.npos) return std::nullopt;
  return std::string(text);
}

std::optional<std::string> parse_host(std::string_view text) {
  const auto host = HostName::parse(text);
  if (!host) return std::nullopt;
  return std::string(host->view());
}

std::optional<std::string> parse_host_or_none(std::string_view text) {
  return text.empty() ? std::string() : parse_host(text);
}

std::optional<std::int64_t> parse_duration(std::string_view text) {
  if (text.empty()) return 0;
  constexpr std::int64_t kMinute = 60'000;
  constexpr std::int64_t kLongest = 365 * 1440 * kMinute;
  const std::int64_t unit = text.ends_with('m')   ? kMinute
                            : text.ends_with('h') ? 60 * kMinute
                            : text.ends_with('d') ? 1440 * kMinute
                                                  : 0;
  text.remove_suffix(1);
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (unit == 0 || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (count < 1 || count > kLongest / unit) return std::nullopt;
  return count * unit;
}

}  // namespace

Result<EgressOptions> read_egress_options(Settings& settings, EgressVerb verb,
                                          std::string argument) {
  auto server = read_server(settings);
  if (!server) return std::unexpected(server.error());
  EgressOptions options{
      .verb = verb,
      .argument = std::move(argument),
      .allowlist = settings.one(kEgressAllowlist, parse_file),
      .data_dir = read_data_dir(settings),
      .server = *server,
      .for_ms = settings.one(kEgressFor, parse_duration),
      .user = settings.one(kEgressUser, parse_user),
      .targets = settings.list(kSelftestTarget, parse_ip_address),
      .names = {.allowed = settings.one(kSelftestAllowed, parse_host),
                .forbidden = settings.one(kSelftestForbidden, parse_host),
                .open_domain = settings.one(kSelftestOpenDomain, parse_host),
                .allowed_http = settings.one(kSelftestAllowedHttp, parse_host_or_none)}};
  if (settings.error()) return std::unexpected(*settings.error());
  return options;
}

int egress_failed(int exit_status, const std::string& what) {
  std::fprintf(stderr, "picortex: egress: %s\n", what.c_str());
  return exit_status;
}

int egress(const EgressOptions& options) {
  switch (options.verb) {
    case EgressVerb::allow:
      return egress_allow(options);
    case EgressVerb::deny:
      return egress_deny(options);
    case EgressVerb::list:
      return egress_list(options);
    case EgressVerb::hosts:
      return egress_hosts(options);
    case EgressVerb::test:
      return egress_test(options);
    case EgressVerb::suggest:
      return egress_suggest(options);
    case EgressVerb::selftest:
      break;
  }
  return egress_selftest(options);
}

}  // namespace picortex
