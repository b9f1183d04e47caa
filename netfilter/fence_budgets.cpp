// The fence's upload budgets: what each packet with data is charged to, and the rules that bring it
// to the queue.
#include <algorithm>
#include <array>
#include <utility>

#include "netfilter/fence.h"
#include "netfilter/kernel/firewall.h"
#include "netfilter/wire/packet.h"

namespace picortex {
namespace {

FlowKey key_of(const Packet& packet) noexcept {
  return {packet.source, packet.destination, packet.source_port, packet.destination_port};
}

// Data that a connection has sent: its bytes without the headers of IP and TCP, which are at least
// 40 in each packet (IPv6: 60). Options make it more than it was.
std::int64_t sent_bytes(const ConntrackEntry& connection) noexcept {
  if (!connection.up) return 0;
  const std::uint64_t headers = connection.up->packets * (connection.ends.source.is_v6 ? 60 : 40);
  constexpr std::uint64_t kBytesMax = std::uint64_t{1} << 60;
  const std::uint64_t bytes = connection.up->bytes - std::min(connection.up->bytes, headers);
  return static_cast<std::int64_t>(std::min(bytes, kBytesMax));
}

}  // namespace

// Charges a packet of a connection that the kernel has not taken over, and changes a verdict that
// would let it exceed a budget.
Fence::Metering Fence::meter(Verdict& verdict, const Packet& packet) noexcept {
  const bool leaves = verdict.action != Action::drop && verdict.action != Action::close;
  if (packet.protocol != kProtocolTcp) return {};
  const FlowKey key = key_of(packet);
  // A denial ends the connection: what was counted before leaves first.
  if (verdict.action == Action::reject) return {.record = meter_.record_of(key)};
  if (!leaves) return {};
  const std::int64_t now_ms = reactor_.unix_ms();
  // Another connection had this port before, unless the SYN repeats one whose data was judged.
  if (packet.opens_connection() && verdict.action != Action::judge) meter_.close(key);
  if (verdict.is_final) meter_.open(key, verdict, now_ms);
  const auto charge = meter_.charge(key, static_cast<std::int64_t>(packet.payload.size()), now_ms);
  if (!charge) return bill(verdict, packet);
  // With each packet: a SYN that is sent again has removed the bit.
  if (charge->reason == Reason::permitted) return {.is_metered = true, .record = charge->record};
  verdict = {.action = settings_.mode == EgressMode::enforce ? Action::reject : verdict.action,
             .evidence = charge->evidence,
             .reason = charge->reason,
             .host = charge->host,
             .rule = charge->rule};
  end_denied(verdict, packet);
  return {.is_metered = true, .breach = charge->breach, .record = charge->record};
}

// The same for one whose name has still to come. Where only one leads to the address, that is the
// host.
Fence::Metering Fence::bill(Verdict& verdict, const Packet& packet) noexcept {
  if (!verdict.rule || verdict.is_final) return {};
  const std::int64_t now_ms = reactor_.unix_ms();
  const UploadCharge bill =
      meter_.bill(*verdict.rule, static_cast<std::int64_t>(packet.payload.size()), now_ms);
  std::array<std::string_view, 2> names;
  const bool is_spent = settings_.mode == EgressMode::enforce && packet.opens_connection() &&
                        meter_.is_spent(*verdict.rule, now_ms) &&
                        find_names(packet.destination, names) == 1;
  if (bill.reason == Reason::permitted && !is_spent) return {.record = bill.record};
  verdict = {.evidence = verdict.evidence,
             .reason = is_spent ? Reason::upload_budget_spent : bill.reason,
             .host = verdict.host,
             .rule = verdict.rule};
  end_denied(verdict, packet);
  return {};
}

// The data of a connection that the kernel has taken over, which comes here to be counted alone. One
// that is not known was forgotten, or is older than this process and its host is not known.
Fence::Metering Fence::meter_allowed(Verdict& verdict, PacketStatus status,
                                     const Packet& packet) noexcept {
  const Action otherwise = settings_.mode == EgressMode::enforce ? Action::reject : Action::pass;
  if (packet.protocol != kProtocolTcp ||
      (status != PacketStatus::whole && status != PacketStatus::urgent)) {
    verdict = {.action = otherwise, .reason = Reason::bad_packet};
    return {};
  }
  const auto charge = meter_.charge(
      key_of(packet), static_cast<std::int64_t>(packet.payload.size()), reactor_.unix_ms());
  if (charge && charge->reason == Reason::permitted) {
    verdict = {.action = Action::pass,
               .denied = false,
               .is_final = false,
               .evidence = charge->evidence,
               .reason = Reason::undecided,
               .host = charge->host,
               .rule = charge->rule};
    return {.record = charge->record};
  }
  verdict = {.action = otherwise, .reason = Reason::untracked_flow};
  // Learn mode denies nothing, so it need not report that again with each packet.
  if (!charge) {
    verdict.is_final = otherwise == Action::reject;
    end_denied(verdict, packet);
    return {};
  }
  verdict.evidence = charge->evidence;
  verdict.reason = charge->reason;
  verdict.host = charge->host;
  verdict.rule = charge->rule;
  end_denied(verdict, packet);
  return {.breach = charge->breach, .record = charge->record};
}

// More packets of a connection that is denied now may be in the queue. They are denied as well, and by
// then the client's socket may be gone, so they must not be reported as if they were connections.
void Fence::end_denied(Verdict& verdict, const Packet& packet) noexcept {
  if (verdict.action != Action::reject) return;
  verdict.is_final = flows_.deny(packet, verdict, reactor_.unix_ms());
}

void Fence::adopt_budgets() {
  meter_.adopt(*allowlist_, settings_.default_upload, reactor_.unix_ms());
}

// Whether there is a budget yet or not: when the first one arrives with a reload, the file system may
// be frozen.
void Fence::open_upload_log() {
  if (settings_.uploads_path.empty()) return;
  auto kept = meter_.keep_in(reactor_, settings_.uploads_path, reactor_.unix_ms());
  if (!kept) {
    log_.line(Level::warn, "egress.uploads_not_kept")
        .message(kept.error().what + "; after a restart upload budgets begin again");
    return;
  }
  std::size_t damaged = 0;
  for (const std::size_t lines : meter_.log()->damaged()) damaged += lines;
  if (damaged == 0 && meter_.restored() == 0) return;
  log_.line(damaged == 0 ? Level::info : Level::warn, "egress.uploads_restored")
      .number("records", static_cast<std::int64_t>(meter_.restored()))
      .number("damaged", static_cast<std::int64_t>(damaged))
      .message("restored what was sent to hosts with an upload budget before the start");
}

// Blocks the loop for about 100 ms: only a change of the list or of the options can cause it.
void Fence::install_metering() noexcept {
  FirewallPlan plan = settings_.plan;
  plan.meters = meter_.is_active();
  if (auto installed = install_firewall(plan); !installed) {
    log_.line(Level::error, "egress.budgets_not_installed")
        .message(installed.error().what + "; it is tried again in a second");
    return;
  }
  settings_.plan.meters = plan.meters;
}

// A connection from before this process to a host with a budget. Its host is the only one, or the
// first one with a budget, of those whose names lead to its address.
void Fence::resume_metering(const ConntrackEntry& connection) {
  const std::int64_t now_ms = reactor_.unix_ms();
  const SocketEnds& ends = connection.ends;
  const FlowKey key{ends.source, ends.destination, ends.source_port, ends.destination_port};
  Verdict verdict{.action = Action::allow,
                  .denied = false,
                  .evidence = Evidence::ip,
                  .reason = Reason::permitted,
                  .rule = allowlist_->match(ends.destination, ends.destination_port, now_ms)};
  if (verdict.rule) {
    meter_.resume(key, verdict, sent_bytes(connection), now_ms);
    return;
  }
  std::array<std::string_view, EgressEvent::kCandidatesMax> names;
  const std::size_t count = find_names(ends.destination, names);
  verdict.evidence = Evidence::dns;
  for (const std::string_view name : std::span(names).first(count)) {
    verdict.rule = allowlist_->match({.name = name, .port = ends.destination_port}, now_ms);
    verdict.host = HostName::parse(name).value_or(HostName());
    if (!verdict.rule) continue;
    if (meter_.resume(key, verdict, sent_bytes(connection), now_ms)) return;
  }
}

// Once, until a write succeeds.
void Fence::report_upload_log() {
  const RecordLog* log = meter_.log();
  if (log == nullptr) return;
  if (log->can_write()) {
    is_upload_log_reported_ = false;
  } else if (!std::exchange(is_upload_log_reported_, true)) {
    log_.line(Level::error, "egress.uploads_not_kept")
        .message("cannot write " + settings_.uploads_path + ": " + log->failure_text() +
                 "; until that succeeds, uploads to hosts with a budget are denied "
                 "(upload_not_recorded)");
  }
}

std::optional<UploadMeter::Use> Fence::upload_of(RuleIndex rule) noexcept {
  return meter_.use_of(rule, reactor_.unix_ms());
}

}  // namespace picortex
