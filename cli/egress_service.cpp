#include "cli/egress_service.h"

#include <fmt/format.h>

#include "cli/egress_rules.h"

namespace picortex {
Result<void> EgressService::open(Reactor& reactor, Log& log, EgressObserver& observer,
                                 const ServeOptions& options,
                                 const std::vector<http::Listener>& listeners) {
  if (mode_ == EgressMode::off) return {};
  std::vector<ListenAddress> listen;
  for (const http::Listener& listener : listeners) {
    if (const auto address = ListenAddress::parse(listener.name)) listen.push_back(*address);
  }
  auto plan = make_firewall_plan(mode_, options.egress_user, options.egress_dns_port, listen);
  if (!plan) return std::unexpected(plan.error());
  auto fence = Fence::open(reactor, log, observer,
                           {.mode = mode_,
                            .plan = std::move(*plan),
                            .allowlist_path = options.egress_allowlist,
                            .temporary_path = options.data_dir + "/egress-temporary.txt"});
  if (!fence) return std::unexpected(fence.error());
  fence_ = std::move(*fence);
  return {};
}

void EgressService::start() {
  if (fence_ != nullptr) fence_->start();
}

Result<void> EgressService::reload() {
  return fence_ != nullptr ? fence_->reload() : Result<void>();
}

void EgressService::stop() {
  if (fence_ != nullptr) fence_->stop();
}

void EgressService::append_status(std::string& out) const {
  out += fmt::format(R"(,"egress":{{"mode":"{}")", mode_label(mode_));
  if (fence_ != nullptr) {
    const FenceFigures figures = fence_->figures();
    const QueueFigures& queue = figures.queue;
    const DnsFigures& dns = figures.dns;
    out += fmt::format(
        R"(,"seen":{},"allowed":{},"refused":{},"passed":{},"overrun":{},"late":{},"waiting":{})",
        queue.seen, queue.allowed, queue.refused, queue.passed, queue.overrun, queue.late,
        queue.waiting);
    out += fmt::format(
        R"(,"dns_queries":{},"dns_refused":{},"dns_forwarded":{},"dns_failed":{},"dns_withheld":{})",
        dns.queries, dns.refused, dns.forwarded, dns.failed, dns.withheld);
    out += fmt::format(
        R"(,"flows":{},"flow_bytes":{},"addresses":{},"admitted":{},"rules":{},"bad_rules":{})",
        figures.flows, figures.flow_bytes, figures.addresses, figures.admitted, figures.rules,
        figures.rule_problems);
    out += fmt::format(R"(,"reloads":{},"connections_cut":{})", figures.reloads,
                       figures.connections_cut);
  }
  out += '}';
}

}  // namespace picortex
