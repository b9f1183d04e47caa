#include "cli/claude/claude.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>

#include "base/file_descriptor.h"
#include "base/read_file.h"
#include "base/terminal.h"
#include "base/time/clock.h"
#include "cli/claude/claude_hook.h"
#include "cli/commands/health.h"
#include "cli/commands/time_expression.h"
#include "cli/commands/turns.h"
#include "daemon/config/serve_options.h"
#include "storage/query/turn_reader.h"

namespace picortex {
namespace {

constexpr const char* kManagedSettings = "/etc/claude-code/managed-settings.json";
constexpr std::size_t kFileSizeMax = 1024 * 1024;
// Names that every version since 2.1.197 knows: one that it does not know makes an interactive
// start stop with a question.
constexpr const char* kHooks[] = {"UserPromptSubmit",   "Stop",         "StopFailure",
                                  "PostToolUseFailure", "Notification", "SubagentStop",
                                  "SessionEnd"};

// Whose settings: none for a user that does not exist.
std::optional<std::string> parse_settings_user(std::string_view name) {
  if (name.empty()) return std::string(kManagedSettings);
  const passwd* user = getpwnam(std::string(name).c_str());
  if (user == nullptr) return std::nullopt;
  return std::string(user->pw_dir) + "/.claude/settings.json";
}

// The file is ours if it is what some picortex has written for some address.
bool is_ours(std::string_view text) {
  constexpr std::string_view kBegin =
      "{\n  \"hooks\": {\n    \"UserPromptSubmit\": [{\"hooks\": [{\"type\": "
      "\"http\", \"url\": \"http://";
  constexpr std::string_view kEnd = "/hooks/claude\"";
  if (!text.starts_with(kBegin)) return false;
  text.remove_prefix(kBegin.size());
  const std::size_t end = text.find(kEnd);
  if (end == text.npos) return false;
  const auto server = ListenAddress::parse(text.substr(0, end));
  return server && std::string(kBegin) + std::string(text) == claude_settings(*server);
}

// Empty when there is no file; the error when there is one that is not ours.
Result<std::string> read_ours(const std::string& path) {
  auto text = read_small_file(path, kFileSizeMax);
  if (!text && text.error().code == ENOENT) return std::string();
  if (!text) return std::unexpected(text.error());
  if (is_ours(*text)) return text;
  return failure(display(path) +
                 " holds settings of others: merge these into it by hand, or remove it");
}

// The directory is made if its parent is there; its owner becomes the file's.
Result<void> write_settings(const std::string& path, const std::string& text) {
  const std::string directory = path.substr(0, path.rfind('/'));
  struct stat parent {};
  const std::string above = directory.substr(0, directory.rfind('/'));
  if (stat(above.c_str(), &parent) != 0) return errno_failure("cannot look at " + above);
  if (mkdir(directory.c_str(), 0755) == 0) {
    if (geteuid() == 0 && chown(directory.c_str(), parent.st_uid, parent.st_gid) != 0) {
      return errno_failure("cannot give " + directory + " to its owner");
    }
  } else if (errno != EEXIST) {
    return errno_failure("cannot make " + directory);
  }
  const std::string part = path + ".picortex-new";
  FileDescriptor file(
      open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!file.is_open()) return errno_failure("cannot write " + part);
  const bool is_given = geteuid() != 0 || fchown(file.number(), parent.st_uid, parent.st_gid) == 0;
  const bool is_written =
      is_given && fchmod(file.number(), 0644) == 0 &&
      write(file.number(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      fsync(file.number()) == 0 && rename(part.c_str(), path.c_str()) == 0;
  if (is_written) return {};
  auto failed = errno_failure("cannot write " + path);
  unlink(part.c_str());
  return failed;
}

int install(const ClaudeOptions& options) {
  if (options.server.family() == AF_UNIX || options.server.port() == 0) {
    return print_error("claude", "hooks need an address of TCP: give --listen HOST:PORT");
  }
  const std::string text = claude_settings(options.server);
  if (auto there = read_ours(options.file); !there) {
    std::fputs(text.c_str(), stdout);
    return print_error("claude", there.error().what);
  }
  if (auto written = write_settings(options.file, text); !written) {
    return print_error("claude", written.error().what);
  }
  std::printf("%s: hooks go to %s; start the client with picortex run, which gives it the token\n",
              display(options.file).c_str(), options.server.text().c_str());
  return 0;
}

int remove(const ClaudeOptions& options) {
  const auto there = read_ours(options.file);
  if (!there) return print_error("claude", there.error().what);
  if (there->empty()) {
    std::printf("%s: there was nothing to remove\n", display(options.file).c_str());
    return 0;
  }
  if (unlink(options.file.c_str()) != 0) {
    return print_error("claude", "cannot remove " + options.file + ": " + std::strerror(errno));
  }
  std::printf("%s: removed\n", display(options.file).c_str());
  return 0;
}

int status(const ClaudeOptions& options) {
  const auto settings = read_ours(options.file);
  const char* state = !settings           ? "settings of others"
                      : settings->empty() ? "not installed"
                                          : "installed";
  std::printf("hooks      %s (%s)\n", state, display(options.file).c_str());
  auto reader = TurnReader::open(options.data_dir);
  if (!reader) return print_error("claude", reader.error().what);
  const auto telemetry = (*reader)->telemetry();
  if (!telemetry) return print_error("claude", telemetry.error().what);
  if (telemetry->last_ms == 0) {
    std::printf("telemetry  none has come yet\n");
    return 0;
  }
  std::printf("telemetry  last seen %s, %s\n", local_time(telemetry->last_ms).c_str(),
              zone_name(telemetry->last_ms).c_str());
  const auto costs = (*reader)->check_costs(SystemClock().unix_ms());
  if (!costs) return print_error("claude", costs.error().what);
  if (costs->runs > 0) std::printf("cost       %s\n", render_cost_check(*costs).c_str());
  std::printf("lost       %lld records of the last %lld processes or sessions\n",
              static_cast<long long>(telemetry->lost_records),
              static_cast<long long>(telemetry->runs));
  return 0;
}

}  // namespace

std::string claude_settings(const ListenAddress& server) {
  std::string out = "{\n  \"hooks\": {\n";
  for (const char* hook : kHooks) {
    out += std::string("    \"") + hook +
           "\": [{\"hooks\": [{\"type\": \"http\", \"url\": \"http://" + server.text() +
           "/hooks/claude\", \"timeout\": 2,\n"
           "      \"headers\": {\"Authorization\": \"Bearer $PICORTEX_HOOK_TOKEN\",\n"
           "        \"X-Picortex-Chat\": \"$PICORTEX_HOOK_CHAT\", \"X-Picortex-Chat-Key\": "
           "\"$PICORTEX_HOOK_KEY\",\n"
           "        \"X-Picortex-Request\": \"$PICORTEX_REQUEST_ID\", \"X-Picortex-Run\": "
           "\"$PICORTEX_RUN_ID\"},\n"
           "      \"allowedEnvVars\": [\"PICORTEX_HOOK_TOKEN\", \"PICORTEX_HOOK_CHAT\", "
           "\"PICORTEX_HOOK_KEY\",\n"
           "        \"PICORTEX_REQUEST_ID\", \"PICORTEX_RUN_ID\"]}]}]";
    out += ",\n";
  }
  // The client does not post this one.
  out +=
      "    \"SessionStart\": [{\"hooks\": [{\"type\": \"command\", \"timeout\": 3,\n"
      "      \"command\": \"picortex claude hook --listen " +
      server.text() + "\"}]}]\n";
  return out + "  }\n}\n";
}

Result<ClaudeOptions> read_claude_options(Settings& settings, ClaudeVerb verb) {
  auto server = read_server(settings);
  if (!server) return std::unexpected(server.error());
  ClaudeOptions options{.verb = verb,
                        .server = *server,
                        .data_dir = read_data_dir(settings),
                        .file = settings.one(kClaudeUser, parse_settings_user)};
  if (settings.error()) return std::unexpected(*settings.error());
  return options;
}

int claude(const ClaudeOptions& options, const Environment& environment) {
  switch (options.verb) {
    case ClaudeVerb::hook:
      return send_claude_hook(options.server, environment);
    case ClaudeVerb::install:
      return install(options);
    case ClaudeVerb::remove:
      return remove(options);
    case ClaudeVerb::status:
      break;
  }
  return status(options);
}

}  // namespace picortex
