// Connections of the fence that open at once: which SYNs need not wait for a verdict, and what is
// made of their copies.
#include <algorithm>
#include <chrono>
#include <utility>

#include "netfilter/fence.h"
#include "netfilter/wire/packet.h"

namespace picortex {
namespace {

// Of one answered address. Others wait in the queue once, and are added then.
constexpr int kPortsMax = 16;
constexpr std::uint16_t kRedirectedPort = 53;  // redirected to the proxy

}  // namespace

// Makes the set, empty, for the user's UIDs of now. Without it every SYN waits for its verdict.
void Fence::open_openings() {
  openings_.reset();
  openings_turned_away_reported_ = 0;
  if (!opening_log_) {
    auto log = OpeningLog::open(OpeningLog::CopyCallback::to<&Fence::on_opening>(*this));
    if (!log) return close_openings(log.error());
    opening_log_ = std::move(*log);
  }
  auto set = OpeningSet::open(settings_.plan.user);
  if (!set) return close_openings(set.error());
  openings_ = std::move(*set);
}

void Fence::close_openings(const Error& error) {
  openings_.reset();
  log_.line(Level::warn, "egress.openings_wait")
      .message(error.what +
               "; until the allowlist is read again, every connection waits for a verdict when it "
               "is opened as well");
}

// After a change of the rules: what they still lead to is added again as it is used.
void Fence::renew_openings() {
  if (!openings_) return open_openings();
  if (auto cleared = openings_->clear(); !cleared) close_openings(cleared.error());
}

void Fence::offer_answer(const HostName& name, const IpAddress& address) noexcept {
  if (!openings_) return;
  const std::int64_t now_ms = reactor_.unix_ms();
  int ports = 0;
  allowlist_->find_port(name.view(), [&](std::uint16_t port) {
    Packet syn;
    syn.protocol = kProtocolTcp;
    syn.destination = address;
    syn.destination_port = port;
    if (!openings_->contains(address, port, reactor_.now())) {
      offer_opening(syn, judge_opening(policy(), PacketStatus::whole, syn, now_ms));
    }
    return ++ports == kPortsMax;
  });
}

// Adds where the SYN leads to if such a SYN passes, undecided, by a rule without an upload budget:
// for as long as both the rule and what was answered are valid.
void Fence::offer_opening(const Packet& syn, const Verdict& verdict) {
  if (!openings_ || verdict.action != Action::pass || verdict.denied || !verdict.rule) return;
  const IpAddress& address = syn.destination;
  if (syn.destination_port == kRedirectedPort ||
      openings_->contains(address, syn.destination_port, reactor_.now()) ||
      upload_of(*verdict.rule)) {
    return;
  }
  const std::int64_t until_ms = std::min(addresses_.valid_until_ms(address, verdict.host.view()),
                                         allowlist_->rules()[*verdict.rule].expires_ms);
  openings_->add(address, syn.destination_port,
                 std::chrono::milliseconds(until_ms - reactor_.unix_ms()), reactor_.now());
}

// After the iteration's verdicts and answers: a SYN that is faster waits in the queue.
void Fence::send_openings() noexcept {
  if (!openings_) return;
  if (auto sent = openings_->send(); !sent) close_openings(sent.error());
}

void Fence::on_packets() noexcept {
  if (opening_log_) opening_log_->drain();
}

// A SYN that has left. A verdict that would have kept it, or settled its connection, settles what
// the connection sends.
void Fence::on_opening(const QueuedPacket& copy) noexcept {
  Packet syn;
  const PacketStatus status = parse_packet(copy.bytes, syn);
  if (status != PacketStatus::whole || !syn.opens_connection()) return;
  Verdict verdict;
  judge_packet(verdict, status, syn, copy);
  if (verdict.action != Action::pass && verdict.action != Action::judge) {
    flows_.settle(syn, verdict, reactor_.unix_ms());
  }
  // From here on SYNs wait again, until one of them may pass.
  if (verdict.reason == Reason::connection_rate_limited && openings_ && openings_->size() > 0) {
    renew_openings();
  }
}

void Fence::report_lost_openings() {
  if (openings_) {
    openings_->prune(reactor_.now());
    const std::uint64_t turned_away = openings_->turned_away();
    if (turned_away != 0 && std::exchange(openings_turned_away_reported_, turned_away) == 0) {
      log_.line(Level::warn, "egress.openings_full")
          .message(
              "the kernel's set is full: connections to other addresses wait for a verdict when "
              "they are opened as well");
    }
  }
  if (!opening_log_) return;
  const std::uint64_t lost = opening_log_->lost();
  if (lost == openings_lost_reported_) return;
  log_.line(Level::error, "egress.openings_lost")
      .number("connections", static_cast<std::int64_t>(lost - openings_lost_reported_))
      .message(
          "copies of SYNs found the socket full: their connections are denied (untracked_flow)");
  openings_lost_reported_ = lost;
}

}  // namespace picortex
