#include <algorithm>
#include <array>
#include <limits>
#include <map>

#include "base/byte_size.h"
#include "base/parse.h"
#include "base/terminal.h"
#include "base/text.h"
#include "cli/doctor/checks.h"

namespace picortex {
namespace {

// Lines of the daemon's log have at most 16 KiB (docs/operate/operations.md); journald counts the
// bytes of a line without its newline.
constexpr std::int64_t kLineLeast = 16 * 1024;
// journald's defaults (journald.conf(5)).
constexpr std::int64_t kBurstDefault = 10'000;
constexpr std::int64_t kIntervalDefaultMs = 30'000;
// A line for each request: what a busy bot and the fence's reports make.
constexpr std::int64_t kLinesASecondLeast = 100;

using Values = std::map<std::string, std::string, std::less<>>;

// Adds the section [Journal] of one file; an empty value is the default again (systemd.syntax(7)).
void add_values(std::string_view text, Values& values) {
  bool is_journal = false;
  while (!text.empty()) {
    const std::string_view raw = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), raw.size() + 1));
    const std::string_view line = trimmed(raw, " \t\r");
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') is_journal = line == "[Journal]";
    const std::size_t equals = line.find('=');
    if (!is_journal || equals == line.npos) continue;
    const std::string name(trimmed(line.substr(0, equals)));
    const std::string value(trimmed(line.substr(equals + 1)));
    if (value.empty()) {
      values.erase(name);
    } else {
      values[name] = value;
    }
  }
}

// The main file, then the drop-ins in the order of their names. Of two drop-ins with one name the
// one in /etc counts, then /run, then /usr.
Values read_journald(const Host& host) {
  Values values;
  for (const char* main :
       {"/etc/systemd/journald.conf", "/run/systemd/journald.conf",
        "/usr/local/lib/systemd/journald.conf", "/usr/lib/systemd/journald.conf"}) {
    const auto text = host.read(main);
    if (!text) continue;
    add_values(*text, values);
    break;
  }
  std::map<std::string, std::string> drop_ins;
  for (const char* directory :
       {"/usr/lib/systemd/journald.conf.d", "/usr/local/lib/systemd/journald.conf.d",
        "/run/systemd/journald.conf.d", "/etc/systemd/journald.conf.d"}) {
    for (const std::string& name : host.list(directory)) {
      if (name.ends_with(".conf")) drop_ins[name] = std::string(directory) + '/' + name;
    }
  }
  for (const auto& [name, path] : drop_ins) {
    if (const auto text = host.read(path)) add_values(*text, values);
  }
  return values;
}

// A time span of systemd.time(7), as far as people write it here: a number, in seconds, or with one
// unit.
std::optional<std::int64_t> parse_span_ms(std::string_view text) {
  constexpr DurationUnit kUnits[] = {{"ms", 1},   {"min", 60'000}, {"sec", 1000},
                                     {"s", 1000}, {"m", 60'000},   {"h", 3'600'000}};
  constexpr std::int64_t kMost = std::int64_t{365} * 86'400'000;
  if (const auto seconds = parse_whole<std::int64_t>(text, 0, kMost / 1000)) return *seconds * 1000;
  return parse_duration(text, kUnits, 0, kMost);
}

// A drop-in whose name is the last of all.
std::string set_journald(const Host& host, const std::string& line) {
  std::string fix = "mkdir -p /etc/systemd/journald.conf.d && printf '[Journal]\\n%s\\n' " +
                    shell_word(line) + " > /etc/systemd/journald.conf.d/zz-picortex-" +
                    line.substr(0, line.find('=')) + ".conf";
  if (host.has_systemd()) fix += " && systemctl restart systemd-journald";
  return fix;
}

void check_line(const Host& host, const Values& values, Findings& findings) {
  const auto found = values.find("LineMax");
  if (found == values.end())
    return findings.ok("journald.line", "journald keeps lines of 48 KiB whole");
  const auto most = parse_byte_size(found->second);
  if (most && (*most >= kLineLeast || *most == 0)) {
    return findings.ok("journald.line",
                       "journald keeps lines of " + std::to_string(*most) + " bytes whole");
  }
  findings.problem("journald.line",
                   "journald has LineMax=" + shell_word(found->second) +
                       ": it cuts the daemon's lines of up to 16 KiB, and what stands at the cut "
                       "becomes an entry of its own",
                   set_journald(host, "LineMax=48K"));
}

void check_rate(const Host& host, const Values& values, Findings& findings) {
  const auto value = [&](const char* name) {
    const auto found = values.find(name);
    return found == values.end() ? std::optional<std::string>() : std::optional(found->second);
  };
  const auto burst_text = value("RateLimitBurst");
  const auto interval_text = value("RateLimitIntervalSec");
  const auto burst = burst_text ? parse_whole<std::int64_t>(*burst_text, 0) : kBurstDefault;
  const auto interval = interval_text ? parse_span_ms(*interval_text) : kIntervalDefaultMs;
  if (!burst || !interval) {
    return findings.skipped(
        "journald.rate", "journald's rate limit is written in a way that is not understood here");
  }
  if (*burst == 0 || *interval == 0)
    return findings.ok("journald.rate", "journald has no rate limit");
  const std::string limit = "journald keeps " + std::to_string(*burst) + " lines in " +
                            std::to_string(*interval / 1000) + " s of one service";
  if (*burst >= kLinesASecondLeast * *interval / 1000) return findings.ok("journald.rate", limit);
  findings.warning(
      "journald.rate", limit + ", and drops what else a busy minute logs",
      set_journald(host, interval_text ? "RateLimitIntervalSec=0" : "RateLimitBurst=10000"));
}

}  // namespace

void check_journald(const Examined& examined, Findings& findings) {
  const Host& host = examined.host;
  if (!host.has_systemd() && !host.exists("/etc/systemd")) {
    return findings.skipped("journald.line", "there is no journald on this host");
  }
  const Values values = read_journald(host);
  check_line(host, values, findings);
  check_rate(host, values, findings);
  const auto storage = values.find("Storage");
  if (storage != values.end() && storage->second == "none") {
    findings.warning("journald.storage",
                     "journald has Storage=none: the daemon's log is kept nowhere",
                     set_journald(host, "Storage=auto"));
  }
}

}  // namespace picortex
