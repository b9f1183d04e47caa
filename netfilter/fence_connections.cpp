// The fence's connections after their verdicts: what they carried, once they have ended.
#include <algorithm>
#include <array>

#include "netfilter/fence.h"
#include "netfilter/kernel/conntrack_dump.h"
#include "netfilter/wire/packet.h"

namespace picortex {
namespace {

// At most this many connections from before the start are looked at.
constexpr std::size_t kResumedMax = 16'384;

bool is_allowed_mark(std::uint32_t mark) noexcept {
  return mark == kMarkPending || mark == kMarkJudged || mark == kMarkAllowed ||
         mark == kMarkLearned;
}

std::int64_t signed_bytes(const std::optional<ByteCount>& count) noexcept {
  constexpr std::uint64_t kBytesMax = std::uint64_t{1} << 62;
  return count ? static_cast<std::int64_t>(std::min(count->bytes, kBytesMax)) : 0;
}

}  // namespace

Result<void> Fence::follow_connections() {
  switch_on_accounting();
  conntrack_ = ConntrackSettings::read();
  connection_ends_ = TRY(ConntrackEvents::open(
      reactor_, ConntrackEvents::EndCallback::to<&Fence::on_connection_end>(*this)));
  if (!conntrack_.counts_bytes() || !conntrack_.reports_ends()) {
    log_.line(Level::warn, "egress.not_counted")
        .message(
            "the kernel does not count what connections carry, or does not report their ends: set "
            "net.netfilter.nf_conntrack_acct and net.netfilter.nf_conntrack_events to 1");
  }
  return {};
}

// Connections from before the start: their hosts by what was answered, their processes by their
// sockets. Of those that ended while no daemon ran, the kernel reports the ends as soon as it
// removes their entries.
void Fence::resume_connections() {
  for (const std::uint32_t mark : {kMarkAllowed, kMarkJudged, kMarkPending, kMarkLearned}) {
    const auto connections = list_connections(mark, kResumedMax);
    if (!connections) {
      log_.line(Level::warn, "egress.not_resumed").message(connections.error().what);
      return;
    }
    for (const ConntrackEntry& connection : *connections) {
      if (address_class(connection.ends.destination) == AddressClass::loopback) continue;
      resume_connection(connection.ends);
      if ((connection.mark & kMarkMetered) != 0) resume_metering(connection);
    }
  }
}

void Fence::resume_connection(const SocketEnds& ends) {
  const std::int64_t now_ms = reactor_.unix_ms();
  std::array<std::string_view, EgressEvent::kCandidatesMax> names;
  const std::size_t count = find_names(ends.destination, names);
  Verdict verdict{.action = Action::allow,
                  .denied = false,
                  .is_final = true,
                  .evidence = Evidence::dns,
                  .reason = Reason::permitted,
                  .rule = allowlist_->match(ends.destination, ends.destination_port, now_ms)};
  if (verdict.rule) verdict.evidence = Evidence::ip;
  if (count == 1 && !verdict.rule) {
    verdict.rule = allowlist_->match({.name = names[0], .port = ends.destination_port}, now_ms);
  }
  observer_.on_resumed({.verdict = verdict,
                        .protocol = ends.protocol,
                        .source = ends.source,
                        .source_port = ends.source_port,
                        .destination = ends.destination,
                        .destination_port = ends.destination_port,
                        .host = count == 1 ? names[0] : std::string_view(),
                        .candidates = std::span(names).first(count),
                        .dns_only = false,
                        .uid = settings_.plan.user.uid(),
                        .time_ms = now_ms});
}

std::size_t Fence::find_names(const IpAddress& address, std::span<std::string_view> names) const {
  std::size_t count = 0;
  addresses_.find_name(address, reactor_.unix_ms(), [&](std::string_view name) {
    names[count++] = name;
    return count == names.size();
  });
  return count;
}

void Fence::on_connection_end(const ConntrackEntry& entry) noexcept {
  const std::uint32_t mark = entry.mark & kMarkMask;
  const SocketEnds& ends = entry.ends;
  if (mark == kMarkMidway) return;
  ++ends_;
  const bool is_loopback = address_class(ends.destination) == AddressClass::loopback;
  std::array<std::string_view, 2> names;
  const std::size_t count = find_names(ends.destination, names);
  observer_.on_end({.ends = ends,
                    .host = count == 1 ? names[0] : std::string_view(),
                    .is_counted = entry.up.has_value() && entry.down.has_value(),
                    .bytes_up = signed_bytes(entry.up),
                    .bytes_down = signed_bytes(entry.down),
                    .duration_ms = conntrack_.duration_ms(entry),
                    .is_doubtful = is_loopback || !is_allowed_mark(mark)});
}

void Fence::report_lost_ends() {
  const std::uint64_t lost = connection_ends_->lost();
  if (lost == ends_lost_reported_) return;
  log_.line(Level::error, "egress.ends_lost")
      .number("connections", static_cast<std::int64_t>(lost - ends_lost_reported_))
      .message(
          "connections ended faster than their ends could be read: what some of them carried is "
          "unknown");
  ends_lost_reported_ = lost;
}

}  // namespace picortex
