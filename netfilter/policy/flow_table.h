#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <unordered_map>
#include <vector>

#include "netfilter/policy/flow.h"
#include "netfilter/policy/verdict.h"

namespace picortex {

// A flow that was settled without a packet of its own.
struct FlowEnd {
  FlowKey key;
  Verdict verdict;
};

// The fenced user's TCP connections that the kernel has not taken over: those that have still to
// show a name, those of TLS until the kernel has seen the server's hello (it does not report that: they
// stay for a while), and HTTP connections, whose every request has to name its host. Pieces of a
// hello pass as they arrive (held back, they would never be followed by the rest); the packet that
// completes it gets the verdict. It must see each SYN: only that shows where a connection's bytes
// begin, and a hello in mid-stream proves nothing. A segment after one that the queue has lost is
// dropped: pieces pass in order only. The owner must pass each queued packet once, in the queue's
// order, and the copy of a SYN that has left ahead of its connection's other packets.
//
//   stage       entered by                                        for          then
//   opening     a SYN that may pass                               kIdleMs      removed
//   learning    a SYN that only learn mode lets pass              kLearningMs  reported, removed
//   showing     incomplete data of a hello or a request head      kShowingMs   ended: too_slow
//   judged      a hello that was allowed                          kJudgedMs    removed
//   inspecting  an HTTP request that was allowed, or data that    kIdleMs      removed
//               has followed a hello
//   ended       a verdict that denied it (also where its          kEndedMs     removed
//               beginning was not seen), or handed it over to
//               the kernel, or settle(); its later packets
//               get the same
//
// A segment with data moves a flow from any stage but ended to showing, judged, inspecting or
// ended; one without data moves none, nor does more of the same hello or head restart kShowingMs. A
// SYN with another first byte starts the flow again.
//
// Bounded: at most kFlowsMax flows and kMemoryMax bytes. When it is full, the oldest of the first
// of these stages is removed: ended, judged, learning, opening, showing, inspecting. All but the
// first two are reported as flow_table_full.
class FlowTable {
 public:
  static constexpr std::size_t kFlowsMax = 4096;
  static constexpr std::size_t kMemoryMax = 16 << 20;
  static constexpr std::int64_t kShowingMs = 3'000;      // from the first byte to the name
  static constexpr std::int64_t kLearningMs = 60'000;    // from the SYN to the first byte
  static constexpr std::int64_t kIdleMs = 2 * 3600'000;  // preconnected, or between two requests
  static constexpr std::int64_t kJudgedMs = 120'000;     // between two segments of a handshake
  static constexpr std::int64_t kEndedMs = 60'000;       // a denial is repeated for so long

  FlowTable();

  // Returns the verdict on one packet of the fenced user. Appends flows that had to make room to
  // `ended`.
  Verdict decide(const EgressPolicy& policy, PacketStatus status, const Packet& packet,
                 std::int64_t now_ms, std::vector<FlowEnd>& ended);

  // Notes that the owner has denied a packet for a reason of its own: its connection is over, and
  // later packets of it get the same. Returns false if a denial has ended the connection before: this
  // one repeats it, and is not final.
  bool deny(const Packet& packet, const Verdict& verdict, std::int64_t now_ms);

  // Notes the verdict on a SYN that has left before it was judged: the connection's later packets
  // get the same.
  void settle(const Packet& syn, const Verdict& verdict, std::int64_t now_ms);

  // Ends flows that timed out; appends those that a verdict settles to `ended`. Call it about once
  // a second.
  void expire(EgressMode mode, std::int64_t now_ms, std::vector<FlowEnd>& ended);

  std::size_t size() const noexcept { return flows_.size(); }
  std::size_t memory_size() const noexcept { return memory_size_; }

 private:
  enum class Stage : std::uint8_t { opening, learning, showing, judged, inspecting, ended };
  static constexpr std::size_t kStages = 6;

  struct Entry {
    Flow flow;
    Stage stage = Stage::opening;
    std::int64_t deadline_ms = 0;
  };
  using EntryList = std::list<Entry>;

  struct KeyHash {
    std::size_t operator()(const FlowKey& key) const noexcept;
  };

  Verdict take_urgent(const EgressPolicy& policy, const Packet& packet, std::int64_t now_ms);
  Verdict open(const EgressPolicy& policy, const Packet& packet, std::int64_t now_ms,
               std::vector<FlowEnd>& ended);
  Verdict feed(const EgressPolicy& policy, EntryList::iterator entry, const Packet& packet,
               std::int64_t now_ms);
  Verdict read(const EgressPolicy& policy, Flow& flow, const Packet& packet, std::int64_t now_ms);

  void end(EntryList::iterator entry, const Verdict& verdict, std::int64_t now_ms);
  void place(EntryList::iterator entry, Stage stage, std::int64_t now_ms);
  void remember(const Packet& packet, const Verdict& verdict, std::int64_t now_ms);
  void make_room(EgressMode mode, std::vector<FlowEnd>& ended);
  void remove(EntryList::iterator entry);
  EntryList& entries_in(Stage stage) noexcept { return stages_[static_cast<std::size_t>(stage)]; }

  std::array<EntryList, kStages> stages_;  // each in the order of its deadlines
  std::unordered_map<FlowKey, EntryList::iterator, KeyHash> flows_;
  std::size_t memory_size_ = 0;  // of all flows
  std::vector<std::uint8_t> scratch_;
};

}  // namespace picortex
