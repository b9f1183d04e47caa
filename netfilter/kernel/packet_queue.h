#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file_descriptor.h"
#include "base/result.h"
#include "netfilter/attribution/denial_hold.h"
#include "netfilter/policy/verdict.h"
#include "reactor/buffer_pool.h"
#include "reactor/operation.h"
#include "reactor/reactor.h"
#include "reactor/record_log.h"

struct nlmsghdr;

namespace picortex {

// A packet that waits in the kernel for its verdict. The bytes are valid during the call only.
struct QueuedPacket {
  std::span<const std::uint8_t> bytes;  // from the IP header on
  std::uint32_t uid = 0;                // kNoUid: its socket was already closed
  static constexpr std::uint32_t kNoUid = 0xffffffff;
  bool is_metered = false;  // data of an allowed connection to a host with an upload budget
};

// The decision on a packet. `bytes`, unless empty, are sent in its place. A packet may refer to
// memory pages that its sender can still write; only a copy is sure to be what was judged. They
// must stay valid until the next call, and the kernel sends them unchanged.
struct Judgement {
  Action action = Action::reject;
  std::span<const std::uint8_t> bytes = {};
  bool may_wait = false;    // a denial whose process is being looked for
  bool is_metered = false;  // from now on the connection's data comes here although it is allowed
  // The judgement is carried out when PacketJudge::state_of() says that this is written; 0: at once.
  std::uint64_t record = 0;
};

// Decides packets. Called once for each packet, in the queue's order.
class PacketJudge {
 public:
  // Called ahead of the packets of an iteration, which were all in the queue by then.
  virtual void on_packets() noexcept = 0;
  virtual Judgement judge(const QueuedPacket& packet) noexcept = 0;
  // Whether the process of some denial is still being looked for.
  virtual bool is_searching() const noexcept = 0;
  // Of the record that a packet waits for.
  virtual RecordLog::State state_of(std::uint64_t record) const noexcept = 0;

 protected:
  ~PacketJudge() = default;
};

// seen = allowed + denied + passed + overrun.
struct QueueStats {
  std::uint64_t seen = 0;
  std::uint64_t allowed = 0;
  std::uint64_t denied = 0;
  std::uint64_t passed = 0;   // pieces that leave their connection undecided
  std::uint64_t overrun = 0;  // dropped by the kernel: the queue or its socket was full
  std::uint64_t late = 0;     // verdicts on packets that had already been dropped
  std::uint64_t waiting = 0;  // in the kernel's queue at the last reading
};

// The kernel's NFQUEUE (nfnetlink_queue), read by the ring and answered at each iteration's end with
// all verdicts of the iteration in one send. A verdict is a mark on the packet, which the firewall's
// rules act on: every packet is accepted here. Never fail-open: what the queue cannot hold is
// dropped. Consecutive denials are one message, which to the kernel means all waiting packets up to
// the last of them; only denials are combined.
//
// A few denials wait while their processes are searched for (DenialHold); later packets of their
// connections wait with them. A flood has more than a few, and is denied at once.
//
// A packet whose judgement has a record waits until that is written, and so does a denial, which must
// not end the connection before what was counted has left. If the record is lost, or too many packets
// wait already, one that was to leave is dropped: TCP sends it again, and it is judged as things are
// then. While some wait, no denials are combined.
//
// The work of one iteration is bounded by the number of buffers: none returns to the kernel's receive
// before the iteration's completions are processed, since completions arrive only while the loop
// waits.
class PacketQueue {
 public:
  static constexpr std::uint32_t kPacketsMax = 4096;  // that wait in the kernel
  // Of packets that wait for a record, and of their bytes that are not the kernel's.
  static constexpr std::size_t kUnrecordedMax = 1024;
  static constexpr std::size_t kUnrecordedBytesMax = 8 << 20;

  // Binds the queue `number`. `judge` and `reactor` must outlive this object. Adds a hook to the
  // reactor's iterations, before the others: verdicts do not wait for the store.
  static Result<std::unique_ptr<PacketQueue>> open(Reactor& reactor, std::uint16_t number,
                                                   PacketJudge& judge);
  ~PacketQueue();

  void start();
  // Ends the receive; is_idle() reports when it has ended. Packets queued after that are passed on
  // to the rules' denial as soon as the object is destroyed.
  void stop();
  bool is_idle() const noexcept { return !receive_.in_flight(); }

  const QueueStats& stats() const noexcept { return stats_; }

 private:
  PacketQueue(Reactor& reactor, std::uint16_t number, PacketJudge& judge, FileDescriptor socket,
              BufferPool pool, std::string early);

  void on_receive(const Completion& completion) noexcept;
  void receive_next();
  void take_all(std::span<const char> messages) noexcept;
  void take(const nlmsghdr* message) noexcept;
  void give(std::uint32_t id, std::uint32_t mark, std::span<const std::uint8_t> bytes);
  bool hold(std::uint32_t id, std::uint32_t mark, bool may_wait);
  void release_held() noexcept;
  void count(Action action) noexcept;
  void wait_for_record(std::uint32_t id, std::uint32_t mark, const Judgement& judgement);
  void release_recorded() noexcept;
  void end_denials();
  void append_verdict(int type, std::uint32_t id, std::uint32_t mark,
                      std::span<const std::uint8_t> bytes);
  void send_verdicts() noexcept;
  void on_look() noexcept;
  void read_overruns() noexcept;

  Reactor& reactor_;
  std::uint16_t number_;
  PacketJudge& judge_;
  FileDescriptor socket_;
  BufferPool pool_;
  std::string early_;     // messages that arrived while the queue was being set up
  std::string verdicts_;  // messages of this iteration, in sequence
  // Denials that have not been added yet.
  struct {
    std::uint32_t count = 0;
    std::uint32_t last_id = 0;
    std::uint32_t mark = 0;
  } denials_;
  struct Held {
    std::uint32_t id;
    std::uint32_t mark;
  };
  std::vector<Held> held_;  // denials, in the order of their IDs
  DenialHold denial_hold_;
  struct Unrecorded {
    std::uint32_t id;
    std::uint32_t mark;
    Action action;
    bool may_wait;
    std::uint64_t record;
    std::vector<std::uint8_t> bytes;
  };
  std::vector<Unrecorded> unrecorded_;
  std::size_t unrecorded_bytes_ = 0;
  QueueStats stats_;
  bool has_packets_ = false;  // in this iteration
  bool stopping_ = false;
  FileDescriptor counters_;
  DeadlineList looks_{std::chrono::seconds(1)};
  Deadline look_ = Deadline::to<&PacketQueue::on_look>(*this);
  Operation receive_ = Operation::to<&PacketQueue::on_receive>(*this);
};

}  // namespace picortex
