#include "cli/serve.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "cli/daemon_settings.h"
#include "cli/egress_service.h"
#include "cli/egress_telling.h"
#include "cli/foundation.h"
#include "cli/reload.h"
#include "cli/service_notifier.h"
#include "cli/version.h"
#include "handlers/access.h"
#include "handlers/alerts.h"
#include "handlers/event_feed.h"
#include "handlers/event_stream.h"
#include "handlers/event_writer.h"
#include "handlers/events.h"
#include "handlers/events_page.h"
#include "handlers/frontend_log.h"
#include "handlers/health.h"
#include "handlers/http/server.h"
#include "handlers/json/document.h"
#include "handlers/linq_webhook.h"
#include "handlers/metrics_history.h"
#include "handlers/own_events.h"
#include "handlers/page.h"
#include "handlers/query_runner.h"
#include "handlers/sentry_endpoint.h"
#include "handlers/status.h"
#include "handlers/story_endpoint.h"
#include "handlers/tmux_probe.h"
#include "reactor/alert_command.h"
#include "reactor/log.h"
#include "reactor/output.h"
#include "reactor/reactor.h"
#include "reactor/signals.h"

namespace picortex {
namespace {

constexpr std::size_t kOutputCapacity = 1024 * 1024;
constexpr std::size_t kEventsBodySizeMax = 1024 * 1024;
constexpr std::size_t kWebhookBodySizeMax = 1024 * 1024;
// After the drain: for what the kernel still holds, a slow reader of stdout included.
constexpr std::chrono::seconds kClosingTime{2};

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "nothing" : text;
}

// The parts, each built on those before it.
class Daemon {
 public:
  Daemon(const ServeOptions& options, Foundation& foundation);

  Result<void> start(const ServeOptions& options, Foundation& foundation);
  int run();

 private:
  enum class Phase { serving, draining, closing };

  void add_routes(const ServeOptions& options);
  void add_sentry_routes();
  static void on_signal(void* owner, int signal) noexcept;
  static bool is_alive(void* owner) noexcept;
  void reload();
  void apply(const Reload& reload);
  void begin_drain(int signal);
  void on_drain_limit() noexcept;
  void on_turn_end() noexcept;
  void begin_closing();
  void on_closing_limit() noexcept;

  Reactor& reactor_;
  const ServeOptions& started_;  // the options of the start
  ServeOptions options_;         // those in force, but for what needs a restart
  Output output_;
  Log log_;
  TrustedProxies proxies_;
  AccessControl access_;
  http::ServerLimits limits_;
  EventFeed feed_;
  EventWriter writer_;
  QueryRunner queries_;
  TmuxProbe probe_;
  JsonDocument document_;
  Health health_;
  FrontendLogEndpoint frontend_log_;
  EventsEndpoint events_;
  std::optional<LinqWebhook> linq_;
  std::optional<SentryEndpoint> sentry_;
  EventsPageEndpoint events_page_;
  EventStreamEndpoint event_stream_;
  StoryEndpoint story_;
  MetricsHistoryEndpoint history_;
  PageEndpoint page_;
  http::Router router_;
  std::unique_ptr<http::Server> server_;
  OwnEvents own_events_{writer_};
  AlertCommand alert_command_;
  Alerts alerts_;
  std::unique_ptr<EgressTelling> telling_;
  EgressService egress_;
  std::unique_ptr<StatusEndpoint> status_;
  std::unique_ptr<Signals> signals_;
  ServiceNotifier notifier_;
  Phase phase_ = Phase::serving;
  DeadlineList drain_limits_;
  DeadlineList closing_limits_;
  Deadline drain_limit_ = Deadline::to<&Daemon::on_drain_limit>(*this);
  Deadline closing_limit_ = Deadline::to<&Daemon::on_closing_limit>(*this);
};

Daemon::Daemon(const ServeOptions& options, Foundation& foundation)
    : reactor_(*foundation.reactor),
      started_(options),
      options_(options),
      output_(reactor_, STDOUT_FILENO, kOutputCapacity),
      log_(reactor_, output_, log_settings(options)),
      proxies_(options.trusted_proxies),
      access_(own_names(options, foundation.listeners), std::move(foundation.token)),
      limits_(server_limits(options)),
      feed_(reactor_),
      writer_(reactor_, log_, feed_, options.data_dir, options.durability),
      queries_(reactor_, log_, writer_, options.data_dir),
      probe_(reactor_, log_, options.tmux_socket),
      document_(std::max<std::size_t>(kEventsBodySizeMax, options.frontend_log_size_max)),
      health_(reactor_, writer_, probe_, kVersion, kCommit),
      frontend_log_(reactor_, log_, writer_, document_, options.frontend_logs_per_minute),
      events_(reactor_, writer_, document_),
      events_page_(queries_, document_),
      event_stream_(reactor_, feed_, queries_, document_),
      story_(queries_),
      history_(reactor_, writer_),
      alert_command_(reactor_, log_, options.alert_command),
      alerts_(reactor_, log_, feed_, writer_, probe_, output_, own_events_, alert_command_),
      egress_(options.egress_mode),
      notifier_(reactor_, foundation.service, this, &Daemon::is_alive),
      drain_limits_(std::chrono::seconds(options.drain_seconds)),
      closing_limits_(kClosingTime) {
  add_routes(options);
}

void Daemon::add_routes(const ServeOptions& options) {
  using http::Access;
  using http::Endpoint;
  using http::Method;
  const auto add_get = [this](std::string_view path, Access access, Endpoint endpoint) {
    router_.add({.method = Method::get,
                 .path = path,
                 .access = access,
                 .body_size_max = 0,
                 .is_health_poll = access == Access::anyone,
                 .endpoint = endpoint});
  };
  const auto add_post = [this](std::string_view path, Access access, std::size_t body_size_max,
                               Endpoint endpoint) {
    router_.add({.method = Method::post,
                 .path = path,
                 .access = access,
                 .body_size_max = body_size_max,
                 .is_health_poll = false,
                 .endpoint = endpoint});
  };
  add_get("/health", Access::anyone, Endpoint::to<&Health::health>(health_));
  add_get("/livez", Access::anyone, Endpoint::to<&Health::livez>(health_));
  add_get("/readyz", Access::anyone, Endpoint::to<&Health::readyz>(health_));
  add_get("/", Access::own_names, Endpoint::to<&PageEndpoint::get>(page_));
  add_post("/api/frontend-log", Access::own_names, options.frontend_log_size_max,
           Endpoint::to<&FrontendLogEndpoint::post>(frontend_log_));
  add_post("/api/events", Access::token, kEventsBodySizeMax,
           Endpoint::to<&EventsEndpoint::post>(events_));
  if (options.linq_secret) {
    linq_.emplace(reactor_, log_, writer_, document_, *options.linq_secret);
    add_post("/webhooks/linq", Access::own_names, kWebhookBodySizeMax,
             Endpoint::to<&LinqWebhook::post>(*linq_));
  }
  if (options.sentry_ingest) {
    sentry_.emplace(reactor_, log_, writer_, document_, options.sentry_envelopes_per_minute);
    add_sentry_routes();
  }
  add_get("/api/events", Access::token, Endpoint::to<&EventsPageEndpoint::get>(events_page_));
  add_get("/api/events/stream", Access::token,
          Endpoint::to<&EventStreamEndpoint::get>(event_stream_));
  add_get("/api/story", Access::token, Endpoint::to<&StoryEndpoint::get>(story_));
  add_get("/api/metrics/history", Access::token,
          Endpoint::to<&MetricsHistoryEndpoint::get>(history_));
}

void Daemon::add_sentry_routes() {
  // SDKs post to the first; the second is for people.
  for (const std::string_view path : {"/api/*/envelope/", "/api/*/envelope"}) {
    router_.add({.method = http::Method::post,
                 .path = path,
                 .access = http::Access::own_host,
                 .body_size_max = SentryEndpoint::kBodySizeMax,
                 .is_health_poll = false,
                 .endpoint = http::Endpoint::to<&SentryEndpoint::post>(*sentry_)});
    router_.add({.method = http::Method::options,
                 .path = path,
                 .access = http::Access::own_host,
                 .body_size_max = 0,
                 .is_health_poll = false,
                 .endpoint = http::Endpoint::to<&SentryEndpoint::preflight>(*sentry_)});
  }
}

Result<void> Daemon::start(const ServeOptions& options, Foundation& foundation) {
  writer_.keep_within(options.retention, options.disk_free_min);
  writer_.open();
  auto telling = EgressTelling::create(reactor_, log_, own_events_, alert_command_,
                                       {.mode = options.egress_mode, .data_dir = options.data_dir});
  if (!telling) return std::unexpected(telling.error());
  telling_ = std::move(*telling);
  telling_->connect(router_, events_);
  if (auto opened =
          egress_.open(reactor_, log_, telling_->observer(), options, foundation.listeners);
      !opened) {
    return std::unexpected(opened.error());
  }
  // The firewall's programs have done their work; the alert command and tmux get no capability.
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  // Ahead of the fence, which sends the verdicts: a refusal ends the socket that tells whose it
  // was.
  reactor_.add_first(TurnHook::to<&EgressTelling::work_ahead>(*telling_));
  reactor_.add(TurnHook::to<&EgressTelling::work_behind>(*telling_));
  auto server = http::Server::create(reactor_, log_, router_, access_, proxies_, limits_);
  if (!server) return std::unexpected(server.error());
  server_ = std::move(*server);
  status_ = std::make_unique<StatusEndpoint>(reactor_, *server_, writer_, output_);
  status_->add(egress_);
  status_->add(alerts_);
  router_.add({.method = http::Method::get,
               .path = "/api/status",
               .access = http::Access::token,
               .body_size_max = 0,
               .is_health_poll = false,
               .endpoint = http::Endpoint::to<&StatusEndpoint::get>(*status_)});
  auto signals = Signals::open(reactor_, {SIGTERM, SIGINT, SIGHUP}, this, &Daemon::on_signal);
  if (!signals) return std::unexpected(signals.error());
  signals_ = std::move(*signals);
  reactor_.add(drain_limits_);
  reactor_.add(closing_limits_);
  reactor_.add(TurnHook::to<&Log::flush>(log_));
  // The last, so that the loop ends only when nobody has begun anything in its last turn.
  reactor_.add(TurnHook::to<&Daemon::on_turn_end>(*this));
  probe_.start();
  egress_.start();
  alerts_.set_rules(options.alert_rules);
  alerts_.start();
  std::string names;
  for (http::Listener& listener : foundation.listeners) {
    names += (names.empty() ? "listening on " : ", ") + listener.name;
    log_.line(Level::info, "serve.listening")
        .text("address", listener.name)
        .message("listening on " + listener.name);
    server_->listen(std::move(listener));
  }
  notifier_.ready(names);
  return {};
}

int Daemon::run() {
  reactor_.run();
  return 0;
}

void Daemon::on_signal(void* owner, int signal) noexcept {
  auto& daemon = *static_cast<Daemon*>(owner);
  if (signal == SIGHUP) return daemon.phase_ == Phase::serving ? daemon.reload() : void();
  // Asked twice: at once. What was acknowledged is stored already.
  if (daemon.phase_ != Phase::serving) _exit(EXIT_FAILURE);
  daemon.begin_drain(signal);
}

// A database that cannot be used is known, told, and mended without a restart; one that does not
// answer at all is not.
bool Daemon::is_alive(void* owner) noexcept {
  return !static_cast<Daemon*>(owner)->writer_.is_wedged();
}

void Daemon::reload() {
  notifier_.reloading();
  auto reload = read_again(started_, options_);
  Result<void> done;
  if (!reload) done = std::unexpected(reload.error());
  if (done) done = egress_.reload();
  if (!done) {
    const std::string what = done.error().what + "; everything stays as it was";
    log_.line(Level::error, "serve.reload_failed").message(what);
    return notifier_.reloaded(what);
  }
  apply(*reload);
  options_ = std::move(reload->options);
  notifier_.reloaded("serving");
}

void Daemon::apply(const Reload& reload) {
  const ServeOptions& options = reload.options;
  log_.set(log_settings(options));
  access_.replace_hosts(options.hosts);
  proxies_ = options.trusted_proxies;
  writer_.keep_within(options.retention, options.disk_free_min);
  probe_.set_socket(options.tmux_socket);
  alert_command_.set_program(options.alert_command);
  alerts_.set_rules(options.alert_rules);
  frontend_log_.set_limit(options.frontend_logs_per_minute);
  if (sentry_) sentry_->set_limit(options.sentry_envelopes_per_minute);
  if (linq_ && options.linq_secret) linq_->set_secret(*options.linq_secret);
  log_.line(Level::info, "serve.reloaded")
      .message("the options have been read; changed: " + listed(reload.changed));
  if (reload.needs_restart.empty()) return;
  log_.line(Level::warn, "serve.restart_needed")
      .message("these have changed as well, and count from the next start on: " +
               listed(reload.needs_restart));
}

void Daemon::begin_drain(int signal) {
  phase_ = Phase::draining;
  notifier_.stopping("finishing the requests in hand");
  log_.line(Level::info, "serve.draining")
      .text("signal", sigabbrev_np(signal))
      .message("finishing the requests in hand; a second signal ends at once");
  health_.drain();
  probe_.stop();
  // The fence first: what it still decides is told, and the rules refuse from now on.
  egress_.stop();
  telling_->stop();
  alerts_.stop();
  alert_command_.stop();
  server_->drain();
  drain_limits_.start(drain_limit_, reactor_.now());
}

void Daemon::on_drain_limit() noexcept {
  log_.line(Level::warn, "serve.drain_limit")
      .number("connections", static_cast<std::int64_t>(server_->figures().connections))
      .message("the drain's time is up; the connections that are left are cut");
  server_->terminate();
}

void Daemon::on_turn_end() noexcept {
  if (phase_ == Phase::draining && server_->is_idle() && writer_.is_idle() && probe_.is_idle() &&
      telling_->is_idle() && alert_command_.is_idle()) {
    begin_closing();
  }
  if (phase_ == Phase::closing && output_.is_idle() && signals_->is_idle() && egress_.is_idle()) {
    reactor_.stop();
  }
}

void Daemon::begin_closing() {
  phase_ = Phase::closing;
  drain_limit_.stop();
  writer_.close();
  log_.line(Level::info, "serve.stopped").message("stopped");
  signals_->stop();
  notifier_.stop();
  closing_limits_.start(closing_limit_, reactor_.now());
  reactor_.turn_at_once();
}

void Daemon::on_closing_limit() noexcept { output_.abandon(); }

}  // namespace

int serve(const ServeOptions& options) {
  umask(077);
  // Read by now, and nothing for the children.
  unsetenv(kLinqSecret.variable.data());
  std::signal(SIGPIPE, SIG_IGN);
  // A parent may have had it ignored; then the kernel would reap children before they are asked.
  std::signal(SIGCHLD, SIG_DFL);
  auto foundation = lay_foundation(options);
  if (!foundation) {
    std::fprintf(stderr, "picortex: %s\n", foundation.error().what.c_str());
    return EXIT_FAILURE;
  }
  Daemon daemon(options, *foundation);
  if (auto started = daemon.start(options, *foundation); !started) {
    std::fprintf(stderr, "picortex: %s\n", started.error().what.c_str());
    return EXIT_FAILURE;
  }
  return daemon.run();
}

}  // namespace picortex
