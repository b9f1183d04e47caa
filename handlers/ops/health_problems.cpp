#include "handlers/ops/health_problems.h"

#include <unistd.h>

#include <cstring>

#include "base/terminal.h"

namespace picortex {
namespace {

std::string database_fix(const EventWriter& writer, const std::string& data_dir) {
  const std::string directory = shell_word(data_dir);
  const std::string database = shell_word(data_dir + "/picortex.db");
  if (writer.is_stuck()) return "fuser -v " + database;
  switch (writer.fault_kind()) {
    case FaultKind::full:
      return "df -h " + directory + "; du -xh " + directory + " | sort -h | tail";
    case FaultKind::corrupt:
      return "picortex db check --data-dir " + directory;
    case FaultKind::newer_schema:
      return "apt install --only-upgrade picortex";
    case FaultKind::moved:
      return "systemctl restart picortex";
    case FaultKind::busy:
    case FaultKind::read_only:
    case FaultKind::io:
    case FaultKind::open:
      break;
  }
  return "picortex doctor --data-dir " + directory;
}

}  // namespace

std::string tmux_fix(std::string_view socket, std::string_view reason) {
  const auto says = [reason](std::string_view words) { return reason.find(words) != reason.npos; };
  const std::string tmux = socket.empty() ? "tmux" : "tmux -S " + shell_word(socket);
  if (says("cannot start tmux")) return "apt install -y tmux";
  if (says("access not allowed"))
    return tmux + " server-access -a \"$(id -un " + std::to_string(geteuid()) + ")\"";
  if (says("Permission denied") && !socket.empty()) return "chmod a+rw " + shell_word(socket);
  return tmux + " new-session -d";
}

std::vector<HealthProblem> HealthProblems::find() const {
  std::vector<HealthProblem> problems;
  const std::string directory = shell_word(data_dir_);
  if (!writer_.is_available()) {
    const std::string fault(writer_.fault());
    problems.push_back({"database",
                        writer_.is_stuck() ? "another process holds the database's write lock"
                        : fault.empty()    ? "the database is not open yet"
                                           : fault,
                        database_fix(writer_, data_dir_)});
  }
  if (writer_.disk_is_low()) {
    problems.push_back({"disk", "less than --min-free-bytes is free: new events are rejected",
                        "df -h " + directory + "; du -xh " + directory + " | sort -h | tail"});
  }
  if (writer_.log_is_held()) {
    problems.push_back(
        {"database",
         writer_.log_is_full()
             ? "a reader holds the database's log, which is so long that events are rejected"
             : "a reader holds the database's log, which grows",
         "fuser -v " + shell_word(data_dir_ + "/picortex.db-wal")});
  }
  if (!probe_.is_ok()) {
    problems.push_back(
        {"tmux",
         probe_.reason().empty() ? "tmux has not answered yet" : std::string(probe_.reason()),
         tmux_fix(probe_.socket(), probe_.reason())});
  }
  if (output_.is_failing()) {
    problems.push_back(
        {"log", "stdout cannot be written: " + std::string(std::strerror(output_.last_error())),
         "systemctl restart picortex"});
  }
  return problems;
}

void HealthProblems::append_status(JsonObject& status) const {
  JsonObject health = status.object("health");
  health.text("status", writer_.is_available() && probe_.is_ok() ? "ok" : "degraded");
  JsonArray problems = health.array("problems");
  for (const HealthProblem& problem : find()) {
    problems.object()
        .text("part", problem.part)
        .text("reason", problem.reason)
        .text("fix", problem.fix);
  }
}

}  // namespace picortex
