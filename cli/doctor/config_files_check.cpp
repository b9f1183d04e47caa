#include <unistd.h>

#include "base/terminal.h"
#include "cli/doctor/checks.h"
#include "netfilter/policy/allowlist.h"

namespace picortex {
namespace {

void check_config_file(const Examined& examined, Findings& findings) {
  const std::string& file = examined.config.file;
  const auto status = examined.host.look(file);
  if (file.empty() || !status) return;
  if (examined.config.has_secret && (status->st_mode & S_IROTH) != 0) {
    findings.problem("config.mode",
                     shell_word(file) + " holds PICORTEX_LINQ_SECRET, and every user may read it",
                     "chmod o= " + shell_word(file));
  } else if ((status->st_mode & S_IWOTH) != 0) {
    findings.problem(
        "config.mode",
        shell_word(file) + " may be written by every user: any of them could switch the fence off",
        "chmod o-w " + shell_word(file));
  }
  const auto obstacle = examined.host.obstacle(examined.daemon_user, file, R_OK);
  if (!obstacle) {
    return findings.skipped(
        "config.readable",
        "only root can see whether " + examined.daemon_name() + " may read " + shell_word(file));
  }
  if (obstacle->empty()) return;
  const std::string place = shell_word(*obstacle);
  if (*obstacle != file) {
    return findings.problem("config.readable",
                            examined.daemon_name() + " may not enter " + place +
                                ", and so not read " + shell_word(file),
                            "chmod o+x " + place);
  }
  findings.problem(
      "config.readable", examined.daemon_name() + " may not read " + place,
      "chgrp " + std::to_string(examined.daemon_user.gid) + ' ' + place + " && chmod g+r " + place);
}

// The program as execvp(3) would find it; empty if there is none.
std::string find_program(const Host& host, const std::string& program) {
  if (program.find('/') != program.npos) return host.exists(program) ? program : "";
  for (const char* directory :
       {"/usr/local/sbin/", "/usr/local/bin/", "/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"}) {
    if (host.exists(directory + program)) return directory + program;
  }
  return {};
}

void check_alert_command(const Examined& examined, Findings& findings) {
  const std::string& command = examined.options().alert_command;
  if (command.empty()) return;
  const std::string program = find_program(examined.host, command);
  if (program.empty()) {
    return findings.problem(
        "config.alert_command",
        "--alert-command " + display(command) + " does not exist: no alert is sent",
        examined.config.file.empty()
            ? "unset PICORTEX_ALERT_COMMAND"
            : "sed -i 's/^PICORTEX_ALERT_COMMAND=/# &/' " + shell_word(examined.config.file));
  }
  const auto runs = examined.host.obstacle(examined.daemon_user, program, X_OK);
  if (!runs) {
    return findings.skipped("config.alert_command", "only root can see whether " +
                                                        examined.daemon_user.name + " may run " +
                                                        shell_word(program));
  }
  if (runs->empty())
    return findings.ok("config.alert_command", shell_word(program) + " can be run");
  findings.problem("config.alert_command",
                   examined.daemon_name() + " may not run " + shell_word(*runs),
                   "chmod a+x " + shell_word(*runs));
}

void check_allowlist(const Examined& examined, Findings& findings) {
  const std::string& file = examined.options().egress_allowlist;
  if (examined.options().egress_mode == EgressMode::off || !examined.host.exists(file)) return;
  const auto text = examined.host.read(file);
  if (!text) return findings.skipped("fence.allowlist", text.error().what);
  Allowlist rules;
  const auto problems = rules.add(*text, RuleSource::list);
  for (const RuleProblem& problem : problems) {
    findings.warning(
        "fence.allowlist",
        shell_word(file) + ':' + std::to_string(problem.line) + " is skipped: " + problem.reason,
        "sed -i '" + std::to_string(problem.line) + "s/^/# /' " + shell_word(file));
  }
  if (problems.empty()) {
    findings.ok("fence.allowlist", shell_word(file) + " has " +
                                       std::to_string(rules.rules().size()) + " rules, all valid");
  }
}

}  // namespace

void check_config_files(const Examined& examined, Findings& findings) {
  check_config_file(examined, findings);
  check_alert_command(examined, findings);
  check_allowlist(examined, findings);
}

}  // namespace picortex
