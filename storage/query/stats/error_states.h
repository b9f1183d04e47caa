#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "storage/sqlite/fault.h"

namespace picortex {

// The state of a group of errors. An event of type `error.state` with the data
// {"fingerprint":ID,"state":"muted"} sets it; the newest of a group counts. Operators set the first
// three, the daemon `returned`.
enum class ErrorState {
  open,
  muted,     // until it is opened again
  resolved,  // and none has come since
  returned,  // resolved, and come again
};
std::string_view error_state_label(ErrorState state) noexcept;

inline constexpr std::string_view kErrorStateType = "error.state";

// What such an event says.
struct ErrorStateNote {
  std::uint64_t group = 0;  // error_fingerprint.h
  ErrorState state = ErrorState::open;

  static constexpr std::size_t kSizeMax = 4096;  // of the data
};
// `data`: of the event. Returns nothing if it is longer than kSizeMax, or does not say it.
std::optional<ErrorStateNote> parse_error_state(std::string_view data);

// The newest state of each group.
struct DatedErrorState {
  std::int64_t time_ms = 0;
  ErrorState state = ErrorState::open;
};
using ErrorStates = std::unordered_map<std::uint64_t, DatedErrorState>;

// The newest events of that type that anybody reads; the groups are as many at most.
inline constexpr std::size_t kErrorStatesMax = 10'000;

// Reads them through a connection of its own. The database must exist.
StoreResult<ErrorStates> read_error_states(const std::string& data_directory);

}  // namespace picortex
