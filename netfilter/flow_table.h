#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <unordered_map>
#include <vector>

#include "netfilter/http_host.h"
#include "netfilter/stream.h"
#include "netfilter/tls_hello.h"
#include "netfilter/verdict.h"

namespace picortex {

// A TCP connection as its client's packets name it.
struct FlowKey {
  IpAddress source;
  IpAddress destination;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;

  bool operator==(const FlowKey&) const = default;
};

// A flow that was settled without a packet of its own.
struct FlowEnd {
  FlowKey key;
  Verdict verdict;
};

// The fenced user's TCP connections that are not the kernel's yet: those that have still to show a
// name, those of TLS 1.3 until they have shown that no second hello follows the first, and HTTP
// connections, whose every request has to name its host. Pieces of a hello pass as they come (held
// back, they would never be followed by the rest); the packet that completes it gets the verdict.
// It must see each SYN: only that tells where a connection's bytes begin, and a hello in mid-stream
// proves nothing. Whoever owns it hands it each queued packet once, in the queue's order.
//
// Bounded: kFlowsMax flows and kMemoryMax bytes held; the oldest flow is refused when it is full.
class FlowTable {
 public:
  static constexpr std::size_t kFlowsMax = 4096;
  static constexpr std::size_t kMemoryMax = 16 << 20;
  static constexpr std::int64_t kShowingMs = 3'000;       // from the first byte to the name
  static constexpr std::int64_t kOpeningMs = 60'000;      // from the SYN to the first byte
  static constexpr std::int64_t kInspectingMs = 300'000;  // between packets, once a name was shown
  static constexpr int kRecordsSkippedMax = 4;            // between two hellos
  static constexpr std::int64_t kEndedMs = 60'000;        // a refusal is repeated for so long

  FlowTable();

  // The verdict on one packet of the fenced user. Appends to `ended` what had to make room.
  Verdict decide(const EgressPolicy& policy, PacketStatus status, const Packet& packet,
                 std::int64_t now_ms, std::vector<FlowEnd>& ended);

  // Ends flows whose time is up; appends those that a verdict settles to `ended`. To be called
  // about once a second.
  void expire(EgressMode mode, std::int64_t now_ms, std::vector<FlowEnd>& ended);

  std::size_t size() const noexcept { return flows_.size(); }
  std::size_t memory_size() const noexcept { return memory_size_; }

 private:
  enum class Stage : std::uint8_t { opening, showing, inspecting, ended };
  static constexpr std::size_t kStages = 4;

  struct Flow {
    Flow(const FlowKey& flow_key, std::uint32_t base, const Verdict& verdict)
        : key(flow_key), first_byte(base), opening(verdict), stream(base) {}

    FlowKey key;
    std::uint32_t first_byte;  // its sequence number
    Stage stage = Stage::opening;
    std::int64_t deadline_ms = 0;
    Verdict opening;  // on the SYN; once the stage is `ended`, the verdict that ended it
    Stream stream;
    TlsHelloReader tls;
    HttpHeadReader http;
    bool is_http = false;
    bool has_said_hello = false;  // TLS 1.3, and its name was admitted
    int records_skipped = 0;
    std::uint64_t body_left = 0;  // bytes of the HTTP request's body still to come
  };
  using FlowList = std::list<Flow>;

  struct KeyHash {
    std::size_t operator()(const FlowKey& key) const noexcept;
  };

  Verdict open(const EgressPolicy& policy, const Packet& packet, std::int64_t now_ms,
               std::vector<FlowEnd>& ended);
  Verdict feed(const EgressPolicy& policy, FlowList::iterator flow, const Packet& packet,
               std::int64_t now_ms);
  Verdict read(const EgressPolicy& policy, Flow& flow, const Packet& packet, std::int64_t now_ms);
  // The readers give the bytes that are done with; the verdict stays pending when they need more.
  std::size_t read_tls(const EgressPolicy& policy, Flow& flow, std::span<const std::uint8_t> bytes,
                       std::int64_t now_ms, Verdict& verdict);
  std::size_t read_tls_answer(const EgressPolicy& policy, Flow& flow,
                              std::span<const std::uint8_t> bytes, std::int64_t now_ms,
                              Verdict& verdict);
  std::size_t read_http(const EgressPolicy& policy, Flow& flow, std::span<const std::uint8_t> bytes,
                        std::int64_t now_ms, Verdict& verdict);
  Verdict hold(Flow& flow, std::uint32_t sequence, std::span<const std::uint8_t> bytes) const;

  void end(FlowList::iterator flow, const Verdict& verdict, std::int64_t now_ms);
  void place(FlowList::iterator flow, Stage stage, std::int64_t now_ms);
  void make_room(EgressMode mode, std::vector<FlowEnd>& ended);
  void remove(FlowList::iterator flow);
  FlowList& flows_in(Stage stage) noexcept { return stages_[static_cast<std::size_t>(stage)]; }

  static Verdict pending(const Flow& flow) noexcept;
  static Verdict refusal(const Flow& flow, Reason reason) noexcept;

  std::array<FlowList, kStages> stages_;  // each in the order of its deadlines
  std::unordered_map<FlowKey, FlowList::iterator, KeyHash> flows_;
  std::size_t memory_size_ = 0;  // of all streams
  std::vector<std::uint8_t> scratch_;
};

}  // namespace picortex
