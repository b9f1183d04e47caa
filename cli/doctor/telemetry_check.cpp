#include "base/terminal.h"
#include "base/time/timestamp.h"
#include "cli/claude/claude.h"
#include "cli/doctor/checks.h"
#include "storage/query/turn_reader.h"

namespace picortex {
namespace {

constexpr const char* kManagedSettings = "/etc/claude-code/managed-settings.json";

// The address to which the hooks in the settings go; empty if there are none of picortex.
std::string hooked_address(std::string_view settings) {
  constexpr std::string_view kBegin = "\"url\": \"http://";
  constexpr std::string_view kEnd = "/hooks/claude\"";
  const std::size_t end = settings.find(kEnd);
  if (end == settings.npos) return {};
  const std::size_t begin = settings.rfind(kBegin, end);
  if (begin == settings.npos) return {};
  return std::string(settings.substr(begin + kBegin.size(), end - begin - kBegin.size()));
}

bool is_listened_on(const ServeOptions& options, const std::string& address) {
  for (const ListenAddress& listen : options.listen) {
    if (listen.reachable().text() == address) return true;
  }
  return false;
}

// Returns the hooks' address.
std::string check_hooks(const Examined& examined, Findings& findings) {
  const auto settings = examined.host.read(kManagedSettings);
  const std::string address = settings ? hooked_address(*settings) : std::string();
  if (address.empty()) {
    findings.ok("telemetry.hooks",
                "Claude Code has no hooks of picortex for all users (picortex claude install)");
  } else if (!is_listened_on(examined.options(), address)) {
    findings.problem("telemetry.hooks",
                     std::string("the hooks in ") + kManagedSettings + " go to " +
                         shell_word(address) + ", where the daemon does not listen",
                     "picortex claude install --listen " +
                         shell_word(examined.options().listen.front().reachable().text()));
  } else {
    findings.ok("telemetry.hooks", "Claude Code's hooks go to " + shell_word(address));
  }
  return address;
}

}  // namespace

void check_telemetry(const Examined& examined, Findings& findings) {
  const bool has_hooks = !check_hooks(examined, findings).empty();
  auto reader = TurnReader::open(examined.options().data_dir);
  const auto telemetry = reader ? (*reader)->telemetry() : StoreResult<TelemetrySeen>();
  if (!reader || !telemetry) {
    return findings.skipped("telemetry.seen", "the database cannot be read here");
  }
  if (telemetry->last_ms == 0) {
    if (!has_hooks)
      return findings.ok("telemetry.seen", "none has come, and no hooks are installed");
    return findings.warning(
        "telemetry.seen",
        "the hooks are installed, but nothing has come from Claude Code: it gets "
        "its token from picortex run",
        "picortex run --chat test -- claude -p hello");
  }
  std::string what = "last seen " + iso_time(telemetry->last_ms);
  if (telemetry->lost_records > 0) {
    what += "; " + std::to_string(telemetry->lost_records) + " records were lost on the way";
  }
  findings.ok("telemetry.seen", what);
}

}  // namespace picortex
