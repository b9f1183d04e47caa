#include "cli/emit/emit.h"

#include <poll.h>
#include <signal.h>
#include <simdjson.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "base/file_descriptor.h"
#include "base/terminal.h"
#include "base/time/clock.h"
#include "base/uuid/uuid_v7.h"
#include "cli/client/event_post.h"
#include "cli/client/event_spool.h"
#include "cli/commands/health.h"
#include "daemon/config/serve_options.h"
#include "storage/event.h"

namespace picortex {
namespace {

constexpr std::size_t kLineSizeMax = 900 * 1024;  // one request may have 1 MiB
constexpr std::size_t kBatchSize = 64 * 1024;     // a quarter of what the spool holds
constexpr int kBatchWaitMs = 200;
constexpr std::size_t kRejectionsShown = 10;

void report(const std::string& what) { std::fprintf(stderr, "picortex: emit: %s\n", what.c_str()); }

std::string count(std::size_t number, std::string_view noun) {
  return std::to_string(number) + ' ' + std::string(noun) + (number == 1 ? "" : "s");
}

// Brings batches of lines to the daemon, and keeps what it does not take.
class Delivery {
 public:
  Delivery(const EmitOptions& options, const Environment& environment)
      : options_(options), spool_(environment) {}

  void deliver(const std::string& lines, std::size_t number) {
    const auto token = read_token(options_.data_dir);
    if (!token) return keep(lines, number, token.error().what);
    const EventPost post(options_.server, *token);
    const auto answer = post.post_partly(lines);
    if (!answer) return keep(lines, number, answer.error().what);
    for (const RejectedLine& rejected : answer->rejected) reject(sent_ + rejected.index, rejected);
    sent_ += number;
    const auto late =
        spool_.deliver([&post](const std::string& kept) { return post.post_late(kept); });
    if (late) {
      is_kept_ = false;
    } else {
      report("events of earlier commands are still kept: " + late.error().what);
    }
  }

  void reject(const std::string& why) {
    has_failed_ = true;
    ++rejections_;
    if (rejections_ <= kRejectionsShown) report(why);
  }

  // Says what was not shown; the exit status.
  int finish() const {
    if (rejections_ > kRejectionsShown) {
      report(count(rejections_ - kRejectionsShown, "more event") + " rejected");
    }
    return has_failed_ || is_kept_ ? 1 : 0;
  }

 private:
  void reject(std::size_t index, const RejectedLine& rejected) {
    const std::string which =
        options_.event ? "" : "event " + std::to_string(index + 1) + " of stdin: ";
    reject(which + "the daemon rejected it: " + display(rejected.reason));
  }

  void keep(const std::string& lines, std::size_t number, const std::string& why) {
    sent_ += number;
    const auto kept = spool_.append(lines);
    if (kept && is_kept_) return;  // said once, until they are delivered
    is_kept_ = is_kept_ || kept.has_value();
    has_failed_ = has_failed_ || !kept;
    const std::string it = number == 1 ? "it is " : "they are ";
    report("the daemon did not store " + count(number, "event") + ": " + why + "; " + it +
           (kept ? "kept in " + display(spool_.path()) + " for the next try"
                 : "lost: " + kept.error().what));
  }

  const EmitOptions& options_;
  const EventSpool spool_;
  std::size_t sent_ = 0;  // lines of stdin before this batch
  std::size_t rejections_ = 0;
  bool is_kept_ = false;     // true while the spool has events of this command
  bool has_failed_ = false;  // true once an event was rejected or lost
};

// Reads stdin line by line, and hands over batches when they are full or no line has come for a
// while. SIGINT and SIGTERM end it like the end of stdin, so that what was read is delivered.
class LineReader {
 public:
  LineReader(const EmitOptions& options, Delivery& delivery)
      : options_(options), delivery_(delivery) {
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, nullptr);
    signals_ = FileDescriptor(signalfd(-1, &ends, SFD_CLOEXEC));
  }

  void run() {
    while (wait() && read_some()) {
    }
    if (!rest_.empty()) take_line(rest_);
    hand_over();
  }

 private:
  // False when a signal asks for the end.
  bool wait() {
    pollfd polled[2] = {{STDIN_FILENO, POLLIN, 0}, {signals_.number(), POLLIN, 0}};
    int ready = 0;
    while ((ready = poll(polled, 2, batch_.empty() ? -1 : kBatchWaitMs)) <= 0) {
      if (ready == 0) hand_over();
    }
    if (polled[1].revents == 0) return true;
    if ((polled[0].revents & POLLIN) != 0) read_some();  // what was written before the signal
    return false;
  }

  // False at the end of stdin.
  bool read_some() {
    char buffer[64 * 1024];
    const ssize_t got = read(STDIN_FILENO, buffer, sizeof buffer);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
    if (got < 0) delivery_.reject(std::string("cannot read stdin: ") + std::strerror(errno));
    if (got <= 0) return false;
    std::string_view text(buffer, static_cast<std::size_t>(got));
    for (std::size_t end; (end = text.find('\n')) != text.npos; text.remove_prefix(end + 1)) {
      append(text.substr(0, end));
      take_line(rest_);
      rest_.clear();
    }
    append(text);
    return true;
  }

  // A line that is too long is remembered by its first bytes.
  void append(std::string_view text) {
    rest_.append(text.substr(0, std::min(text.size(), kLineSizeMax + 1 - rest_.size())));
  }

  void take_line(std::string_view line) {
    ++line_number_;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == line.npos) return;
    if (line.size() > kLineSizeMax) {
      return delivery_.reject("line " + std::to_string(line_number_) +
                              " is longer than 900 KiB and was not sent");
    }
    const std::int64_t now = kSystemClock.unix_ms();
    batch_ += complete_line(document_, line, options_.ids, ids_.next(now), now);
    ++batch_lines_;
    if (batch_.size() >= kBatchSize) hand_over();
  }

  void hand_over() {
    if (batch_.empty()) return;
    delivery_.deliver(batch_, batch_lines_);
    batch_.clear();
    batch_lines_ = 0;
  }

  const EmitOptions& options_;
  Delivery& delivery_;
  FileDescriptor signals_;
  JsonDocument document_{kLineSizeMax};
  UuidV7Generator ids_;
  std::string rest_;  // of a line whose end has not come yet
  std::string batch_;
  std::size_t batch_lines_ = 0;
  std::size_t line_number_ = 0;
};

std::optional<std::string> parse_text(std::string_view text) {
  if (!simdjson::validate_utf8(text)) return std::nullopt;
  return std::string(text);
}

std::optional<std::string> parse_id(std::string_view text) {
  if (text.size() > kChatIdSizeMax) return std::nullopt;
  return parse_text(text);
}

}  // namespace

Result<EmitOptions> read_emit_options(Settings& settings, const std::string& type,
                                      const std::vector<std::string>& fields) {
  auto server = read_server(settings);
  if (!server) return std::unexpected(server.error());
  EmittedIds ids{settings.one(kEmitRequest, parse_id), settings.one(kChat, parse_id)};
  const Level level = settings.one(kEmitLevel, parse_level_or_alias);
  std::string msg = settings.one(kEmitMsg, parse_text);
  std::string data_dir = read_data_dir(settings);
  if (settings.error()) return std::unexpected(*settings.error());
  EmitOptions options{{}, std::move(ids), std::move(data_dir), *server};
  if (type.empty() || type == "-") {
    if (!fields.empty()) return failure("emit: fields need a TYPE before them");
    return options;
  }
  EmittedEvent event{type, level, std::move(msg), {}};
  for (const std::string& text : fields) {
    auto field = parse_emitted_field(text);
    if (!field) return failure("emit: " + field.error().what);
    event.fields.push_back(*std::move(field));
  }
  options.event = std::move(event);
  return options;
}

int emit(const EmitOptions& options, const Environment& environment) {
  signal(SIGPIPE, SIG_IGN);
  Delivery delivery(options, environment);
  if (options.event) {
    const std::int64_t now = kSystemClock.unix_ms();
    UuidV7Generator ids;
    delivery.deliver(render_emitted(*options.event, options.ids, ids.next(now), now), 1);
    return delivery.finish();
  }
  if (isatty(STDIN_FILENO) != 0) {
    report("there is no event: give a TYPE, or lines of JSON on stdin");
    return 2;
  }
  LineReader(options, delivery).run();
  return delivery.finish();
}

}  // namespace picortex
