#include "storage/egress_hosts.h"

#include <chrono>
#include <cstdio>

#include "base/json_text.h"
#include "base/timestamp.h"
#include "cli/egress.h"
#include "cli/egress_lists.h"
#include "netfilter/packet.h"

namespace picortex {
namespace {

std::string padded(std::string text, std::size_t width) {
  text.append(text.size() < width ? width - text.size() : 1, ' ');
  return text;
}

std::string place_of(const EgressHost& host) {
  std::string place;
  append_json_escaped(place, host.name);
  const bool is_v6 = place.find(':') != place.npos;
  if (is_v6) place = '[' + place + ']';
  if (host.port != 0 && (host.port != 443 || is_v6)) place += ':' + std::to_string(host.port);
  return place;
}

bool is_permitted(const Allowlist& rules, const EgressHost& host, std::int64_t now_ms) {
  if (const auto address = parse_ip_address(host.name)) {
    return rules.match(*address, host.port, now_ms).has_value();
  }
  return rules.match({.name = host.name, .port = host.port}, now_ms).has_value();
}

}  // namespace

int egress_hosts(const EgressOptions& options) {
  const auto hosts = read_egress_hosts(options.data_dir);
  if (!hosts) return egress_failed(1, hosts.error().what);
  if (hosts->empty()) std::printf("no host was attempted yet\n");
  for (const EgressHost& host : *hosts) {
    const std::string kind = host.port == 0 ? "name" : protocol_label(host.protocol);
    std::printf("%s%s%s%s  %s  %lld\n", padded(place_of(host), 44).c_str(), padded(kind, 7).c_str(),
                padded(std::string(outcome_label(host.outcome)), 9).c_str(),
                iso_time(host.first_seen_ms).c_str(), iso_time(host.last_seen_ms).c_str(),
                static_cast<long long>(host.attempts));
  }
  return 0;
}

int egress_suggest(const EgressOptions& options) {
  const auto hosts = read_egress_hosts(options.data_dir);
  if (!hosts) return egress_failed(1, hosts.error().what);
  std::string problems;
  const auto rules = load_rules(options.allowlist, options.data_dir, problems);
  if (!rules) return egress_failed(1, rules.error().what);
  const std::int64_t now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                                  std::chrono::system_clock::now().time_since_epoch())
                                  .count();
  std::printf("# What learn mode let go without a rule. Look before you copy it.\n");
  for (const EgressHost& host : *hosts) {
    const bool is_connection = host.port != 0;  // else only its name was asked for
    if (host.outcome != EgressOutcome::learned || !is_connection) continue;
    if (host.protocol != kProtocolTcp) {
      std::printf("# %s by %s: no rule can permit it\n", place_of(host).c_str(),
                  protocol_label(host.protocol).c_str());
    } else if (!is_permitted(*rules, host, now_ms)) {
      const std::string rule = place_of(host);
      if (pattern_problem(rule) == nullptr) std::printf("%s\n", rule.c_str());
    }
  }
  return 0;
}

}  // namespace picortex
