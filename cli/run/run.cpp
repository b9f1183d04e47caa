#include "cli/run/run.h"

#include <signal.h>
#include <simdjson.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <optional>

#include "base/terminal.h"
#include "base/time/clock.h"
#include "base/uuid/uuid_v7.h"
#include "cli/client/event_post.h"
#include "cli/client/event_spool.h"
#include "cli/commands/health.h"
#include "cli/run/child_event.h"
#include "cli/run/command_process.h"
#include "cli/run/telemetry_environment.h"
#include "daemon/config/serve_options.h"
#include "storage/event.h"

namespace picortex {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kRequestIdVariable = "PICORTEX_REQUEST_ID";

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

// Writes a line with one call, so that it does not mix with the child's output. A closed stderr is
// no reason to abandon the child.
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

std::uint64_t own_start_time() {
  const auto stat = read_process_stat(getpid());
  return stat ? stat->start_time : 0;
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

// One `picortex run`: the identity that its lines carry, and where they are delivered.
class Run {
 public:
  Run(const RunOptions& options, Environment environment)
      : options_(options),
        environment_(std::move(environment)),
        spool_(environment_),
        writes_events_(writes_events(options.log_events)),
        identity_{getpid(), hostname(), {}, options.chat_id, own_start_time()} {}

  int execute() {
    choose_request_id();
    if (!options_.chat_id.empty()) environment_["PICORTEX_CHAT_ID"] = options_.chat_id;
    const auto token = read_token(options_.data_dir);
    if (token) {
      add_telemetry(environment_, options_.server,
                    {.request_id = identity_.request_id,
                     .run_id = ids_.next(kSystemClock.unix_ms()),
                     .chat_id = options_.chat_id,
                     .token = token->text});
    }
    const auto started_at = Clock::now();
    auto child = CommandProcess::start(options_.command, texts_of(environment_));
    if (!child) {
      write_stderr("picortex: run: " + child.error().what + '\n');
      return exit_status_of_failed_start(child.error().code);
    }
    // The child has not been reaped yet, so its PID is still its own.
    const auto stat = read_process_stat(child->pid());
    const ProcessKey process{child->pid(), stat ? stat->start_time : 0};
    signal(SIGPIPE, SIG_IGN);  // after the start, since the child inherits ignored signals
    std::optional<EventPost> post;
    if (token) post.emplace(options_.server, *token);
    const std::string start = render_child_start(
        identity_, ids_.next(kSystemClock.unix_ms()), kSystemClock.unix_ms(), process,
        options_.command, options_.hides_arguments ? Arguments::hidden : Arguments::shown);
    if (writes_events_) write_stderr(start);
    if (post) {
      post->begin(start);
    } else {
      keep(start, token.error().what);
    }
    const ChildEnd end = child->wait();
    const auto duration =
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started_at);
    const std::string exit = render_child_exit(identity_, ids_.next(kSystemClock.unix_ms()),
                                               kSystemClock.unix_ms(), process, end, duration);
    if (writes_events_) write_stderr(exit);
    if (post) {
      deliver(*post, exit);
    } else if (is_kept_) {
      keep(exit, token.error().what);
    }
    return end.signal != 0 ? 128 + end.signal : end.exit_status;
  }

 private:
  void choose_request_id() {
    const auto inherited = environment_.find(kRequestIdVariable);
    std::optional<Uuid> request_id;
    if (inherited != environment_.end()) request_id = parse_uuid(inherited->second);
    const bool is_usable = request_id && !request_id->is_nil();
    identity_.request_id = is_usable ? *request_id : ids_.next(kSystemClock.unix_ms());
    if (!is_usable && inherited != environment_.end() && !inherited->second.empty()) {
      warn("the inherited PICORTEX_REQUEST_ID " + display(inherited->second) +
           " is not a UUID: a new one replaces it");
    }
    environment_.insert_or_assign(std::string(kRequestIdVariable), to_string(identity_.request_id));
  }

  void deliver(EventPost& post, const std::string& exit) {
    const auto stored = post.end(exit);
    if (!stored) return keep(post.undelivered(), stored.error().what);
    const auto late =
        spool_.deliver([&post](const std::string& lines) { return post.post_late(lines); });
    if (!late) warn("events of earlier commands are still kept: " + late.error().what);
  }

  // Called once for both events, unless the second is lost after the first was kept.
  void keep(const std::string& lines, const std::string& why) {
    const auto kept = spool_.append(lines);
    if (kept && is_kept_) return;
    is_kept_ = kept.has_value();
    const std::string fate =
        kept ? "they are kept in " + display(spool_.path()) + " for the next try"
             : "they are lost: " + kept.error().what;
    warn("the daemon did not store the events: " + why + "; " + fate);
  }

  void warn(const std::string& what) {
    write_stderr(writes_events_ ? render_run_warning(identity_, kSystemClock.unix_ms(), what)
                                : "picortex: run: warning: " + what + '\n');
  }

  const RunOptions& options_;
  Environment environment_;
  const EventSpool spool_;
  bool is_kept_ = false;  // true when the spool took the events that could not be delivered
  const bool writes_events_;
  RunIdentity identity_;
  UuidV7Generator ids_;
};

}  // namespace

Result<RunOptions> read_run_options(Settings& settings, std::vector<std::string> command) {
  auto server = TRY(read_server(settings));
  std::string chat_id = settings.one(kChat, parse_chat_id);
  std::string data_dir = read_data_dir(settings);
  const LogEvents log_events = settings.one(kLogEvents, parse_log_events);
  const bool hides_arguments = settings.toggle(kNoArgv);
  if (settings.error()) return std::unexpected(*settings.error());
  return RunOptions{std::move(command), std::move(chat_id), std::move(data_dir), server,
                    log_events,         hides_arguments};
}

int run(const RunOptions& options, Environment environment) {
  return Run(options, std::move(environment)).execute();
}

}  // namespace picortex
