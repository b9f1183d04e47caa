#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "netfilter/attribution/agent_process_registry.h"
#include "netfilter/attribution/process.h"
#include "reactor/deadline_list.h"

namespace picortex {

// The source of a turn's IDs.
enum class IdSource : std::uint8_t {
  none,
  claimed,     // from the environment of the process or an ancestor: it can be forged
  registered,  // from `picortex run`, which reported the process or an ancestor
};

// "none", "claimed", "registered".
std::string_view id_source_label(IdSource source) noexcept;

// The owner of a socket, as far as it could be determined; pid 0: unknown.
struct ProcessOwner {
  pid_t pid = 0;
  std::uint64_t start_time = 0;  // as in ProcessKey; 0: it had gone
  pid_t tracer_pid = 0;          // another turn's process that traced it, ptrace(2); 0: none
  std::string executable;
  std::string command;  // any bytes
  TurnIds ids;
  IdSource id_source = IdSource::none;
};

// Says what a process is and which turn it works for: its own IDs or those of its nearest ancestor
// that has some.
//
// A traced process can be made to do anything by its tracer: unless both work for the same turn,
// the IDs are the tracer's.
//
// Most connections come from a process that has opened others a moment ago, so what was read is kept
// for kKeptTime: as long as the process has the same parent and executable, and its arguments and
// environment are where they were, which the kernel chooses again for each program that it executes.
// The registered turns must be the same, and the tracer is looked for each time.
class ProcessDescriber {
 public:
  static constexpr std::chrono::seconds kKeptTime{1};
  static constexpr std::size_t kKeptMax = 32;  // each with the two descriptors of its ProcessFiles
  static constexpr int kAncestorsMax = 32;

  // `runs` must outlive this object.
  explicit ProcessDescriber(const AgentProcessRegistry& runs) : runs_(runs) {}

  ProcessOwner describe(pid_t pid, Instant now);

 private:
  struct Kept {
    ProcessFiles files;
    ProcessStat stat;
    std::uint64_t runs_changes = 0;
    Instant until{};
    ProcessOwner owner;
  };

  bool is_unchanged(const Kept& kept, Instant now) const;
  void find_ids(ProcessOwner& owner, std::optional<ProcessStat> stat) const;
  void blame_tracer(ProcessOwner& owner, const ProcessFiles& files) const;

  const AgentProcessRegistry& runs_;
  std::unordered_map<pid_t, Kept> kept_;
};

}  // namespace picortex
