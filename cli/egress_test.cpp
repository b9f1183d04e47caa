#include "cli/egress.h"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <optional>

#include "cli/display.h"
#include "cli/egress_lists.h"
#include "netfilter/rule_uses.h"
#include "netfilter/verdict.h"

namespace picortex {
namespace {

struct Target {
  std::optional<IpAddress> address;
  HostName name;
  std::uint16_t port = 443;
};

std::optional<Target> parse_target(std::string_view text) {
  Target target;
  std::string_view host = text;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == text.npos) return std::nullopt;
    host = text.substr(1, close - 1);
    port = text.substr(close + 1);
    if (!port.empty() && port.front() != ':') return std::nullopt;
  } else if (const std::size_t colon = text.find(':');
             colon != text.npos && text.find(':', colon + 1) == text.npos) {
    host = text.substr(0, colon);
    port = text.substr(colon);
  }
  if (!port.empty()) {
    port.remove_prefix(1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), target.port);
    if (error != std::errc{} || end != port.data() + port.size() || target.port == 0) {
      return std::nullopt;
    }
  }
  target.address = parse_ip_address(host);
  if (target.address) return target;
  const auto name = HostName::parse(host);
  if (!name) return std::nullopt;
  target.name = *name;
  return target;
}

std::optional<RuleIndex> match(const Allowlist& rules, const Target& target, std::uint16_t port,
                               std::int64_t now_ms) {
  if (target.address) return rules.match(*target.address, port, now_ms);
  return rules.match({.name = target.name.view(), .port = port}, now_ms);
}

}  // namespace

int egress_test(const EgressOptions& options) {
  const auto target = parse_target(options.argument);
  if (!target) {
    return egress_failed(2, display(options.argument) +
                                " is no target: give HOST, HOST:PORT, ADDRESS or [IPV6]:PORT");
  }
  std::string problems;
  const auto rules = load_rules(options.allowlist, options.data_dir, problems);
  if (!rules) return egress_failed(1, rules.error().what);
  std::fputs(problems.c_str(), stderr);
  const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                          std::chrono::system_clock::now().time_since_epoch())
                          .count();
  if (const auto found = match(*rules, *target, target->port, now_ms)) {
    const Rule& rule = rules->rules()[*found];
    const std::string source(source_label(rule.source));
    std::printf("allowed by %s (%s, line %u)%s\n", rule.text.c_str(), source.c_str(), rule.line,
                target->address     ? ""
                : rule.dns_suffices ? ", at the addresses that its name was resolved to"
                                    : ", where it shows that name (TLS SNI or HTTP Host)");
    return 0;
  }
  const Reason reason = match(*rules, *target, 0, now_ms) ? Reason::port_not_listed
                        : target->address                 ? Reason::address_unknown
                                                          : Reason::name_not_allowed;
  std::printf("refused: %s\n", std::string(reason_label(reason)).c_str());
  return 1;
}

}  // namespace picortex
