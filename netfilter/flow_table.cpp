#include "netfilter/flow_table.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace picortex {
namespace {

constexpr std::int64_t kStageMs[] = {FlowTable::kOpeningMs, FlowTable::kShowingMs,
                                     FlowTable::kInspectingMs, FlowTable::kEndedMs};

// What enforce mode decided, as the mode that is on has it.
Verdict in_mode(Verdict verdict, EgressMode mode) noexcept {
  if (verdict.refused && mode == EgressMode::learn) verdict.action = Action::allow;
  return verdict;
}

FlowKey key_of(const Packet& packet) noexcept {
  return {packet.source, packet.destination, packet.source_port, packet.destination_port};
}

}  // namespace

FlowTable::FlowTable() : scratch_(kTlsHelloSizeMax) { flows_.reserve(kFlowsMax); }

std::size_t FlowTable::KeyHash::operator()(const FlowKey& key) const noexcept {
  const std::size_t ports = std::size_t{key.source_port} << 16 | key.destination_port;
  return (IpAddressHash{}(key.source) * 31 + IpAddressHash{}(key.destination)) * 31 + ports;
}

Verdict FlowTable::decide(const EgressPolicy& policy, PacketStatus status, const Packet& packet,
                          std::int64_t now_ms, std::vector<FlowEnd>& ended) {
  if (policy.mode == EgressMode::off) {
    return {
        .action = Action::allow, .refused = false, .is_final = false, .reason = Reason::permitted};
  }
  if (status != PacketStatus::whole || packet.protocol != kProtocolTcp) {
    return in_mode(judge_opening(policy, status, packet, now_ms), policy.mode);
  }
  if (packet.opens_connection()) return open(policy, packet, now_ms, ended);
  const auto found = flows_.find(key_of(packet));
  if (found != flows_.end()) return feed(policy, found->second, packet, now_ms);
  return in_mode({.reason = Reason::not_followed}, policy.mode);
}

Verdict FlowTable::open(const EgressPolicy& policy, const Packet& packet, std::int64_t now_ms,
                        std::vector<FlowEnd>& ended) {
  const FlowKey key = key_of(packet);
  const std::uint32_t first_byte = packet.tcp_sequence + 1;
  if (const auto known = flows_.find(key); known != flows_.end()) {
    if (known->second->first_byte == first_byte) {
      return feed(policy, known->second, packet, now_ms);  // the SYN once more
    }
    remove(known->second);
  }
  const Verdict verdict = judge_opening(policy, PacketStatus::whole, packet, now_ms);
  // To learn what enforce mode refuses, follow it until it shows its name.
  const bool learns = verdict.refused && policy.mode == EgressMode::learn;
  if (verdict.action != Action::pass && !learns) return verdict;

  make_room(policy.mode, ended);
  auto& opening = flows_in(Stage::opening);
  const auto flow = opening.emplace(opening.end(), key, first_byte, verdict);
  flows_.emplace(key, flow);
  place(flow, Stage::opening, now_ms);
  return feed(policy, flow, packet, now_ms);
}

Verdict FlowTable::feed(const EgressPolicy& policy, FlowList::iterator flow, const Packet& packet,
                        std::int64_t now_ms) {
  if (flow->stage == Stage::ended) {
    // Packets that stood in the queue behind the one that settled it.
    Verdict repeated = flow->opening;
    repeated.is_final = false;
    return repeated;
  }
  if (packet.payload.empty()) return pending(*flow);
  Verdict verdict;
  if (flow->stage == Stage::showing && now_ms >= flow->deadline_ms) {
    verdict = refusal(*flow, Reason::too_slow);
  } else {
    memory_size_ -= flow->stream.memory_size();
    verdict = read(policy, *flow, packet, now_ms);
    memory_size_ += flow->stream.memory_size();
  }
  verdict = in_mode(verdict, policy.mode);
  if (verdict.action != Action::pass) {
    end(flow, verdict, now_ms);
  } else if ((flow->is_http || flow->has_said_hello) && flow->stream.empty()) {
    place(flow, Stage::inspecting, now_ms);
  } else if (flow->stage != Stage::showing) {
    place(flow, Stage::showing, now_ms);
  }
  return verdict;
}

Verdict FlowTable::read(const EgressPolicy& policy, Flow& flow, const Packet& packet,
                        std::int64_t now_ms) {
  const std::uint32_t sequence = packet.tcp_sequence + ((packet.tcp_flags & kTcpSyn) != 0 ? 1 : 0);
  // What comes in order and complete, as nearly all does, is read in the packet and never copied.
  const bool in_place = flow.stream.empty() && sequence == flow.stream.base();
  std::span<const std::uint8_t> bytes = packet.payload;
  if (!in_place) {
    const Verdict held = hold(flow, sequence, bytes);
    if (held.refused) return held;
    bytes = flow.stream.contiguous();
  }
  if (bytes.empty()) return pending(flow);

  Verdict verdict = pending(flow);
  std::size_t used = 0;
  if (!flow.is_http && !flow.has_said_hello) used = read_tls(policy, flow, bytes, now_ms, verdict);
  if (flow.has_said_hello) {
    used += read_tls_answer(policy, flow, bytes.subspan(used), now_ms, verdict);
  }
  if (flow.is_http) used = read_http(policy, flow, bytes, now_ms, verdict);
  if (verdict.action != Action::pass) return verdict;
  if (!in_place) {
    flow.stream.consume(used);
    return verdict;
  }
  flow.stream.skip(static_cast<std::uint32_t>(used));
  if (used == bytes.size()) return verdict;
  const Verdict held = hold(flow, flow.stream.base(), bytes.subspan(used));
  return held.refused ? held : verdict;
}

// Keeps bytes for later: a refusal when they do not fit, else pending.
Verdict FlowTable::hold(Flow& flow, std::uint32_t sequence,
                        std::span<const std::uint8_t> bytes) const {
  if (memory_size_ + flow.stream.memory_size() + bytes.size() > kMemoryMax) {
    return refusal(flow, Reason::crowded_out);
  }
  switch (flow.stream.add(sequence, bytes)) {
    case Stream::Added::ok:
      return pending(flow);
    case Stream::Added::conflict:
      return refusal(flow, Reason::contradiction);
    case Stream::Added::too_long:
    case Stream::Added::too_many_gaps:
      break;
  }
  return refusal(flow, Reason::too_long);
}

std::size_t FlowTable::read_tls(const EgressPolicy& policy, Flow& flow,
                                std::span<const std::uint8_t> bytes, std::int64_t now_ms,
                                Verdict& verdict) {
  TlsHello hello;
  switch (flow.tls.read(bytes, scratch_, hello)) {
    case TlsHelloStatus::need_more:
      return 0;
    case TlsHelloStatus::not_tls:
      flow.is_http = true;
      return 0;
    case TlsHelloStatus::server_name:
      verdict = judge_name(policy, Evidence::sni, hello.server_name, flow.key.destination,
                           flow.key.destination_port, now_ms);
      break;
    case TlsHelloStatus::no_name:
      verdict = refusal(flow, Reason::no_name);
      break;
    case TlsHelloStatus::malformed:
      verdict = refusal(flow, Reason::not_understood);
      break;
    case TlsHelloStatus::too_long:
      verdict = refusal(flow, Reason::too_long);
      break;
  }
  if (verdict.refused) return 0;
  if (hello.has_encrypted_hello || hello.has_early_data) {
    verdict = refusal(flow, Reason::hidden_name);
    return 0;
  }
  // The second hello, if this was one, is the last.
  if (flow.has_said_hello || !hello.may_be_repeated) return 0;
  flow.has_said_hello = true;
  verdict.action = Action::pass;
  return std::exchange(flow.tls, {}).size();
}

// Behind a hello that was admitted: a server may have asked for a second one, whose name counts
// then. Other than that, and what may stand ahead of it, only what follows the server's own hello
// can come: the matter is settled.
std::size_t FlowTable::read_tls_answer(const EgressPolicy& policy, Flow& flow,
                                       std::span<const std::uint8_t> bytes, std::int64_t now_ms,
                                       Verdict& verdict) {
  std::size_t used = 0;
  while (true) {
    const auto rest = bytes.subspan(used);
    std::size_t size = 0;
    const TlsRecord record = judge_tls_record(rest, size);
    if (record == TlsRecord::need_more) return used;
    if (record == TlsRecord::filler && ++flow.records_skipped <= kRecordsSkippedMax) {
      used += size;
      continue;
    }
    if (record == TlsRecord::answer) {
      verdict.action = Action::allow;
      verdict.reason = Reason::permitted;
    } else if (record == TlsRecord::hello) {
      read_tls(policy, flow, rest, now_ms, verdict);
    } else {
      verdict = refusal(flow, Reason::not_understood);
    }
    if (verdict.action == Action::allow) verdict.is_final = false;  // the first hello was
    return used;
  }
}

// Reads heads and skips bodies until one is incomplete; gives the bytes that are done with. An
// admitted request leaves the connection undecided, since the next may be for another host.
std::size_t FlowTable::read_http(const EgressPolicy& policy, Flow& flow,
                                 std::span<const std::uint8_t> bytes, std::int64_t now_ms,
                                 Verdict& verdict) {
  std::size_t used = 0;
  while (used < bytes.size()) {
    const auto rest = bytes.subspan(used);
    if (flow.body_left > 0) {
      const auto skipped = std::min<std::uint64_t>(flow.body_left, rest.size());
      flow.body_left -= skipped;
      used += static_cast<std::size_t>(skipped);
      continue;
    }
    HttpHead head;
    const HttpHeadStatus status = flow.http.read(rest, head);
    if (status == HttpHeadStatus::need_more) break;
    const std::uint16_t port = flow.key.destination_port;
    if (status == HttpHeadStatus::none) {
      verdict = refusal(flow, Reason::no_name);
    } else if (status == HttpHeadStatus::malformed || (head.port != 0 && head.port != port)) {
      verdict = refusal(flow, Reason::not_understood);
    } else {
      verdict =
          judge_name(policy, Evidence::http_host, head.host, flow.key.destination, port, now_ms);
    }
    if (verdict.refused) break;
    verdict.action = Action::pass;
    used += head.head_size;
    flow.body_left = head.content_size;
    flow.http = {};
  }
  return used;
}

void FlowTable::expire(EgressMode mode, std::int64_t now_ms, std::vector<FlowEnd>& ended) {
  for (FlowList& flows : stages_) {
    while (!flows.empty() && flows.front().deadline_ms <= now_ms) {
      const auto flow = flows.begin();
      if (flow->stage == Stage::showing) {
        const Verdict verdict = in_mode(refusal(*flow, Reason::too_slow), mode);
        ended.push_back({flow->key, verdict});
        end(flow, verdict, now_ms);
        continue;
      }
      if (flow->stage == Stage::opening && flow->opening.refused) {
        ended.push_back({flow->key, in_mode(flow->opening, mode)});
      }
      remove(flow);
    }
  }
}

void FlowTable::make_room(EgressMode mode, std::vector<FlowEnd>& ended) {
  if (flows_.size() < kFlowsMax) return;
  for (const Stage stage : {Stage::ended, Stage::opening, Stage::showing, Stage::inspecting}) {
    if (flows_in(stage).empty()) continue;
    const auto oldest = flows_in(stage).begin();
    if (stage != Stage::ended) {
      ended.push_back({oldest->key, in_mode(refusal(*oldest, Reason::crowded_out), mode)});
    }
    remove(oldest);
    return;
  }
}

void FlowTable::end(FlowList::iterator flow, const Verdict& verdict, std::int64_t now_ms) {
  memory_size_ -= flow->stream.memory_size();
  flow->stream = Stream(flow->first_byte);
  flow->opening = verdict;
  place(flow, Stage::ended, now_ms);
}

void FlowTable::place(FlowList::iterator flow, Stage stage, std::int64_t now_ms) {
  FlowList& to = flows_in(stage);
  to.splice(to.end(), flows_in(flow->stage), flow);
  flow->stage = stage;
  flow->deadline_ms = now_ms + kStageMs[static_cast<std::size_t>(stage)];
}

void FlowTable::remove(FlowList::iterator flow) {
  memory_size_ -= flow->stream.memory_size();
  flows_.erase(flow->key);
  flows_in(flow->stage).erase(flow);
}

Verdict FlowTable::pending(const Flow& flow) noexcept {
  return {.action = Action::pass,
          .refused = false,
          .is_final = false,
          .evidence = flow.opening.evidence,
          .reason = Reason::undecided,
          .host = flow.opening.host,
          .rule = flow.opening.rule};
}

// What the SYN was refused for comes first: in learn mode the flow goes on although it was.
Verdict FlowTable::refusal(const Flow& flow, Reason reason) noexcept {
  if (flow.opening.refused) return flow.opening;
  return {.evidence = flow.opening.evidence, .reason = reason, .host = flow.opening.host};
}

}  // namespace picortex
