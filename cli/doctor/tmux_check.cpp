#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/terminal.h"
#include "cli/doctor/checks.h"
#include "handlers/ops/health_problems.h"
#include "handlers/ops/tmux_probe.h"

namespace picortex {
namespace {

std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

// Whether tmux lets that user in (tmux(1), server-access): its own user and root always. The list
// has a name a line, with (R) or (W) after it.
bool lets_in(std::string_view list, const std::string& name) {
  while (!list.empty()) {
    const std::string_view line = first_line(list);
    list.remove_prefix(std::min(list.size(), line.size() + 1));
    if (line.starts_with(name) && (line.size() == name.size() || line[name.size()] == ' ')) {
      return true;
    }
  }
  return false;
}

void check_access(const Examined& examined, const std::string& socket, uid_t owner,
                  Findings& findings) {
  const HostUser& user = examined.daemon_user;
  const auto obstacle = examined.host.obstacle(user, socket, R_OK | W_OK);
  if (!obstacle) {
    return findings.skipped("tmux.access", "only root can see whether " + examined.daemon_name() +
                                               " may use " + shell_word(socket));
  }
  if (!obstacle->empty()) {
    const bool is_socket = *obstacle == socket;
    return findings.problem("tmux.access",
                            examined.daemon_name() + " may not " +
                                (is_socket ? "write to " : "enter ") + shell_word(*obstacle),
                            (is_socket ? "chmod a+rw " : "chmod a+x ") + shell_word(*obstacle));
  }
  if (user.uid == 0 || user.uid == owner) {
    return findings.ok("tmux.access", user.name + " may use " + shell_word(socket));
  }
  const std::string list[] = {"tmux", "-S", socket, "server-access", "-l"};
  const auto said = examined.host.run(list);
  if (!said || said->status != 0) {
    return findings.skipped(
        "tmux.access", "tmux does not list the users that it lets in at " + shell_word(socket));
  }
  if (lets_in(said->output, user.name)) {
    return findings.ok("tmux.access", "tmux lets " + user.name + " in");
  }
  findings.problem("tmux.access",
                   "tmux does not let " + examined.daemon_name() + " in at " + shell_word(socket),
                   "tmux -S " + shell_word(socket) + " server-access -a " + shell_word(user.name));
}

void check_server(const Examined& examined, const std::string& socket, Findings& findings) {
  const std::string list[] = {"tmux", "-S", socket, "list-sessions", "-F", "#{session_id}"};
  const auto said = examined.host.run(list);
  if (!said) {
    return findings.problem("tmux.server", said.error().what,
                            said.error().code == ENOENT
                                ? "apt install -y tmux"
                                : "tmux -S " + shell_word(socket) + " list-sessions");
  }
  if (said->status == 0) return findings.ok("tmux.server", "tmux answers at " + shell_word(socket));
  const std::string_view why = first_line(said->errors);
  findings.problem("tmux.server",
                   "tmux does not answer at " + shell_word(socket) + ": " + display(why) +
                       "; if this host has no tmux, set PICORTEX_TMUX_SOCKET=none",
                   tmux_fix(socket, why));
}

}  // namespace

void check_tmux(const Examined& examined, Findings& findings) {
  if (examined.options().tmux_socket == kNoTmux) {
    return findings.ok("tmux.server", "there is no tmux (--tmux-socket none)");
  }
  const bool is_default = examined.options().tmux_socket.empty();
  const std::string socket =
      is_default ? "/tmp/tmux-" + std::to_string(examined.daemon_user.uid) + "/default"
                 : examined.options().tmux_socket;
  const auto status = examined.host.look(socket);
  if (is_default && examined.host.has_systemd() && examined.daemon_user.uid != 0) {
    return findings.warning(
        "tmux.socket",
        "PICORTEX_TMUX_SOCKET is not set, and the service cannot see tmux's default socket "
        "in /tmp, which is private to it",
        "printf '%s\\n' PICORTEX_TMUX_SOCKET=none >> " +
            shell_word(examined.config.file.empty() ? "/etc/picortex/picortex.conf"
                                                    : examined.config.file));
  }
  if (status && !S_ISSOCK(status->st_mode)) {
    return findings.problem(
        "tmux.socket", shell_word(socket) + " is no socket",
        "rm " + shell_word(socket) + " && tmux -S " + shell_word(socket) + " new-session -d");
  }
  check_server(examined, socket, findings);
  if (status) check_access(examined, socket, status->st_uid, findings);
}

}  // namespace picortex
