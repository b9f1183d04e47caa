#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/callback.h"
#include "base/file_descriptor.h"
#include "base/result.h"
#include "netfilter/kernel/conntrack_message.h"
#include "reactor/buffer_pool.h"
#include "reactor/operation.h"
#include "reactor/reactor.h"

namespace picortex {

// The ends of the fenced user's connections, from connection tracking's destroy events (nfnetlink's
// group NFNLGRP_CONNTRACK_DESTROY), read by the ring. A filter in the kernel passes only entries
// with a mark of the fence, so that other users' connections cost the daemon nothing.
//
// The kernel removes an entry when its time is up, which is minutes after a connection was closed
// (nf_conntrack_tcp_timeout_time_wait), and reports each removal once. What the socket's buffer
// cannot hold is lost, and counted.
class ConntrackEvents {
 public:
  using EndCallback = Callback<const ConntrackEntry&>;

  // Ends from then on wait in the socket until start(). `reactor` and the callback's owner must
  // outlive this object.
  static Result<std::unique_ptr<ConntrackEvents>> open(Reactor& reactor, EndCallback on_end);

  void start();
  // Ends the receive; is_idle() reports when it has ended.
  void stop();
  bool is_idle() const noexcept { return !receive_.in_flight(); }

  // Events that found no room in the socket, since it was opened.
  std::uint64_t lost() const noexcept;

 private:
  ConntrackEvents(Reactor& reactor, EndCallback on_end, FileDescriptor socket, BufferPool pool);

  void on_receive(const Completion& completion) noexcept;
  void take(std::span<const char> message) noexcept;
  void receive_next();

  Reactor& reactor_;
  EndCallback on_end_;
  FileDescriptor socket_;
  BufferPool pool_;
  bool stopping_ = false;
  Operation receive_ = Operation::to<&ConntrackEvents::on_receive>(*this);
};

}  // namespace picortex
