#include "daemon/egress/egress_service.h"

#include <utility>

#include "daemon/egress/fence_plan.h"

namespace picortex {
namespace {

constexpr std::chrono::seconds kSweepInterval{1};

}  // namespace

Result<std::unique_ptr<EgressService>> EgressService::open(
    Reactor& reactor, const Outlets& outlets, const ServeOptions& options,
    const std::vector<http::Listener>& listeners) {
  auto sockets = TRY(SockDiagQuery::open());
  auto caller_sockets = TRY(SockDiagQuery::open());
  const auto known = read_egress_hosts(options.data_dir);
  if (!known) {
    outlets.log.line(Level::warn, "egress.hosts_unknown")
        .text("reason", known.error().what)
        .message("every host will seem new");
  }
  std::unique_ptr<EgressService> service(
      new EgressService(reactor, outlets, options, std::move(sockets), std::move(caller_sockets),
                        known ? std::span<const EgressHost>(*known) : std::span<EgressHost>()));
  if (options.egress_mode != EgressMode::off) {
    TRY(service->open_fence(reactor, outlets.log, options, listeners));
  }
  // The journal looks for processes before the fence's hook sends the verdicts, since a denial ends
  // the socket that shows whose it was, and again after it.
  reactor.add_first(IterationHook::to<&EgressJournal::work_ahead>(service->journal_));
  reactor.add(IterationHook::to<&EgressJournal::work_behind>(service->journal_));
  return service;
}

EgressService::EgressService(Reactor& reactor, const Outlets& outlets, const ServeOptions& options,
                             SockDiagQuery sockets, SockDiagQuery caller_sockets,
                             std::span<const EgressHost> known)
    : mode_(options.egress_mode),
      alerts_(outlets.alerts),
      journal_(reactor, outlets.log, outlets.rows,
               EgressJournal::AlertCallback::to<&EgressService::on_alert>(*this), runs_,
               std::move(sockets), known),
      endpoint_(reactor, mode_, outlets.queries, journal_, outlets.rows, fence_),
      sweeps_(reactor, kSweepInterval, Callback<>::to<&AgentProcessRegistry::sweep>(runs_)),
      caller_(fence_, std::move(caller_sockets)),
      why_(reactor, journal_, fence_, caller_),
      proposals_(reactor, outlets.writer, journal_.chats(), caller_) {
  sweeps_.start();
}

Result<void> EgressService::open_fence(Reactor& reactor, Log& log, const ServeOptions& options,
                                       const std::vector<http::Listener>& listeners) {
  std::vector<ListenAddress> listen;
  for (const http::Listener& listener : listeners) {
    if (const auto address = ListenAddress::parse(listener.name)) listen.push_back(*address);
  }
  auto plan = TRY(make_firewall_plan(mode_, options.egress_user, options.egress_dns_port, listen));
  fence_ = TRY(Fence::open(reactor, log, journal_,
                           {.mode = mode_,
                            .plan = std::move(plan),
                            .allowlist_path = options.egress_allowlist,
                            .temporary_path = options.data_dir + "/egress-temporary.txt",
                            .addresses_path = options.data_dir + "/egress-addresses",
                            .uploads_path = options.data_dir + "/egress-uploads",
                            .default_upload = options.egress_upload}));
  return {};
}

void EgressService::connect(http::Router& router, EventsEndpoint& events) {
  events.report(Callback<const Event&>::to<&RunListener::on_event>(listener_));
  router.add({.method = http::Method::get,
              .path = "/api/egress",
              .access = http::Access::read,
              .body_size_max = 0,
              .is_health_poll = false,
              .endpoint = http::Endpoint::to<&EgressEndpoint::get>(endpoint_)});
  router.add({.method = http::Method::get,
              .path = "/api/egress/why",
              .access = http::Access::any_scope,
              .body_size_max = 0,
              .is_health_poll = false,
              .endpoint = http::Endpoint::to<&WhyEndpoint::get>(why_)});
  router.add({.method = http::Method::post,
              .path = "/api/egress/proposals",
              .access = http::Access::any_scope,
              .body_size_max = ProposalEndpoint::kBodySizeMax,
              .is_health_poll = false,
              .endpoint = http::Endpoint::to<&ProposalEndpoint::post>(proposals_)});
}

void EgressService::on_alert(const EgressRecord& record) noexcept {
  alerts_.send({.event_type = record.event_type,
                .time_ms = record.time_ms,
                .request_id = record.ids.request_id,
                .chat_id = record.ids.chat_id,
                .msg = record.message,
                .data = record.data});
}

void EgressService::start() {
  if (fence_ != nullptr) fence_->start();
}

Result<void> EgressService::reload(const UploadBudget& default_upload) {
  if (fence_ == nullptr) return {};
  fence_->set_default_upload(default_upload);
  return fence_->reload();
}

void EgressService::stop() {
  // The fence first: its last decisions are still reported, and the rules deny from then on.
  if (fence_ != nullptr) fence_->stop();
  sweeps_.stop();
  journal_.stop();
}

void EgressService::append_status(JsonObject& status) const {
  JsonObject egress = status.object("egress");
  egress.text("mode", mode_label(mode_));
  if (fence_ == nullptr) return;
  const FenceStats stats = fence_->stats();
  egress.number("seen", stats.queue.seen)
      .number("allowed", stats.queue.allowed)
      .number("denied", stats.queue.denied)
      .number("passed", stats.queue.passed)
      .number("overrun", stats.queue.overrun)
      .number("late", stats.queue.late)
      .number("waiting", stats.queue.waiting)
      .number("dns_queries", stats.dns.queries)
      .number("dns_denied", stats.dns.denied)
      .number("dns_forwarded", stats.dns.forwarded)
      .number("dns_failed", stats.dns.failed)
      .number("dns_withheld", stats.dns.withheld)
      .number("dns_strangers", stats.dns.strangers)
      .number("dns_mismatches", stats.dns.mismatches)
      .number("dns_lost", stats.dns.lost)
      .number("dns_accept_failures", stats.dns.accept_failures)
      .number("addresses_turned_away", stats.addresses_turned_away)
      .number("address_log_failures", stats.address_log_failures)
      .number("flows", stats.flows)
      .number("flow_bytes", stats.flow_bytes)
      .number("addresses", stats.addresses)
      .number("connections_allowed", stats.allowed)
      .number("rules", stats.rules)
      .number("bad_rules", stats.rule_problems)
      .number("reloads", stats.reloads)
      .number("connections_cut", stats.connections_cut)
      .number("connections_ended", stats.ends)
      .number("ends_lost", stats.ends_lost)
      .number("openings", stats.openings)
      .number("openings_lost", stats.openings_lost)
      .number("opening_addresses", stats.opening_addresses)
      .number("opening_addresses_turned_away", stats.opening_addresses_turned_away)
      .number("connections_metered", stats.metered);
}

}  // namespace picortex
