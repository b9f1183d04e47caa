#include <chrono>
#include <cstdio>
#include <optional>

#include "base/parse.h"
#include "base/terminal.h"
#include "cli/egress/allowlist_files.h"
#include "cli/egress/egress_command.h"
#include "netfilter/policy/rule_uses.h"
#include "netfilter/policy/verdict.h"

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
    const auto number = parse_whole<std::uint16_t>(port, 1);
    if (!number) return std::nullopt;
    target.port = *number;
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

// Protocols in which the client shows no host name before the server answers, by port (IANA).
struct NamelessPort {
  std::uint16_t port;
  const char* protocol;
};
constexpr NamelessPort kNamelessPorts[] = {
    {21, "FTP"},          {22, "SSH"},       {23, "Telnet"},       {25, "SMTP"},
    {110, "POP3"},        {119, "NNTP"},     {143, "IMAP"},        {194, "IRC"},
    {389, "LDAP"},        {445, "SMB"},      {587, "SMTP"},        {873, "rsync"},
    {1433, "SQL Server"}, {1521, "Oracle"},  {2049, "NFS"},        {3306, "MySQL"},
    {3389, "RDP"},        {5222, "XMPP"},    {5432, "PostgreSQL"}, {5672, "AMQP"},
    {5900, "VNC"},        {6379, "Redis"},   {6667, "IRC"},        {9418, "git"},
    {11211, "memcached"}, {27017, "MongoDB"}};

const char* nameless_protocol(std::uint16_t port) noexcept {
  for (const NamelessPort& known : kNamelessPorts) {
    if (known.port == port) return known.protocol;
  }
  return nullptr;
}

// Prints what the matching rule means for the target. Returns the exit status.
int print_allowed(const Rule& rule, const Target& target, std::string_view argument) {
  const std::string source(source_label(rule.source));
  const char* nameless = nameless_protocol(target.port);
  if (!target.address && !rule.dns_suffices && nameless != nullptr) {
    std::printf(
        "denied: %s (%s, line %u) needs the name on the wire (TLS SNI or HTTP Host), which %s on "
        "port %u does not show; allow '%s dns-only'\n",
        rule.text.c_str(), source.c_str(), rule.line, nameless, target.port,
        display(argument).c_str());
    return 1;
  }
  std::printf("allowed by %s (%s, line %u)%s\n", rule.text.c_str(), source.c_str(), rule.line,
              target.address      ? ""
              : rule.dns_suffices ? ", at the addresses that its name was resolved to"
                                  : ", where it shows that name (TLS SNI or HTTP Host)");
  return 0;
}

// Prefers a rule with dns-only, since it demands less of the connection.
std::optional<RuleIndex> match_target(const Allowlist& rules, const Target& target,
                                      std::int64_t now_ms) {
  if (!target.address) {
    const Allowlist::NameNeed need{
        .name = target.name.view(), .port = target.port, .dns_only = true};
    if (const auto rule = rules.match(need, now_ms)) return rule;
  }
  return match(rules, target, target.port, now_ms);
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
  if (const auto found = match_target(*rules, *target, now_ms)) {
    return print_allowed(rules->rules()[*found], *target, options.argument);
  }
  const Reason reason = match(*rules, *target, 0, now_ms) ? Reason::port_not_listed
                        : target->address                 ? Reason::address_unknown
                                                          : Reason::name_not_allowed;
  std::printf("denied: %s\n", std::string(reason_label(reason)).c_str());
  return 1;
}

}  // namespace picortex
