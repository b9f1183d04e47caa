#include "netfilter/policy/flow_table.h"

#include <algorithm>

namespace picortex {
namespace {

// In the order of the stages.
constexpr std::int64_t kStageMs[] = {FlowTable::kIdleMs,    FlowTable::kLearningMs,
                                     FlowTable::kShowingMs, FlowTable::kJudgedMs,
                                     FlowTable::kIdleMs,    FlowTable::kEndedMs};

// Converts the decision of enforce mode to the mode in force.
Verdict in_mode(Verdict verdict, EgressMode mode) noexcept {
  if (verdict.denied && mode == EgressMode::learn) verdict.action = Action::allow;
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
        .action = Action::allow, .denied = false, .is_final = false, .reason = Reason::permitted};
  }
  if (status == PacketStatus::urgent) return take_urgent(policy, packet, now_ms);
  if (status != PacketStatus::whole || packet.protocol != kProtocolTcp) {
    return in_mode(judge_opening(policy, status, packet, now_ms), policy.mode);
  }
  // Only a SYN makes an entry: it alone shows where the connection's bytes begin.
  if (packet.opens_connection()) return open(policy, packet, now_ms, ended);
  const auto found = flows_.find(key_of(packet));
  if (found != flows_.end()) return feed(policy, found->second, packet, now_ms);
  // Hidden from everybody but the peer: a port on which the user listens looks closed.
  if (packet.accepts_connection()) return {.action = Action::close, .is_final = false};
  const Verdict verdict = in_mode({.reason = Reason::untracked_flow}, policy.mode);
  if (verdict.action == Action::reject) remember(packet, verdict, now_ms);
  return verdict;
}

// Segments of its connection may wait in the queue after it, which must not pass.
Verdict FlowTable::take_urgent(const EgressPolicy& policy, const Packet& packet,
                               std::int64_t now_ms) {
  Verdict verdict =
      in_mode(judge_opening(policy, PacketStatus::urgent, packet, now_ms), policy.mode);
  if (verdict.action == Action::reject) verdict.is_final = deny(packet, verdict, now_ms);
  return verdict;
}

bool FlowTable::deny(const Packet& packet, const Verdict& verdict, std::int64_t now_ms) {
  const auto found = flows_.find(key_of(packet));
  if (found == flows_.end()) {
    // What a denied SYN would have opened sends nothing else: it has not left.
    if (!packet.opens_connection()) remember(packet, verdict, now_ms);
    return true;
  }
  const EntryList::iterator entry = found->second;
  const bool is_denied =
      entry->stage == Stage::ended && entry->flow.opening().action == Action::reject;
  if (!is_denied) end(entry, verdict, now_ms);
  return !is_denied;
}

void FlowTable::settle(const Packet& syn, const Verdict& verdict, std::int64_t now_ms) {
  const auto found = flows_.find(key_of(syn));
  if (found == flows_.end()) return remember(syn, verdict, now_ms);
  end(found->second, verdict, now_ms);
}

// A connection that is not followed. It makes room among its like alone: the user can name as many
// as it likes.
void FlowTable::remember(const Packet& packet, const Verdict& verdict, std::int64_t now_ms) {
  auto& entries = entries_in(Stage::ended);
  if (flows_.size() >= kFlowsMax) {
    if (entries.empty()) return;
    remove(entries.begin());
  }
  const FlowKey key = key_of(packet);
  const std::uint32_t first_byte = packet.tcp_sequence + (packet.opens_connection() ? 1 : 0);
  const auto entry = entries.insert(
      entries.end(), {.flow = Flow(key, first_byte, verdict), .stage = Stage::ended});
  flows_.emplace(key, entry);
  place(entry, Stage::ended, now_ms);
}

Verdict FlowTable::open(const EgressPolicy& policy, const Packet& packet, std::int64_t now_ms,
                        std::vector<FlowEnd>& ended) {
  const FlowKey key = key_of(packet);
  const std::uint32_t first_byte = packet.tcp_sequence + 1;
  if (const auto known = flows_.find(key); known != flows_.end()) {
    if (known->second->flow.first_byte() == first_byte) {
      return feed(policy, known->second, packet, now_ms);  // the SYN again
    }
    // Another SYN on the same ports is a new connection, and the old one is over.
    remove(known->second);
  }
  const Verdict verdict = judge_opening(policy, PacketStatus::whole, packet, now_ms);
  // To learn what enforce mode denies, follow it until it shows its name.
  const bool learns = verdict.denied && policy.mode == EgressMode::learn;
  // Allowed or denied by its address: there is nothing to follow.
  if (verdict.action != Action::pass && !learns) return verdict;

  make_room(policy.mode, ended);
  const Stage stage = learns ? Stage::learning : Stage::opening;
  auto& entries = entries_in(stage);
  const auto entry =
      entries.insert(entries.end(), {.flow = Flow(key, first_byte, verdict), .stage = stage});
  flows_.emplace(key, entry);
  place(entry, stage, now_ms);
  return feed(policy, entry, packet, now_ms);
}

Verdict FlowTable::feed(const EgressPolicy& policy, EntryList::iterator entry, const Packet& packet,
                        std::int64_t now_ms) {
  Flow& flow = entry->flow;
  if (entry->stage == Stage::ended) {
    // Packets that were in the queue after the one that settled it.
    Verdict repeated = flow.opening();
    repeated.is_final = false;
    return repeated;
  }
  if (packet.payload.empty()) {
    Verdict verdict = flow.pending();
    // A retransmitted SYN, without the data that the first one had: it removed the mark.
    if (packet.opens_connection() && flow.is_judged()) verdict.action = Action::judge;
    return verdict;
  }
  // The table expires once a second; a packet in between must not profit from that.
  const bool is_late = entry->stage == Stage::showing && now_ms >= entry->deadline_ms;
  const Verdict verdict = in_mode(
      is_late ? flow.denial(Reason::too_slow) : read(policy, flow, packet, now_ms), policy.mode);
  if (verdict.action == Action::allow || verdict.action == Action::reject) {
    end(entry, verdict, now_ms);
  } else if (flow.has_shown_all()) {
    place(entry, flow.goes_on() ? Stage::inspecting : Stage::judged, now_ms);
  } else if (entry->stage != Stage::showing) {
    place(entry, Stage::showing, now_ms);
  }
  return verdict;
}

Verdict FlowTable::read(const EgressPolicy& policy, Flow& flow, const Packet& packet,
                        std::int64_t now_ms) {
  memory_size_ -= flow.memory_size();
  const std::size_t used = memory_size_ + flow.memory_size();
  const Verdict verdict =
      flow.read(policy, packet, now_ms,
                {.scratch = scratch_, .memory = kMemoryMax - std::min(used, kMemoryMax)});
  memory_size_ += flow.memory_size();
  return verdict;
}

void FlowTable::expire(EgressMode mode, std::int64_t now_ms, std::vector<FlowEnd>& ended) {
  for (EntryList& entries : stages_) {
    while (!entries.empty() && entries.front().deadline_ms <= now_ms) {
      const auto entry = entries.begin();
      const Flow& flow = entry->flow;
      // A name that began and never ended is denied, and reported.
      if (entry->stage == Stage::showing) {
        const Verdict verdict = in_mode(flow.denial(Reason::too_slow), mode);
        ended.push_back({flow.key(), verdict});
        end(entry, verdict, now_ms);
        continue;
      }
      if (entry->stage == Stage::learning) {
        ended.push_back({flow.key(), in_mode(flow.opening(), mode)});
      }
      remove(entry);
    }
  }
}

void FlowTable::make_room(EgressMode mode, std::vector<FlowEnd>& ended) {
  if (flows_.size() < kFlowsMax) return;
  for (const Stage stage : {Stage::ended, Stage::judged, Stage::learning, Stage::opening,
                            Stage::showing, Stage::inspecting}) {
    if (entries_in(stage).empty()) continue;
    const auto oldest = entries_in(stage).begin();
    // A connection that was judged belongs to the kernel by now, as far as can be known.
    if (stage != Stage::ended && stage != Stage::judged) {
      const Verdict verdict = in_mode(oldest->flow.denial(Reason::flow_table_full), mode);
      ended.push_back({oldest->flow.key(), verdict});
    }
    remove(oldest);
    return;
  }
}

void FlowTable::end(EntryList::iterator entry, const Verdict& verdict, std::int64_t now_ms) {
  memory_size_ -= entry->flow.memory_size();
  entry->flow.end(verdict);
  place(entry, Stage::ended, now_ms);
}

void FlowTable::place(EntryList::iterator entry, Stage stage, std::int64_t now_ms) {
  EntryList& to = entries_in(stage);
  to.splice(to.end(), entries_in(entry->stage), entry);
  entry->stage = stage;
  entry->deadline_ms = now_ms + kStageMs[static_cast<std::size_t>(stage)];
}

void FlowTable::remove(EntryList::iterator entry) {
  memory_size_ -= entry->flow.memory_size();
  flows_.erase(entry->flow.key());
  entries_in(entry->stage).erase(entry);
}

}  // namespace picortex
