#include "cli/egress_telling.h"

namespace picortex {
namespace {

constexpr std::chrono::seconds kSweepInterval{1};

}  // namespace

Result<std::unique_ptr<EgressTelling>> EgressTelling::create(Reactor& reactor, Log& log,
                                                             OwnEvents& rows, AlertCommand& alerts,
                                                             const Settings& settings) {
  auto sockets = SocketQuery::open();
  if (!sockets) return std::unexpected(sockets.error());
  const auto known = read_egress_hosts(settings.data_dir);
  if (!known) {
    log.line(Level::warn, "egress.hosts_unknown")
        .text("reason", known.error().what)
        .message("every host will seem new");
  }
  return std::unique_ptr<EgressTelling>(
      new EgressTelling(reactor, log, rows, alerts, settings, *std::move(sockets),
                        known ? std::span<const EgressHost>(*known) : std::span<EgressHost>()));
}

EgressTelling::EgressTelling(Reactor& reactor, Log& log, OwnEvents& rows, AlertCommand& alerts,
                             const Settings& settings, SocketQuery sockets,
                             std::span<const EgressHost> known)
    : reactor_(reactor),
      journal_(reactor, log, rows, alerts, runs_, std::move(sockets), known),
      report_(reactor, settings.mode, settings.data_dir, journal_, rows),
      endpoint_(JsonSource::to<&EgressReport::append>(report_)),
      ticks_(kSweepInterval) {
  reactor_.add(ticks_);
  ticks_.start(tick_, reactor_.now());
}

void EgressTelling::connect(http::Router& router, EventsEndpoint& events) {
  events.tell(EventListener::to<&RunListener::on_event>(listener_));
  router.add({.method = http::Method::get,
              .path = "/api/egress",
              .access = http::Access::token,
              .body_size_max = 0,
              .is_health_poll = false,
              .endpoint = http::Endpoint::to<&EgressEndpoint::get>(endpoint_)});
}

void EgressTelling::on_tick() noexcept {
  ticks_.start(tick_, reactor_.now());
  runs_.sweep();
}

void EgressTelling::stop() {
  tick_.stop();
  journal_.stop();
}

}  // namespace picortex
