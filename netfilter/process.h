#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/uuid.h"

namespace picortex {

// What /proc tells of processes (proc(5)), for attribution. Everything here may be gone at any
// moment, and a process writes its own command line and environment as it likes.

// One process for good: its number is used again after its end, at another time (clock ticks since
// boot).
struct ProcessKey {
  pid_t pid = 0;
  std::uint64_t start_time = 0;

  bool operator==(const ProcessKey&) const = default;
};

struct ProcessStat {
  pid_t parent = 0;
  std::uint64_t start_time = 0;
};

// The turn that something belongs to. A nil request ID: none is known.
struct TurnIds {
  Uuid request_id;
  std::string chat_id;  // empty: in no chat
};

// None when there is no such process. `text`: of /proc/PID/stat.
std::optional<ProcessStat> read_process_stat(pid_t pid) noexcept;
std::optional<ProcessStat> parse_process_stat(std::string_view text) noexcept;

// Empty when it cannot be read. Cut at 1024 bytes.
std::string read_executable(pid_t pid);

// Its arguments with blanks between them, cut at 256 bytes. Any bytes but NUL.
std::string read_command_line(pid_t pid);

// What PICORTEX_REQUEST_ID and PICORTEX_CHAT_ID claim in the first 64 KiB of /proc/PID/environ, as
// it was when the program started. A claim that is no UUID, or no plain text, does not count.
TurnIds read_claimed_ids(pid_t pid);
TurnIds claimed_ids_in(std::string_view environment);

// The real user of the process, none when it has gone.
std::optional<uid_t> read_real_uid(pid_t pid) noexcept;

}  // namespace picortex
