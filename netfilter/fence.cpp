#include "netfilter/fence.h"

#include <algorithm>
#include <array>
#include <utility>

#include "netfilter/kernel/firewall.h"
#include "netfilter/kernel/resolver_bypass_check.h"
#include "netfilter/kernel/sock_diag.h"
#include "netfilter/wire/packet.h"

namespace picortex {

Result<std::unique_ptr<Fence>> Fence::open(Reactor& reactor, Log& log, EgressObserver& observer,
                                           FenceSettings settings) {
  TRY(check_net_admin());
  std::unique_ptr<Fence> fence(new Fence(reactor, log, observer, std::move(settings)));
  const FirewallPlan& plan = fence->settings_.plan;
  TRY(fence->load());
  fence->settings_.plan.meters = fence->meter_.is_active();
  fence->proxy_ = TRY(DnsProxy::open(reactor, plan.dns_port, *fence->dns_policy_));
  fence->open_address_log();
  fence->open_upload_log();
  fence->queue_ = TRY(PacketQueue::open(reactor, kEgressQueue, *fence));
  fence->watch_ = TRY(
      FileWatch::open(reactor, {fence->settings_.allowlist_path, fence->settings_.temporary_path},
                      Callback<>::to<&Fence::on_files>(*fence)));
  fence->user_watch_ =
      TRY(FencedUserWatch::open(reactor, Callback<>::to<&Fence::renew_user>(*fence)));
  auto installed = TRY(install_firewall(plan));
  if (installed == FirewallChange::fresh) fence->end_older_sockets(plan.user);
  fence->open_openings();
  TRY(fence->follow_connections());
  return fence;
}

Fence::Fence(Reactor& reactor, Log& log, EgressObserver& observer, FenceSettings settings)
    : reactor_(reactor),
      log_(log),
      observer_(observer),
      settings_(std::move(settings)),
      allowlist_(std::make_unique<Allowlist>()),
      dns_policy_(std::make_unique<DnsPolicy>(reactor_, observer_, settings_.mode,
                                              settings_.plan.user, allowlist_, addresses_)) {
  rules_checked_ms_ = reactor_.unix_ms();
  if (auto sockets = SockDiagQuery::open()) sockets_ = std::move(*sockets);
  dns_policy_->set_answer_callback(DnsPolicy::AnswerCallback::to<&Fence::offer_answer>(*this));
  reactor_.add(IterationHook::to<&Fence::send_openings>(*this));
}

Fence::~Fence() = default;

void Fence::start() {
  queue_->start();
  proxy_->start();
  watch_->start();
  user_watch_->start();
  connection_ends_->start();
  ticks_.start();
  resume_connections();
  log_.line(Level::info, "egress.started")
      .text("mode", mode_label(settings_.mode))
      .text("user", settings_.plan.user.name)
      .number("uid", static_cast<std::int64_t>(settings_.plan.user.uid()))
      .number("rules", static_cast<std::int64_t>(allowlist_->rules().size()))
      .message("the egress of " + settings_.plan.user.name + " is fenced");
  for (const std::string& hole : find_resolver_holes()) {
    log_.line(Level::warn, "egress.hole").message(hole);
  }
}

void Fence::stop() {
  openings_.reset();
  ticks_.stop();
  meter_.stop();
  queue_->stop();
  proxy_->stop();
  watch_->stop();
  user_watch_->stop();
  connection_ends_->stop();
  if (address_log_) address_log_->stop();
}

bool Fence::is_idle() const noexcept {
  return queue_->is_idle() && proxy_->is_idle() && watch_->is_idle() && user_watch_->is_idle() &&
         connection_ends_->is_idle() && meter_.is_idle() &&
         (address_log_ == nullptr || address_log_->is_idle());
}

Judgement Fence::judge(const QueuedPacket& queued) noexcept {
  Packet packet;
  const PacketStatus status = parse_packet(queued.bytes, packet);
  if (queued.is_metered && settings_.plan.meters) {
    Verdict allowed;
    const Metering metering = meter_allowed(allowed, status, packet);
    if (allowed.is_final) report_packet(allowed, packet, queued, metering.breach);
    return {.action = allowed.action, .may_wait = allowed.is_final, .record = metering.record};
  }
  Verdict verdict;
  const Metering metering = judge_packet(verdict, status, packet, queued);
  if (packet.opens_connection()) offer_opening(packet, verdict);
  Judgement judgement = carry_out(verdict, status, packet, queued.bytes);
  judgement.is_metered = metering.is_metered;
  judgement.record = metering.record;
  return judgement;
}

Fence::Metering Fence::judge_packet(Verdict& verdict, PacketStatus status, const Packet& packet,
                                    const QueuedPacket& queued) noexcept {
  verdict = decide(status, packet, reactor_.unix_ms());
  Metering metering;
  if (meter_.is_active()) metering = meter(verdict, packet);
  note_use(packet, verdict);
  if (verdict.is_final) {
    if (verdict.action != Action::reject && packet.protocol == kProtocolTcp) {
      allowed_.add({packet.source, packet.destination, packet.source_port, packet.destination_port},
                   verdict.host);
    }
    report_packet(verdict, packet, queued, metering.breach);
  }
  if (!ended_.empty()) report_ended();
  return metering;
}

void Fence::report_packet(const Verdict& verdict, const Packet& packet, const QueuedPacket& queued,
                          const std::optional<UploadBreach>& breach) noexcept {
  report(verdict, packet.protocol,
         {packet.source, packet.destination, packet.source_port, packet.destination_port},
         queued.uid == QueuedPacket::kNoUid ? settings_.plan.user.uid() : queued.uid,
         breach ? &*breach : nullptr);
}

Judgement Fence::carry_out(const Verdict& verdict, PacketStatus status, const Packet& packet,
                           std::span<const std::uint8_t> bytes) noexcept {
  if (verdict.action == Action::reject) return {.may_wait = verdict.is_final};
  if (verdict.action == Action::drop) return {.action = Action::drop};
  if (verdict.action == Action::close) {
    const bool is_plain = packet.transport_offset == (packet.source.is_v6 ? 40 : 20);
    if (!is_plain) return {};
    return {.action = Action::close, .bytes = make_reset(packet, reset_)};
  }
  const bool learns = verdict.denied && verdict.action == Action::allow;
  const Action action = learns ? Action::learn : verdict.action;
  const bool has_data = packet.protocol == kProtocolTcp && !packet.payload.empty();
  if (!has_data || status != PacketStatus::whole) return {.action = action};
  copy_.assign(bytes.begin(), bytes.end());
  write_tcp_checksum(copy_, packet);
  return {.action = action, .bytes = copy_};
}

Verdict Fence::decide(PacketStatus status, const Packet& packet, std::int64_t now_ms) noexcept {
  Verdict verdict;
  if (stays_with_user(status, packet)) {
    verdict = {.action = packet.protocol == kProtocolTcp ? Action::allow : Action::pass,
               .denied = false,
               .is_final = false,
               .reason = Reason::permitted};
  } else {
    verdict = flows_.decide(policy(), status, packet, now_ms, ended_);
  }
  const bool opens = status == PacketStatus::whole && packet.opens_connection();
  if (!opens || verdict.denied || settings_.mode != EgressMode::enforce) return verdict;
  if (connection_rate_.take(now_ms)) return verdict;
  return {.evidence = verdict.evidence,
          .reason = Reason::connection_rate_limited,
          .host = verdict.host};
}

// Packets between two sockets of the user on loopback reach no other user: they need no rule, and
// are no attempt to report. The queue contains only the user's packets.
bool Fence::stays_with_user(PacketStatus status, const Packet& packet) noexcept {
  if (status != PacketStatus::whole || !sockets_) return false;
  if (address_class(packet.destination) != AddressClass::loopback) return false;
  const auto peer = find_loopback_peer(packet);
  return peer && settings_.plan.user.contains(peer->uid);
}

// Who receives the packet; of TCP only a connection that it opens is asked about. A datagram to
// another address than the two may be a broadcast, which has many receivers.
std::optional<SocketOwner> Fence::find_loopback_peer(const Packet& packet) noexcept {
  if (packet.opens_connection()) {
    return sockets_->find_loopback_server(packet.destination, packet.destination_port);
  }
  static const std::array kDatagramAddresses{parse_ip_address("127.0.0.1").value(),
                                             parse_ip_address("::1").value()};
  if (packet.protocol != kProtocolUdp ||
      std::ranges::find(kDatagramAddresses, packet.destination) == kDatagramAddresses.end()) {
    return std::nullopt;
  }
  return sockets_->find_loopback_receiver({.protocol = packet.protocol,
                                           .source = packet.source,
                                           .source_port = packet.source_port,
                                           .destination = packet.destination,
                                           .destination_port = packet.destination_port});
}

void Fence::report(const Verdict& verdict, std::uint8_t protocol, const FlowKey& flow,
                   std::uint32_t uid, const UploadBreach* breach) noexcept {
  const std::int64_t now_ms = reactor_.unix_ms();
  std::array<std::string_view, EgressEvent::kCandidatesMax> candidates;
  std::size_t count = 0;
  if (verdict.evidence == Evidence::dns) count = find_names(flow.destination, candidates);
  observer_.on_verdict({.verdict = verdict,
                        .protocol = protocol,
                        .source = flow.source,
                        .source_port = flow.source_port,
                        .destination = flow.destination,
                        .destination_port = flow.destination_port,
                        .host = verdict.host.view(),
                        .candidates = std::span(candidates).first(count),
                        .dns_only = false,
                        .uid = uid,
                        .time_ms = now_ms,
                        .breach = breach});
}

void Fence::report_ended() noexcept {
  for (const FlowEnd& end : ended_) {
    report(end.verdict, kProtocolTcp, end.key, settings_.plan.user.uid());
  }
  ended_.clear();
}

// Restores the addresses answered before this process started, as far as they could be answered
// now. Connections from before are followed from here on; without the log, clients have to resolve
// their names again.
void Fence::open_address_log() {
  if (settings_.addresses_path.empty()) return;
  auto opened = AddressLog::open(reactor_, settings_.addresses_path, addresses_, reactor_.unix_ms(),
                                 AddressLog::Filter::to<&Fence::may_restore>(*this));
  if (!opened) {
    log_.line(Level::warn, "egress.addresses_not_kept")
        .message(opened.error().what +
                 "; after a restart clients have to resolve their names again");
    return;
  }
  address_log_ = std::move(*opened);
  const AddressLog::Restored& restored = address_log_->restored();
  log_.line(restored.damaged == 0 ? Level::info : Level::warn, "egress.addresses_restored")
      .number("addresses", static_cast<std::int64_t>(addresses_.size()))
      .number("rejected", static_cast<std::int64_t>(restored.rejected))
      .number("damaged_files", static_cast<std::int64_t>(restored.damaged))
      .message("restored the addresses answered before the start");
  if (auto sockets = list_open_sockets(settings_.plan.user, kProtocolTcp)) {
    for (const OpenSocket& socket : *sockets) {
      address_use_.note({kProtocolTcp, socket.source, socket.source_port, socket.destination,
                         socket.destination_port});
    }
  }
}

// A SYN that passes holds its address's names until its hello has arrived; an allowed connection is
// followed for as long as it is open.
void Fence::note_use(const Packet& packet, const Verdict& verdict) {
  if (verdict.denied || packet.protocol != kProtocolTcp) return;
  const std::int64_t now_ms = reactor_.unix_ms();
  if (packet.opens_connection()) {
    addresses_.hold(packet.destination, now_ms);
    addresses_.use(packet.destination, now_ms);
  }
  if (verdict.action != Action::reject && verdict.is_final) {
    address_use_.note({packet.protocol, packet.source, packet.source_port, packet.destination,
                       packet.destination_port});
  }
}

bool Fence::is_open_connection(const SocketEnds& connection) noexcept {
  return sockets_ && sockets_->find(connection).has_value();
}

// Learn mode denies no name; in the others a rule may be gone since the address was recorded.
bool Fence::may_restore(const AddressRecord& record) const noexcept {
  const auto name = HostName::parse(record.name);
  return name && (settings_.mode == EgressMode::learn ||
                  may_answer(*allowlist_, *name, record.address, reactor_.unix_ms()));
}

// Reports at most once a minute.
void Fence::report_dns_mismatches() {
  const std::int64_t now_ms = reactor_.unix_ms();
  if (now_ms < next_dns_report_ms_) return;
  const DnsStats dns = proxy_->stats();
  const std::uint64_t mismatches = dns.mismatches - mismatches_reported_;
  const std::uint64_t lost = dns.lost - questions_lost_reported_;
  if (mismatches == 0 && lost == 0) return;
  next_dns_report_ms_ = now_ms + 60'000;
  mismatches_reported_ = dns.mismatches;
  questions_lost_reported_ = dns.lost;
  if (mismatches > 0) {
    log_.line(Level::warn, "egress.dns_mismatch")
        .number("datagrams", static_cast<std::int64_t>(mismatches))
        .message(
            "datagrams from a resolver's address did not match the question: an attacker forges "
            "answers, or a resolver changes the case of names; asked over TCP instead");
  }
  if (lost > 0) {
    log_.line(Level::warn, "egress.dns_lost")
        .number("questions", static_cast<std::int64_t>(lost))
        .message("DNS questions arrived faster than they could be read; some were lost");
  }
}

// Ends connections from before the fence: their next packet would be denied, but a packet whose
// socket has been closed by then has no owner by which to match it.
void Fence::end_older_sockets(const FencedUser& user) {
  const auto ended = end_sockets(user);
  if (ended) {
    connections_cut_ += *ended;
  } else {
    log_.line(Level::warn, "egress.cut_failed").message(ended.error().what);
  }
}

// The rules of the firewall name each UID. This call installs them, which blocks the loop for about
// 100 ms: only root can cause it.
void Fence::renew_user() noexcept {
  auto renewed = reread_user(settings_.plan.user);
  if (!renewed) {
    log_.line(Level::error, "egress.user_not_renewed")
        .message(renewed.error().what + "; the UIDs that are fenced stay as they were");
    return;
  }
  renewed->ranges = range_removal_.confirm(settings_.plan.user.ranges, renewed->ranges);
  if (range_removal_.is_pending()) renew_again_ = true;
  if (renewed->ranges == settings_.plan.user.ranges) return;
  FencedUser added{.name = renewed->name, .ranges = {}};
  for (const UidRange& range : renewed->ranges) {
    const auto& known = settings_.plan.user.ranges;
    if (std::ranges::find(known, range) == known.end()) added.ranges.push_back(range);
  }
  FirewallPlan plan = settings_.plan;
  plan.user = *renewed;
  if (auto installed = install_firewall(plan); !installed) {
    log_.line(Level::error, "egress.user_not_renewed")
        .message(installed.error().what + "; it is tried again in a second");
    renew_again_ = true;
    return;
  }
  settings_.plan = std::move(plan);
  open_openings();
  if (!added.ranges.empty()) end_older_sockets(added);
  log_.line(Level::info, "egress.user_renewed")
      .text("user", settings_.plan.user.name)
      .number("ranges", static_cast<std::int64_t>(settings_.plan.user.ranges.size()))
      .message("the UIDs of " + settings_.plan.user.name + " have changed, and are fenced");
}

void Fence::on_tick() noexcept {
  on_packets();
  const std::int64_t now_ms = reactor_.unix_ms();
  flows_.expire(settings_.mode, now_ms, ended_);
  report_ended();
  watch_->retry();
  // In this order: what a poll finds is confirmed by the next tick.
  if (std::exchange(renew_again_, false)) renew_user();
  user_watch_->poll();
  if (sockets_) sockets_->renew();
  address_use_.tick(now_ms);
  if (address_log_) address_log_->tick(now_ms);
  report_dns_mismatches();
  report_lost_ends();
  report_lost_openings();
  expire_rules(now_ms);
  meter_.tick(now_ms);
  report_upload_log();
  if (meter_.is_active() != settings_.plan.meters) install_metering();
  const std::uint64_t overrun = queue_->stats().overrun;
  if (overrun != overrun_reported_) {
    log_.line(Level::error, "egress.overrun")
        .number("packets", static_cast<std::int64_t>(overrun - overrun_reported_))
        .message("more packets than the queue holds: they were dropped");
    overrun_reported_ = overrun;
  }
}

void Fence::on_files() noexcept {
  if (auto reloaded = reload(); !reloaded) {
    log_.line(Level::error, "egress.reload_failed")
        .message(reloaded.error().what + "; the rules stay as they were");
  }
}

FenceStats Fence::stats() const noexcept {
  return {.queue = queue_->stats(),
          .dns = proxy_->stats(),
          .flows = flows_.size(),
          .flow_bytes = flows_.memory_size(),
          .addresses = addresses_.size(),
          .addresses_turned_away = addresses_.turned_away(),
          .address_log_failures = address_log_ ? address_log_->failures() : 0,
          .allowed = allowed_.size(),
          .rules = allowlist_->rules().size(),
          .rule_problems = rule_problems_,
          .reloads = reloads_,
          .connections_cut = connections_cut_,
          .ends = ends_,
          .ends_lost = connection_ends_->lost(),
          .openings = opening_log_ ? opening_log_->copies() : 0,
          .openings_lost = opening_log_ ? opening_log_->lost() : 0,
          .opening_addresses = openings_ ? openings_->size() : 0,
          .opening_addresses_turned_away = openings_ ? openings_->turned_away() : 0,
          .metered = meter_.connections()};
}

}  // namespace picortex
