// `picortex egress list --grants`.
#include <cstdio>
#include <set>

#include "base/json/json_text.h"
#include "cli/egress/allowlist_files.h"
#include "cli/egress/egress_command.h"
#include "cli/egress/review/host_grants.h"

namespace picortex {
namespace {

void print_row(std::string_view host, std::string_view upload, std::string_view publish,
               std::string_view execute, std::string_view note) {
  std::string line;
  append_visible(line, host);
  line.append(line.size() < 32 ? 32 - line.size() : 1, ' ');
  for (const std::string_view cell : {upload, publish, execute}) {
    line.append(cell).append(cell.size() < 9 ? 9 - cell.size() : 1, ' ');
  }
  std::printf("%s\n", line.append(note).c_str());
}

std::string_view yes_or_no(bool is_so) noexcept { return is_so ? "yes" : "no"; }

void print_grant(const Rule& rule, const HostGrant* grant) {
  const std::string name = rule.kind == RuleKind::network      ? rule.text
                           : rule.kind == RuleKind::subdomains ? "*." + rule.name
                                                               : rule.name;
  if (grant == nullptr) return print_row(name, "?", "?", "?", "not known");
  print_row(name, yes_or_no(grant->takes_uploads), yes_or_no(grant->publishes),
            yes_or_no(grant->serves_programs), grant->note);
}

}  // namespace

int egress_grants(const EgressOptions& options) {
  std::string problems;
  const auto rules = load_rules(options.allowlist, options.data_dir, problems);
  if (!rules) return egress_failed(1, rules.error().what);
  std::fputs(problems.c_str(), stderr);
  std::printf(
      "A host receives whatever a request carries, its URL included; no means no more than "
      "that.\n");
  print_row("host", "upload", "publish", "execute", "note");
  std::set<std::string_view> shown;
  for (const Rule& rule : rules->rules()) {
    const bool is_name = rule.kind == RuleKind::host;
    if (is_name && !shown.insert(rule.name).second) continue;
    print_grant(rule, is_name ? find_grant(rule.name) : nullptr);
  }
  return problems.empty() ? 0 : 1;
}

}  // namespace picortex
