#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <set>

#include "base/json/json_text.h"
#include "base/time/clock.h"
#include "cli/commands/time_expression.h"
#include "cli/egress/allowlist_files.h"
#include "cli/egress/egress_command.h"
#include "cli/egress/look_alike.h"
#include "cli/output/table.h"
#include "netfilter/wire/packet.h"
#include "storage/egress_host_table.h"

namespace picortex {
namespace {

// At most this many trusted names are compared.
constexpr std::size_t kTrustedMax = 2000;

std::string padded(std::string text, std::size_t width) {
  text.append(text.size() < width ? width - text.size() : 1, ' ');
  return text;
}

std::string place_of_host(const EgressHost& host) {
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

// The columns after the host, with their widths; the last one ends the line.
constexpr std::size_t kHostWidth = 44;
constexpr std::array<std::size_t, 8> kWidths{7, 9, 9, 9, 13, 13, 21, 0};

void print_row(const std::string& place, const std::array<std::string, kWidths.size()>& columns) {
  std::string line = padded(place, kHostWidth);
  for (std::size_t i = 0; i < columns.size(); ++i) line += padded(columns[i], kWidths[i]);
  line.pop_back();
  std::printf("%s\n", line.c_str());
}

// Of connections that have ended; "-" while there is none.
std::string bytes_of(const EgressHost& host, std::int64_t bytes) {
  return host.connections_ended == 0 ? "-" : std::to_string(bytes);
}

StoreResult<EgressHostsPage> read_page(const EgressOptions& options) {
  auto reader = TRY(EventReader::open(options.data_dir));
  EgressHostsQuery query(options.hosts, std::nullopt, options.limit);
  while (!query.is_done()) TRY(query.run(*reader, {}));
  return query.take_page();
}

// "times are UTC; 5,008 of 5,020 hosts, 31 more made room for others; these are the 200 attempted
// last, --limit shows more"
std::string summary_of(const EgressHostsPage& page, std::int64_t matching) {
  std::string text =
      "times are " + zone_name(kSystemClock.unix_ms()) + "; " + grouped_digits(matching);
  if (matching < page.total) text += " of " + grouped_digits(page.total);
  text += page.total == 1 ? " host" : " hosts";
  if (page.evicted > 0) text += ", " + grouped_digits(page.evicted) + " more made room for others";
  if (page.has_more) {
    text += "; these are the " + grouped_digits(std::ssize(page.hosts)) +
            " attempted last, --limit shows more";
  }
  return text;
}

// What learn mode recorded, sorted by how far it may be trusted.
class Suggestions {
 public:
  Suggestions(const std::vector<EgressHost>& hosts, const Allowlist& rules)
      : rules_(rules), now_ms_(kSystemClock.unix_ms()) {
    for (const Rule& rule : rules.rules()) {
      if (rule.kind != RuleKind::network && trusted_.size() < kTrustedMax) {
        trusted_.push_back(rule.name);
      }
    }
    for (const EgressHost& host : hosts) {
      if (host.port == 0) asked_.insert(host.name);
    }
    for (const EgressHost& host : hosts) {
      const bool is_connection = host.port != 0;  // otherwise only the name was resolved
      if (is_connection && host.learned > 0) add(host);
    }
  }

  void print() const {
    std::printf("# Learn mode allowed these without a rule. Review them before you copy them.\n");
    for (const std::string& line : rules_to_copy_) std::printf("%s\n", line.c_str());
    for (const std::string& line : remarks_) std::printf("# %s\n", line.c_str());
  }

 private:
  void add(const EgressHost& host) {
    const std::string place = place_of_host(host);
    if (host.protocol != kProtocolTcp) {
      remarks_.push_back(place + " by " + protocol_label(host.protocol) +
                         ": no rule can permit it");
      return;
    }
    if (is_permitted(rules_, host, now_ms_) || pattern_problem(place) != nullptr) return;
    std::string doubts;
    if (const auto known = resembled(host.name, trusted_); !known.empty()) {
      doubts = "looks like " + std::string(known) + ", which is another host";
    }
    if (!was_resolved(host)) {
      doubts += doubts.empty() ? "" : "; ";
      doubts += "the name was shown, but never resolved: the address may be anybody's";
    }
    if (doubts.empty()) {
      rules_to_copy_.push_back(place);
    } else {
      remarks_.push_back(place + ": " + doubts);
    }
  }

  // True if the DNS proxy was asked for the name. Without a rule that is recorded as an attempt of
  // its own; with one it is not.
  bool was_resolved(const EgressHost& host) const {
    return parse_ip_address(host.name) || asked_.contains(host.name) ||
           rules_.match({.name = host.name}, now_ms_);
  }

  const Allowlist& rules_;
  std::int64_t now_ms_;
  std::vector<std::string> trusted_;
  std::set<std::string, std::less<>> asked_;
  std::vector<std::string> rules_to_copy_;
  std::vector<std::string> remarks_;
};

}  // namespace

int egress_hosts(const EgressOptions& options) {
  const auto read = read_page(options);
  if (!read) return egress_failed(1, read.error().what);
  const EgressHostsPage& page = *read;
  if (page.total == 0) {
    std::printf("no host was attempted yet\n");
    return 0;
  }
  std::printf("%s\n", summary_of(page, page.matching(options.hosts.verdict)).c_str());
  print_row("host",
            {"kind", "allowed", "learned", "denied", "bytes up", "bytes down", "first", "last"});
  for (const EgressHost& host : page.hosts) {
    print_row(
        place_of_host(host),
        {host.port == 0 ? "name" : protocol_label(host.protocol), std::to_string(host.allowed),
         std::to_string(host.learned), std::to_string(host.denied), bytes_of(host, host.bytes_up),
         bytes_of(host, host.bytes_down), local_time(host.first_seen_ms).substr(0, 19),
         local_time(host.last_seen_ms).substr(0, 19)});
  }
  return 0;
}

int egress_suggest(const EgressOptions& options) {
  const auto hosts = read_egress_hosts(options.data_dir);
  if (!hosts) return egress_failed(1, hosts.error().what);
  std::string problems;
  const auto rules = load_rules(options.allowlist, options.data_dir, problems);
  if (!rules) return egress_failed(1, rules.error().what);
  Suggestions(*hosts, *rules).print();
  return 0;
}

}  // namespace picortex
