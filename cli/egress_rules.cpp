#include "cli/egress_rules.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "netfilter/firewall.h"
#include "netfilter/resolver_holes.h"
#include "netfilter/socket_address.h"

namespace picortex {
namespace {

int fail(const Error& error) {
  std::fprintf(stderr, "picortex: %s\n", error.what.c_str());
  return EXIT_FAILURE;
}

int say(const char* text) { return std::puts(text) < 0 ? EXIT_FAILURE : EXIT_SUCCESS; }

int install(const FirewallPlan& plan) {
  const auto change = install_firewall(plan);
  if (!change) return fail(change.error());
  return say(*change == FirewallChange::none ? "the rules are in place already"
                                             : "the rules are in place");
}

int remove() {
  const auto removed = remove_firewall();
  if (!removed) return fail(removed.error());
  return say(*removed ? "the rules are gone: nobody is fenced" : "there were no rules");
}

int show_status(const FirewallPlan& plan) {
  const auto differences = check_firewall(plan);
  if (!differences) return fail(differences.error());
  for (const std::string& difference : *differences) say(difference.c_str());
  if (differences->empty()) say("the rules stand as they should");
  const auto holes = find_resolver_holes();
  for (const std::string& hole : holes) say(("hole: " + hole).c_str());
  return differences->empty() && holes.empty() ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

std::optional<std::string> parse_user(std::string_view text) {
  constexpr std::size_t kSizeMax = 256;
  constexpr std::string_view kForbidden(" \t\n:/\0", 6);
  if (text.empty() || text.size() > kSizeMax || text.find_first_of(kForbidden) != text.npos) {
    return std::nullopt;
  }
  return std::string(text);
}

Result<EgressRulesOptions> read_egress_rules_options(Settings& settings, EgressRulesAction action) {
  EgressRulesOptions options;
  options.action = action;
  options.mode = settings.one(kEgressMode, parse_mode);
  options.user = settings.one(kEgressUser, parse_user);
  options.listen = settings.list(kListen, ListenAddress::parse);
  options.dns_port = static_cast<std::uint16_t>(settings.number(kEgressDnsPort, 1, 65535));
  if (settings.error()) return std::unexpected(*settings.error());
  return options;
}

Result<FirewallPlan> make_firewall_plan(EgressMode mode, const std::string& user,
                                        std::uint16_t dns_port,
                                        const std::vector<ListenAddress>& listen) {
  auto found = find_fenced_user(user);
  if (!found) return std::unexpected(found.error());
  FirewallPlan plan{.user = std::move(*found),
                    .learns = mode == EgressMode::learn,
                    .dns_port = dns_port,
                    .endpoints = {}};
  for (const ListenAddress& address : listen) {
    if (address.family() == AF_UNIX) continue;
    SocketAddress socket_address;
    std::memcpy(&socket_address.any, address.socket_address(), address.socket_address_size());
    plan.endpoints.push_back({socket_address.address(), address.port()});
  }
  return plan;
}

int egress_rules(const EgressRulesOptions& options) {
  if (options.action == EgressRulesAction::remove) return remove();
  const auto plan =
      make_firewall_plan(options.mode, options.user, options.dns_port, options.listen);
  if (!plan) return fail(plan.error());
  return options.action == EgressRulesAction::install ? install(*plan) : show_status(*plan);
}

}  // namespace picortex
