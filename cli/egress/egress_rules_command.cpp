#include "cli/egress/egress_rules_command.h"

#include <cstdio>
#include <cstdlib>

#include "base/terminal.h"
#include "cli/egress/allowlist_files.h"
#include "cli/egress/egress_command.h"
#include "daemon/config/serve_options.h"
#include "daemon/egress/fence_plan.h"
#include "netfilter/kernel/fenced_user.h"
#include "netfilter/kernel/firewall.h"
#include "netfilter/kernel/resolver_bypass_check.h"
#include "netfilter/opening/opening_set.h"

namespace picortex {
namespace {

int say(const char* text) { return std::puts(text) < 0 ? EXIT_FAILURE : EXIT_SUCCESS; }

int install(const FirewallPlan& plan) {
  const auto change = install_firewall(plan);
  if (!change) return print_error({}, change.error().what);
  return say(*change == FirewallChange::none ? "the rules are in place already"
                                             : "the rules are in place");
}

int remove() {
  const auto removed = remove_firewall();
  if (!removed) return print_error({}, removed.error().what);
  return say(*removed ? "the rules are removed: no user is fenced" : "there were no rules");
}

int show_status(const FirewallPlan& plan) {
  const auto differences = check_firewall(plan);
  if (!differences) return print_error({}, differences.error().what);
  for (const std::string& difference : *differences) say(difference.c_str());
  if (differences->empty()) say("the rules are as expected");
  const auto holes = find_resolver_holes();
  for (const std::string& hole : holes) say(("hole: " + hole).c_str());
  const auto opens_at_once = OpeningSet::is_made();
  if (!opens_at_once || !*opens_at_once) {
    std::fprintf(
        stderr,
        "note: connections wait for a verdict when they are opened as well: no daemon runs, "
        "or its log has the reason (egress.openings_wait)\n");
  }
  // On stderr, so that neither the verdict nor what scripts read changes.
  for (const std::string& limit : find_fence_limits()) {
    std::fprintf(stderr, "note: %s\n", limit.c_str());
  }
  return differences->empty() && holes.empty() ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

Result<EgressRulesOptions> read_egress_rules_options(Settings& settings, EgressRulesAction action) {
  EgressRulesOptions options;
  options.action = action;
  options.mode = settings.one(kEgressMode, parse_mode);
  options.user = settings.one(kEgressUser, parse_user);
  options.listen = settings.list(kListen, ListenAddress::parse);
  options.dns_port = static_cast<std::uint16_t>(settings.number(kEgressDnsPort));
  options.allowlist = settings.one(kEgressAllowlist, parse_file);
  options.data_dir = read_data_dir(settings);
  options.upload = settings.one(kEgressUpload, parse_default_upload);
  if (settings.error()) return std::unexpected(*settings.error());
  return options;
}

int egress_rules(const EgressRulesOptions& options) {
  if (options.action == EgressRulesAction::remove) return remove();
  auto plan = make_firewall_plan(options.mode, options.user, options.dns_port, options.listen);
  if (!plan) return print_error({}, plan.error().what);
  plan->meters = limits_uploads(options.allowlist, options.data_dir, options.upload);
  return options.action == EgressRulesAction::install ? install(*plan) : show_status(*plan);
}

}  // namespace picortex
