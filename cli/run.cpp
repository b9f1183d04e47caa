#include "cli/run.h"

#include <signal.h>
#include <simdjson.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <optional>

#include "base/uuid_v7.h"
#include "cli/child_event.h"
#include "cli/command_process.h"
#include "cli/display.h"
#include "cli/event_post.h"
#include "cli/health.h"
#include "cli/serve_options.h"
#include "storage/event.h"

namespace picortex {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kRequestIdVariable = "PICORTEX_REQUEST_ID";

std::int64_t unix_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::optional<std::string> parse_chat_id(std::string_view text) {
  if (text.size() > kChatIdSizeMax || !simdjson::validate_utf8(text)) return std::nullopt;
  return std::string(text);
}

std::optional<LogEvents> parse_log_events(std::string_view text) {
  if (text == "always") return LogEvents::always;
  if (text == "never") return LogEvents::never;
  if (text == "auto") return LogEvents::automatic;
  return std::nullopt;
}

bool writes_events(LogEvents log_events) {
  if (log_events == LogEvents::automatic) return isatty(STDERR_FILENO) == 0;
  return log_events == LogEvents::always;
}

// One write a line, so that it does not mix with what the child writes. A reader that has gone is
// no reason to leave the child.
void write_stderr(std::string_view line) {
  while (!line.empty()) {
    const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
    if (written < 0 && errno != EINTR) return;
    if (written > 0) line.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string hostname() {
  char name[256] = {};
  gethostname(name, sizeof name - 1);
  return name;
}

int exit_status_of_failed_start(int code) {
  if (code == ENOENT) return 127;
  if (code == EAGAIN || code == ENOMEM) return 1;
  return 126;
}

std::vector<std::string> texts_of(const Environment& environment) {
  std::vector<std::string> texts;
  for (const auto& [name, value] : environment) texts.push_back(name + '=' + value);
  return texts;
}

// One `picortex run`: the identity that its lines bear and where they go.
class Run {
 public:
  Run(const RunOptions& options, Environment environment)
      : options_(options),
        environment_(std::move(environment)),
        writes_events_(writes_events(options.log_events)),
        identity_{getpid(), hostname(), {}, options.chat_id} {}

  int execute() {
    choose_request_id();
    if (!options_.chat_id.empty()) environment_["PICORTEX_CHAT_ID"] = options_.chat_id;
    const auto started_at = Clock::now();
    auto child = CommandProcess::start(options_.command, texts_of(environment_));
    if (!child) {
      write_stderr("picortex: run: " + child.error().what + '\n');
      return exit_status_of_failed_start(child.error().code);
    }
    // It is not waited for yet, so the number is still its own.
    const auto stat = read_process_stat(child->pid());
    const ProcessKey process{child->pid(), stat ? stat->start_time : 0};
    signal(SIGPIPE, SIG_IGN);  // after the start: the child keeps what it inherits
    std::optional<EventPost> post;
    if (auto token = read_token(options_.data_dir)) post.emplace(options_.server, *token);
    const std::string start =
        render_child_start(identity_, ids_.next(unix_ms()), unix_ms(), process, options_.command);
    if (post) post->begin(start);
    if (writes_events_) write_stderr(start);
    const ChildEnd end = child->wait();
    const auto duration =
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started_at);
    const std::string exit =
        render_child_exit(identity_, ids_.next(unix_ms()), unix_ms(), process, end, duration);
    if (writes_events_) write_stderr(exit);
    if (post) {
      if (const auto stored = post->end(exit); !stored) {
        warn("the daemon did not store the events: " + stored.error().what);
      }
    }
    return end.signal != 0 ? 128 + end.signal : end.exit_status;
  }

 private:
  void choose_request_id() {
    const auto inherited = environment_.find(kRequestIdVariable);
    std::optional<Uuid> request_id;
    if (inherited != environment_.end()) request_id = parse_uuid(inherited->second);
    const bool is_usable = request_id && !request_id->is_nil();
    identity_.request_id = is_usable ? *request_id : ids_.next(unix_ms());
    if (!is_usable && inherited != environment_.end() && !inherited->second.empty()) {
      warn("the inherited PICORTEX_REQUEST_ID " + display(inherited->second) +
           " is no UUID: a new one takes its place");
    }
    environment_.insert_or_assign(std::string(kRequestIdVariable), to_string(identity_.request_id));
  }

  void warn(const std::string& what) {
    write_stderr(writes_events_ ? render_run_warning(identity_, unix_ms(), what)
                                : "picortex: run: warning: " + what + '\n');
  }

  const RunOptions& options_;
  Environment environment_;
  const bool writes_events_;
  RunIdentity identity_;
  UuidV7Generator ids_;
};

}  // namespace

Result<RunOptions> read_run_options(Settings& settings, std::vector<std::string> command) {
  auto server = read_server(settings);
  if (!server) return std::unexpected(server.error());
  std::string chat_id = settings.one(kChat, parse_chat_id);
  std::string data_dir = read_data_dir(settings);
  const LogEvents log_events = settings.one(kLogEvents, parse_log_events);
  if (settings.error()) return std::unexpected(*settings.error());
  return RunOptions{std::move(command), std::move(chat_id), std::move(data_dir), *server,
                    log_events};
}

int run(const RunOptions& options, Environment environment) {
  return Run(options, std::move(environment)).execute();
}

}  // namespace picortex
