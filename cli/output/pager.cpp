#include "cli/output/pager.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/terminal.h"

namespace picortex {
namespace {

constexpr const char* kLess = "less -FRX";

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

// Looked up before stdout is given away: a shell that cannot find its program would lose the output.
bool is_in_path(std::string_view program) {
  std::string_view path = variable("PATH");
  while (!path.empty()) {
    const std::string_view directory = path.substr(0, path.find(':'));
    path.remove_prefix(std::min(path.size(), directory.size() + 1));
    if (access((std::string(directory) + '/' + std::string(program)).c_str(), X_OK) == 0)
      return true;
  }
  return false;
}

// Returns the command for a shell; null if there is to be no pager.
const char* find_pager() {
  const std::string_view wanted = variable("PICORTEX_NO_PAGER");
  const bool is_forbidden = wanted == "true" || wanted == "1";
  if (is_forbidden || isatty(STDOUT_FILENO) == 0 || variable("TERM").empty() ||
      variable("TERM") == "dumb") {
    return nullptr;
  }
  const char* chosen = std::getenv("PAGER");
  if (chosen == nullptr) return is_in_path("less") ? kLess : nullptr;
  const std::string_view name = chosen;
  if (name.empty() || name == "cat") return nullptr;
  return is_in_path(name.substr(0, name.find(' '))) || name.starts_with('/') ? chosen : nullptr;
}

}  // namespace

Pager::Pager(Paging paging) {
  const char* command = paging == Paging::on ? find_pager() : nullptr;
  if (command != nullptr) start(command);
}

void Pager::start(const char* command) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return;
  const bool is_coloured = stdout_is_coloured();
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[0], STDIN_FILENO);
    setenv("LESS", "FRX", 0);
    execl("/bin/sh", "sh", "-c", command, static_cast<char*>(nullptr));
    _exit(127);
  }
  close(ends[0]);
  if (child > 0 && dup2(ends[1], STDOUT_FILENO) >= 0) {
    child_ = child;
    // The pipe is no terminal, but what is shown is.
    setenv("PICORTEX_COLOR", is_coloured ? "always" : "never", 1);
    // Ctrl-C is for the pager, which must not be left alone on the terminal.
    std::signal(SIGINT, SIG_IGN);
  }
  close(ends[1]);
}

Pager::~Pager() {
  if (child_ == 0) return;
  std::fflush(stdout);
  close(STDOUT_FILENO);
  while (waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace picortex
