#pragma once

#include <sys/types.h>

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/uuid.h"
#include "netfilter/process.h"

namespace picortex {

// The processes that `picortex run` started and told the daemon of, with the IDs of their turns:
// the daemon's own knowledge, which the fenced user cannot forge. A process number that is used
// again does not match, since its start time differs. Bounded: the oldest goes.
class RunRegistry {
 public:
  static constexpr std::size_t kRunsMax = 4096;
  // Entries looked at in one sweep().
  static constexpr std::size_t kSweptMax = 64;

  // Takes what a person or a client gave: `ids.chat_id` is at most kChatIdSizeMax bytes. An entry
  // of the same process is replaced.
  void add(const ProcessKey& process, TurnIds ids);
  void remove(const ProcessKey& process);

  // Null when it is not registered.
  const TurnIds* find(const ProcessKey& process) const;

  // Removes some of the entries whose process has gone. To be called about once a second.
  void sweep();

  std::size_t size() const noexcept { return runs_.size(); }

 private:
  struct Run {
    ProcessKey process;
    TurnIds ids;
  };
  using RunList = std::list<Run>;

  RunList runs_;  // the oldest, or the longest not swept, first
  std::unordered_map<pid_t, RunList::iterator> by_pid_;
};

}  // namespace picortex
