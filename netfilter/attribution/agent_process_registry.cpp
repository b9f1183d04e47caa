#include "netfilter/attribution/agent_process_registry.h"

#include <algorithm>
#include <utility>

namespace picortex {

void AgentProcessRegistry::add(const ProcessKey& process, TurnIds ids) {
  ++changes_;
  const auto known = by_pid_.find(process.pid);
  const auto old = known != by_pid_.end()     ? known->second
                   : runs_.size() == kRunsMax ? runs_.begin()
                                              : runs_.end();
  if (old != runs_.end()) {
    by_pid_.erase(old->process.pid);
    runs_.erase(old);
  }
  runs_.push_back({process, std::move(ids)});
  by_pid_.emplace(process.pid, std::prev(runs_.end()));
}

void AgentProcessRegistry::remove(const ProcessKey& process) {
  const auto known = by_pid_.find(process.pid);
  if (known == by_pid_.end() || known->second->process != process) return;
  ++changes_;
  runs_.erase(known->second);
  by_pid_.erase(known);
}

const TurnIds* AgentProcessRegistry::find(const ProcessKey& process) const {
  const auto known = by_pid_.find(process.pid);
  if (known == by_pid_.end() || known->second->process != process) return nullptr;
  return &known->second->ids;
}

void AgentProcessRegistry::sweep() noexcept {
  for (std::size_t left = std::min(kSweptMax, runs_.size()); left > 0; --left) {
    const auto run = runs_.begin();
    const auto stat = read_process_stat(run->process.pid);
    if (stat && stat->start_time == run->process.start_time) {
      runs_.splice(runs_.end(), runs_, run);
    } else {
      ++changes_;
      by_pid_.erase(run->process.pid);
      runs_.erase(run);
    }
  }
}

}  // namespace picortex
