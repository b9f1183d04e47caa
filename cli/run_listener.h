#pragma once

#include "handlers/json/document.h"
#include "netfilter/run_registry.h"
#include "storage/event.h"

namespace picortex {

// Learns from the events of `picortex run` which processes work for which turn: child.start, with
// child_pid and child_start_time in its data, until child.exit. Only events that came with the
// token may be shown to it.
class RunListener {
 public:
  // `runs` outlives this.
  explicit RunListener(RunRegistry& runs);

  void on_event(const Event& event) noexcept;

 private:
  RunRegistry& runs_;
  JsonDocument document_;
  std::string data_;
};

}  // namespace picortex
