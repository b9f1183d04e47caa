#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace picortex {

// What the tables of turns say when the store is opened, for the parts of the daemon that follow
// turns in memory.
struct TurnsSoFar {
  static constexpr std::int64_t kSpentWithinMs = 7 * 86'400'000LL;
  static constexpr std::int64_t kSpentMax = 200'000;

  struct Spent {
    std::string chat_id;       // empty: not known
    std::int64_t time_ms = 0;  // the beginning of the turn
    std::int64_t cost_micros = 0;
  };

  std::vector<Spent> spent;  // by the newest kSpentMax turns of the last kSpentWithinMs
  // True if a hook has reported the submission of one of the latest prompts.
  bool has_submissions = false;
};

}  // namespace picortex
