#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "netfilter/verdict.h"
#include "reactor/buffer_pool.h"
#include "reactor/file_descriptor.h"
#include "reactor/operation.h"
#include "reactor/reactor.h"

struct nlmsghdr;

namespace picortex {

// A packet that waits in the kernel for its verdict. The bytes are good during the call only.
struct QueuedPacket {
  std::span<const std::uint8_t> bytes;  // from the IP header on
  std::uint32_t uid = 0;                // kNoUid: its socket was closed already
  static constexpr std::uint32_t kNoUid = 0xffffffff;
};

// Who decides. Called for each packet once, in the queue's order.
class PacketJudge {
 public:
  virtual Action judge(const QueuedPacket& packet) noexcept = 0;

 protected:
  ~PacketJudge() = default;
};

// seen = allowed + refused + passed + overrun.
struct QueueFigures {
  std::uint64_t seen = 0;
  std::uint64_t allowed = 0;
  std::uint64_t refused = 0;
  std::uint64_t passed = 0;   // pieces that leave their connection undecided
  std::uint64_t overrun = 0;  // dropped by the kernel: the queue or its socket was full
  std::uint64_t late = 0;     // verdicts on packets that were gone already
  std::uint64_t waiting = 0;  // in the kernel's queue when it was last looked at
};

// The kernel's NFQUEUE (nfnetlink_queue), read by the ring and answered at each turn's end with all
// verdicts of the turn in one send. A verdict is a mark on the packet, which the firewall's rules
// act on: here every packet is accepted. Never fail-open: what the queue cannot hold is dropped.
// Refusals one behind the other are one message, which to the kernel means all that wait up to the
// last of them; so only refusals are.
//
// The work of one turn is bounded by the number of buffers: none is given back to the kernel's
// receive before the turn's completions are through, since completions come in only while the loop
// waits.
class PacketQueue {
 public:
  static constexpr std::uint32_t kPacketsMax = 4096;  // that wait in the kernel

  // Binds the queue `number`. `judge` and `reactor` outlive it. Adds a hook to the reactor's turns,
  // ahead of the others: verdicts do not wait for the store.
  static Result<std::unique_ptr<PacketQueue>> open(Reactor& reactor, std::uint16_t number,
                                                   PacketJudge& judge);
  ~PacketQueue();

  void start();
  // Ends the receive; is_idle() tells when it has. What is queued after that is passed by to the
  // rules' refusal as soon as the object goes.
  void stop();
  bool is_idle() const noexcept { return !receive_.in_flight(); }

  const QueueFigures& figures() const noexcept { return figures_; }

 private:
  PacketQueue(Reactor& reactor, std::uint16_t number, PacketJudge& judge, FileDescriptor socket,
              BufferPool pool, std::string early);

  void on_receive(const Completion& completion) noexcept;
  void receive_next();
  void take_all(std::span<const char> messages) noexcept;
  void take(const nlmsghdr* message) noexcept;
  void give(std::uint32_t id, std::uint32_t mark);
  void end_refusals();
  void append_verdict(int type, std::uint32_t id, std::uint32_t mark);
  void send_verdicts() noexcept;
  void on_look() noexcept;
  void read_overruns() noexcept;

  Reactor& reactor_;
  std::uint16_t number_;
  PacketJudge& judge_;
  FileDescriptor socket_;
  BufferPool pool_;
  std::string early_;     // messages that came while the queue was being set up
  std::string verdicts_;  // messages of this turn, one behind the other
  // Refusals that are not among them yet.
  struct {
    std::uint32_t count = 0;
    std::uint32_t last_id = 0;
    std::uint32_t mark = 0;
  } refusals_;
  QueueFigures figures_;
  bool stopping_ = false;
  FileDescriptor counters_;
  DeadlineList looks_{std::chrono::seconds(1)};
  Deadline look_ = Deadline::to<&PacketQueue::on_look>(*this);
  Operation receive_ = Operation::to<&PacketQueue::on_receive>(*this);
};

}  // namespace picortex
