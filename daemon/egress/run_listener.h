#pragma once

#include "base/json/document.h"
#include "netfilter/attribution/agent_process_registry.h"
#include "netfilter/attribution/turn_chats.h"
#include "storage/event.h"

namespace picortex {

// Learns from the events of `picortex run` which processes work for which turn: from child.start,
// with child_pid and child_start_time in its data, until child.exit; for `picortex run` itself from
// run_pid and run_start_time. Learns from every event which chat its turn belongs to. Must be shown
// only events that came with the token.
class RunListener {
 public:
  // References passed in must outlive this object.
  RunListener(AgentProcessRegistry& runs, TurnChats& chats);

  void on_event(const Event& event) noexcept;

 private:
  AgentProcessRegistry& runs_;
  TurnChats& chats_;
  JsonDocument document_;
  std::string data_;
};

}  // namespace picortex
