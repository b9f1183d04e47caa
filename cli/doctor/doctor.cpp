#include "cli/doctor/doctor.h"

#include <cstdio>
#include <optional>

#include "base/terminal.h"
#include "cli/doctor/checks.h"
#include "cli/terminal_options.h"

namespace picortex {
namespace {

// Root and the daemon's user need no access of a client's.
std::optional<HostUser> client_of(const DoctorOptions& options, const Examined& examined) {
  const Host& host = examined.host;
  if (!options.client_user.empty()) return host.find_user(options.client_user);
  if (host.is_root() || host.uid == examined.daemon_user.uid) return std::nullopt;
  return host.user_of(host.uid);
}

void check_host(const DoctorOptions& options, const Examined& examined, Findings& findings) {
  check_database(examined, findings);
  check_daemon(examined, findings);
  if (const auto client = client_of(options, examined)) {
    check_client(examined, *client, options.environment, findings);
  }
  check_tmux(examined, findings);
  check_fence(examined, findings);
  check_resolver(examined, findings);
  check_kernel(examined, findings);
  check_disk(examined, findings);
  check_clock(examined, findings);
  check_journald(examined, findings);
  check_telemetry(examined, findings);
}

}  // namespace

Result<DoctorOptions> read_doctor_options(const FlagValues& flags, const Environment& environment,
                                          DoctorScope scope) {
  Settings places(flags, environment, {}, {});
  const auto any_text = [](std::string_view text) { return std::optional(std::string(text)); };
  DoctorOptions options{.flags = flags,
                        .environment = environment,
                        .scope = scope,
                        .json = places.toggle(kDoctorJson),
                        .client_user = places.one(kDoctorClient, any_text)};
  read_terminal(places);
  if (places.error()) return std::unexpected(*places.error());
  return options;
}

int doctor(const DoctorOptions& options) {
  constexpr const char* kName = "doctor";
  const Host host;
  if (!options.client_user.empty() && !host.find_user(options.client_user)) {
    return print_error(kName, "--client-user: there is no user " + display(options.client_user), 2);
  }
  Findings findings;
  const CheckedConfig config = check_config(options.flags, options.environment, host, findings);
  if (!config.wrong_flag.empty()) return print_error({}, config.wrong_flag, 2);
  const Examined examined = examine(host, config);
  check_config_files(examined, findings);
  // serve makes a directory that is missing.
  const bool is_host = options.scope == DoctorScope::host;
  if (is_host || examined.has_data_dir) check_data_dir(examined, findings);
  if (is_host) check_host(options, examined, findings);
  const std::string text =
      options.json ? findings_json(findings) : render_findings(findings, stdout_is_coloured());
  std::fputs(text.c_str(), stdout);
  if (std::fflush(stdout) != 0) return print_error(kName, "cannot write to stdout");
  return findings.worst() == Severity::ok ? 0 : 1;
}

}  // namespace picortex
