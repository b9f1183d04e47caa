#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/file_descriptor.h"
#include "base/uuid/uuid.h"

namespace picortex {

// Reads processes from /proc (proc(5)), for attribution. Any of it may vanish at any moment, and a
// process can write its own command line and environment as it likes.

// Identifies a process permanently: its PID is reused after its end, at another start time (clock
// ticks since boot).
struct ProcessKey {
  pid_t pid = 0;
  std::uint64_t start_time = 0;

  bool operator==(const ProcessKey&) const = default;
};

struct ProcessStat {
  pid_t parent = 0;
  std::uint64_t start_time = 0;
  // Where its arguments and environment begin; 0: not shown. The kernel places them at random for each
  // program that the process executes.
  std::uint64_t arguments_at = 0;
  std::uint64_t environment_at = 0;

  bool has_addresses() const noexcept { return arguments_at != 0 && environment_at != 0; }
  bool operator==(const ProcessStat&) const = default;
};

// The turn that something belongs to. A nil request ID means unknown.
struct TurnIds {
  Uuid request_id;
  std::string chat_id;  // empty: in no chat
};

// Returns nothing if there is no such process. `text` is that of /proc/PID/stat.
std::optional<ProcessStat> read_process_stat(pid_t pid) noexcept;
std::optional<ProcessStat> parse_process_stat(std::string_view text) noexcept;

// Returns an empty text if it cannot be read. Cut at 256 bytes: the user chooses it, and every
// event repeats it.
std::string read_executable(pid_t pid);

// Returns the arguments separated by blanks, cut at 256 bytes. Any bytes but NUL.
std::string read_command_line(pid_t pid);

// Returns the claims of PICORTEX_REQUEST_ID and PICORTEX_CHAT_ID in the first 64 KiB of
// /proc/PID/environ, as of the program's start. Ignores a claim that is no UUID, or no plain text.
TurnIds read_claimed_ids(pid_t pid);
TurnIds claimed_ids_in(std::string_view environment);

// Returns the real user of the process; nothing if it has ended.
std::optional<uid_t> read_real_uid(pid_t pid) noexcept;

// Returns the process that a thread is part of: of a process's first thread, `pid` itself. Nothing if
// it has ended.
std::optional<pid_t> read_process_of(pid_t pid) noexcept;

// What a process is right now, to be read more than once: the files stay open. They stay that
// process's, too: once it has ended they say nothing, even if another one gets its PID.
class ProcessFiles {
 public:
  // Those of a process that has ended say nothing.
  explicit ProcessFiles(pid_t pid) noexcept;

  std::optional<ProcessStat> stat() const noexcept;
  // The process that traces it (ptrace(2)), 0 if there is none.
  std::optional<pid_t> tracer() const noexcept;

 private:
  FileDescriptor stat_;
  FileDescriptor status_;
};

}  // namespace picortex
