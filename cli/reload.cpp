#include "cli/reload.h"

#include <algorithm>
#include <utility>

namespace picortex {
namespace {

// Those that the daemon can take up while it runs: see Daemon::apply().
constexpr const Option* kReloadable[] = {
    &kLogLevel,       &kLogFormat,    &kLogLevelFormat, &kFrontendLogRate, &kHosts,
    &kTrustedProxies, &kTmuxSocket,   &kAlertCommand,   &kAlertOn,         &kRetentionDays,
    &kMaxDbBytes,     &kMinFreeBytes, &kSentryRate};

bool is_reloadable(const Option* option, const ServeOptions& started, const ServeOptions& now) {
  // The endpoint is there from the start, or not at all.
  if (option == &kLinqSecret) return started.linq_secret && now.linq_secret;
  return std::ranges::find(kReloadable, option) != std::end(kReloadable);
}

}  // namespace

Result<Reload> read_again(const ServeOptions& started, const ServeOptions& current) {
  auto settings = current.settings->read_again();
  if (!settings) return std::unexpected(settings.error());
  auto read = read_serve_options(*settings);
  if (!read) return std::unexpected(read.error());
  Reload reload{.options = *std::move(read), .changed = {}, .needs_restart = {}};
  for (const Option* option : kServeOptions) {
    const bool now = is_reloadable(option, started, reload.options);
    const Settings& before = now ? *current.settings : *started.settings;
    if (!reload.options.settings->differs_in(*option, before)) continue;
    (now ? reload.changed : reload.needs_restart).emplace_back(option->flag);
  }
  return reload;
}

}  // namespace picortex
