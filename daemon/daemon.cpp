#include "daemon/daemon.h"

#include <malloc.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/terminal.h"
#include "daemon/config/daemon_settings.h"
#include "daemon/egress/egress_service.h"
#include "daemon/http_api.h"
#include "daemon/memory_reserve.h"
#include "daemon/reload.h"
#include "daemon/ship_watch.h"
#include "daemon/startup_resources.h"
#include "daemon/systemd/service_notifier.h"
#include "daemon/token_watch.h"
#include "handlers/alerts/alert_command.h"
#include "handlers/alerts/alert_engine.h"
#include "handlers/http/middleware/access_control.h"
#include "handlers/http/server.h"
#include "handlers/ops/health_problems.h"
#include "handlers/ops/status_endpoint.h"
#include "handlers/ops/tmux_probe.h"
#include "handlers/pipeline/event_feed.h"
#include "handlers/pipeline/event_writer.h"
#include "handlers/pipeline/internal_event_sink.h"
#include "handlers/pipeline/spending_ledger.h"
#include "handlers/query/query_runner.h"
#include "reactor/log.h"
#include "reactor/output.h"
#include "reactor/reactor.h"
#include "reactor/signals.h"

namespace picortex {
namespace {

constexpr std::size_t kOutputCapacity = 1024 * 1024;
// After the drain's limit: time to answer clients whose events the disk has not stored yet.
constexpr std::chrono::milliseconds kLastAnswersTime{250};
// At the end of a drain, a disk that has not answered for this long is abandoned.
constexpr std::chrono::milliseconds kSilenceMax{500};
// After that: time to close the store.
constexpr std::chrono::seconds kStoreClosingTime{2};
// After the drain: time for operations that the kernel still holds, including a slow reader of
// stdout.
constexpr std::chrono::seconds kClosingTime{2};

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "nothing" : text;
}

// glibc raises the size from which blocks get a mapping of their own to the largest block ever
// freed; large bodies and answers then leave holes in the heap, which keeps them. An explicit
// setting keeps the threshold fixed.
void set_up_heap() {
  mallopt(M_MMAP_THRESHOLD, 128 * 1024);
  mallopt(M_TRIM_THRESHOLD, 4 * 1024 * 1024);
}

// Owns the daemon's parts, each built on those before it, and its phases from serving to the end.
class Daemon {
 public:
  Daemon(const ServeOptions& options, StartupResources& foundation);

  Result<void> start(const ServeOptions& options, StartupResources& foundation);
  int run();

 private:
  enum class Phase { serving, draining, closing };

  void log_routes();
  void on_signal(int signal) noexcept;
  // A database that cannot be used is reported, and opened again without a restart; only a disk
  // that does not answer at all calls for one.
  bool is_alive() noexcept { return !writer_.is_wedged(); }
  void reload();
  void apply(const Reload& reload);
  void shed_memory();
  void begin_drain(int signal);
  void on_drain_limit() noexcept;
  void on_last_answers() noexcept;
  void on_store_limit() noexcept;
  void abandon_disk();
  bool has_served() const noexcept;
  void on_iteration_end() noexcept;
  void begin_closing();
  void on_closing_limit() noexcept;

  MemoryReserve memory_;
  Reactor& reactor_;
  const ServeOptions& started_;  // the options of the start
  ServeOptions options_;         // in force now, except those that need a restart
  Output output_;
  Log log_;
  TrustedProxies proxies_;
  AccessControl access_;
  http::ServerLimits limits_;
  EventFeed feed_;
  EventWriter writer_;
  QueryRunner queries_;
  TmuxProbe probe_;
  HealthProblems health_problems_;
  SpendingLedger spending_;
  HttpApi api_;
  http::Router router_;
  std::unique_ptr<http::Server> server_;
  InternalEventSink own_events_{writer_};
  AlertCommand alert_command_;
  AlertEngine alerts_;
  ShipWatch ship_;
  std::unique_ptr<EgressService> egress_;
  std::unique_ptr<StatusEndpoint> status_;
  std::unique_ptr<TokenWatch> token_watch_;
  std::unique_ptr<Signals> signals_;
  ServiceNotifier notifier_;
  Phase phase_ = Phase::serving;
  DeadlineList drain_limits_;
  bool abandons_disk_ = false;  // true if the disk did not answer in the drain's time
  DeadlineList last_answers_{kLastAnswersTime};
  DeadlineList closing_limits_;
  DeadlineList store_limits_{kStoreClosingTime};
  Deadline store_limit_ = Deadline::to<&Daemon::on_store_limit>(*this);
  Deadline last_answers_end_ = Deadline::to<&Daemon::on_last_answers>(*this);
  Deadline drain_limit_ = Deadline::to<&Daemon::on_drain_limit>(*this);
  Deadline closing_limit_ = Deadline::to<&Daemon::on_closing_limit>(*this);
};

Daemon::Daemon(const ServeOptions& options, StartupResources& foundation)
    : reactor_(*foundation.reactor),
      started_(options),
      options_(options),
      output_(reactor_, STDOUT_FILENO, kOutputCapacity),
      log_(reactor_, output_, log_settings(options)),
      proxies_(options.trusted_proxies),
      access_(own_names(options, foundation.listeners), std::move(foundation.token)),
      limits_(server_limits(options, foundation.connections_max)),
      feed_(reactor_),
      writer_(reactor_, log_, feed_, *foundation.store_worker, options.data_dir,
              options.durability),
      queries_(reactor_, log_, writer_, *foundation.query_worker, options.data_dir),
      probe_(reactor_, log_, options.tmux_socket),
      health_problems_(writer_, probe_, output_, options.data_dir),
      api_({reactor_, log_, access_, feed_, writer_, queries_, probe_, spending_,
            *foundation.decode_worker, *foundation.turns_worker},
           options),
      alert_command_(reactor_, log_, options.alert_command),
      alerts_(reactor_, log_, feed_, writer_, probe_, output_, own_events_, alert_command_,
              spending_),
      ship_(reactor_, log_, writer_, alerts_, own_events_, options.data_dir),
      notifier_(reactor_, foundation.service, ServiceNotifier::Alive::to<&Daemon::is_alive>(*this)),
      drain_limits_(std::chrono::seconds(options.drain_seconds)),
      closing_limits_(kClosingTime) {
  feed_.add(spending_);
  api_.add_routes(router_);
}

void Daemon::log_routes() {
  for (const http::Route& route : router_.routes()) {
    log_.line(Level::debug, "serve.route")
        .text("method", http::method_name(route.method))
        .text("path", route.path)
        .text("access", http::access_name(route.access))
        .message("serves " + std::string(route.path));
  }
}

Result<void> Daemon::start(const ServeOptions& options, StartupResources& foundation) {
  if (options.compresses_data) writer_.compress_data();
  writer_.keep_within(options.retention, options.disk_free_min);
  writer_.guard_with(foundation.lock);
  writer_.open();
  access_.replace_peers(options.peers);
  token_watch_ = TRY(TokenWatch::open(reactor_, log_, access_, options.data_dir));
  egress_ =
      TRY(EgressService::open(reactor_, {log_, writer_, queries_, own_events_, alert_command_},
                              options, foundation.listeners));
  egress_->connect(router_, api_.events());
  api_.explain_failures_with(egress_->failure_reasons());
  // The firewall's programs have finished; the alert command and tmux must not get a capability.
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  server_ = TRY(http::Server::create(reactor_, log_, router_, access_, proxies_, limits_));
  status_ = std::make_unique<StatusEndpoint>(reactor_, *server_, writer_, output_);
  status_->add(health_problems_);
  status_->add(*egress_);
  status_->add(alerts_);
  status_->add(api_.otlp());
  status_->add(ship_);
  router_.add({.method = http::Method::get,
               .path = "/api/status",
               .access = http::Access::read,
               .body_size_max = 0,
               .is_health_poll = false,
               .endpoint = http::Endpoint::to<&StatusEndpoint::get>(*status_)});
  log_routes();
  signals_ = TRY(Signals::open(reactor_, {SIGTERM, SIGINT, SIGHUP},
                               Callback<int>::to<&Daemon::on_signal>(*this)));
  reactor_.add(drain_limits_);
  reactor_.add(last_answers_);
  reactor_.add(store_limits_);
  reactor_.add(closing_limits_);
  reactor_.add(IterationHook::to<&Log::flush>(log_));
  // Runs last, so that the loop ends only if no other hook has started an operation.
  reactor_.add(IterationHook::to<&Daemon::on_iteration_end>(*this));
  probe_.start();
  token_watch_->start();
  egress_->start();
  alerts_.set_rules(options.alert_rules);
  alerts_.start();
  ship_.start();
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
  // A thread that waits for a disk cannot be joined.
  if (abandons_disk_) _exit(EXIT_FAILURE);
  return 0;
}

void Daemon::on_signal(int signal) noexcept {
  if (signal == SIGHUP) return phase_ == Phase::serving ? reload() : void();
  // A second signal ends the daemon at once. Everything acknowledged is already stored.
  if (phase_ != Phase::serving) _exit(EXIT_FAILURE);
  begin_drain(signal);
}

void Daemon::reload() {
  notifier_.reloading();
  auto reload = read_again(started_, options_);
  Result<void> done;
  if (!reload) done = std::unexpected(reload.error());
  if (done) done = egress_->reload(reload->options.egress_upload);
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
  access_.replace_peers(options.peers);
  proxies_ = options.trusted_proxies;
  writer_.keep_within(options.retention, options.disk_free_min);
  probe_.set_socket(options.tmux_socket);
  alert_command_.set_program(options.alert_command);
  alerts_.set_rules(options.alert_rules);
  api_.apply(options);
  log_.line(Level::info, "serve.reloaded")
      .message("the options have been read; changed: " + listed(reload.changed));
  if (reload.needs_restart.empty()) return;
  log_.line(Level::warn, "serve.restart_needed")
      .message("these have changed too, but take effect only at the next start: " +
               listed(reload.needs_restart));
}

void Daemon::shed_memory() {
  server_->shed_memory();
  malloc_trim(0);
  // Memory of ended requests is freed in later iterations; refilling is retried in each until it
  // succeeds.
  if (!memory_.refill()) return;
  log_.line(Level::warn, "memory.low")
      .message("memory ran out, so slow connections were ended; raise its limit");
}

void Daemon::begin_drain(int signal) {
  phase_ = Phase::draining;
  notifier_.stopping("finishing the requests in progress");
  log_.line(Level::info, "serve.draining")
      .text("signal", sigabbrev_np(signal))
      .message("finishing the requests in progress; a second signal ends at once");
  api_.drain();
  probe_.stop();
  egress_->stop();
  alerts_.stop();
  ship_.stop();
  alert_command_.stop();
  server_->drain();
  drain_limits_.start(drain_limit_, reactor_.now());
}

void Daemon::on_drain_limit() noexcept {
  log_.line(Level::warn, "serve.drain_limit")
      .number("connections", static_cast<std::int64_t>(server_->stats().connections))
      .message("the drain timed out; the remaining connections are cut");
  if (writer_.is_silent_for(kSilenceMax)) abandon_disk();
  last_answers_.start(last_answers_end_, reactor_.now());
}

void Daemon::on_last_answers() noexcept {
  server_->terminate();
  store_limits_.start(store_limit_, reactor_.now());
  if (abandons_disk_ && phase_ == Phase::draining) begin_closing();
}

// What still delays the end is waiting for a disk.
void Daemon::on_store_limit() noexcept {
  if (phase_ != Phase::draining) return;
  abandon_disk();
  begin_closing();
}

void Daemon::abandon_disk() {
  if (std::exchange(abandons_disk_, true)) return;
  log_.line(Level::error, "serve.disk_silent")
      .message(
          "the disk did not answer in the drain's time; events that it has not stored are answered "
          "with 503");
  writer_.abandon();
}

bool Daemon::has_served() const noexcept {
  return server_->is_idle() && probe_.is_idle() && egress_->has_reported() &&
         alert_command_.is_idle() && queries_.is_idle() && api_.is_idle() && ship_.is_idle();
}

void Daemon::on_iteration_end() noexcept {
  if (!memory_.is_whole()) shed_memory();
  if (phase_ == Phase::draining && has_served()) {
    if (!writer_.has_events_waiting()) writer_.close();
    if (writer_.is_closed()) begin_closing();
  }
  if (phase_ == Phase::closing && output_.is_idle() && signals_->is_idle() && egress_->is_idle() &&
      (abandons_disk_ || token_watch_->is_idle())) {
    reactor_.stop();
  }
}

void Daemon::begin_closing() {
  phase_ = Phase::closing;
  drain_limit_.stop();
  last_answers_end_.stop();
  store_limit_.stop();
  log_.line(Level::info, "serve.stopped").message("stopped");
  signals_->stop();
  token_watch_->stop();
  notifier_.stop();
  closing_limits_.start(closing_limit_, reactor_.now());
  reactor_.turn_at_once();
}

void Daemon::on_closing_limit() noexcept { output_.abandon(); }

}  // namespace

int serve(const ServeOptions& options) {
  umask(077);
  set_up_heap();
  // The secret has been read, and children must not inherit it.
  unsetenv(kLinqSecret.variable.data());
  std::signal(SIGPIPE, SIG_IGN);
  // A parent may have ignored SIGCHLD; the kernel would then reap children before their status is
  // read.
  std::signal(SIGCHLD, SIG_DFL);
  auto foundation = lay_foundation(options);
  if (!foundation) return print_error({}, foundation.error().what);
  Daemon daemon(options, *foundation);
  if (auto started = daemon.start(options, *foundation); !started) {
    return print_error({}, started.error().what);
  }
  return daemon.run();
}

}  // namespace picortex
