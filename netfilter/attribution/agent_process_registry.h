#pragma once

#include <sys/types.h>

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/uuid/uuid.h"
#include "netfilter/attribution/process.h"

namespace picortex {

// The processes that `picortex run` started and reported to the daemon, with the IDs of their
// turns: the daemon's own knowledge, which the fenced user cannot forge. A reused PID does not
// match, since its start time differs. Bounded: the oldest entry is removed.
class AgentProcessRegistry {
 public:
  static constexpr std::size_t kRunsMax = 4096;
  // Entries checked in one sweep().
  static constexpr std::size_t kSweptMax = 64;

  // Takes client input: `ids.chat_id` has at most kChatIdSizeMax bytes. Replaces an entry of the
  // same process.
  void add(const ProcessKey& process, TurnIds ids);
  void remove(const ProcessKey& process);

  // Returns null if the process is not registered.
  const TurnIds* find(const ProcessKey& process) const;

  // Removes some of the entries whose process has ended. Call it about once a second.
  void sweep() noexcept;

  std::size_t size() const noexcept { return runs_.size(); }
  // How often an entry was added or removed.
  std::uint64_t changes() const noexcept { return changes_; }

 private:
  struct Run {
    ProcessKey process;
    TurnIds ids;
  };
  using RunList = std::list<Run>;

  RunList runs_;  // first the oldest, or the one not swept for longest
  std::unordered_map<pid_t, RunList::iterator> by_pid_;
  std::uint64_t changes_ = 0;
};

}  // namespace picortex
