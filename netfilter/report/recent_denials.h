#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/keyed_hash.h"
#include "netfilter/attribution/process.h"
#include "netfilter/policy/verdict.h"

namespace picortex {

// One or more attempts that were denied alike: by host, port, reason, user and turn.
struct Denial {
  std::string host;        // a name, or an address where no name is known
  std::string address;     // empty: a name was only asked for
  std::string candidates;  // the names that lead to the address, when there are several
  std::uint16_t port = 0;  // 0: a name was only asked for
  std::uint8_t protocol = 0;
  Reason reason = Reason::name_not_allowed;
  std::uint32_t uid = 0;
  TurnIds ids;  // of the latest attempt; nil: not known
  pid_t pid = 0;
  std::string executable;
  std::int64_t first_ms = 0;  // Unix time
  std::int64_t last_ms = 0;
  std::int64_t count = 1;
};

// The latest denials since the daemon's start, in memory, for the question why. Names that were
// only asked for and connections have a place each, so that a flood of names hides no connection.
class RecentDenials {
 public:
  static constexpr std::size_t kDenialsMax = 512;  // of each kind

  void note(Denial denial);

  // Calls `visit(const Denial&)` for those of either kind, the latest first, until it returns true.
  template <class Visit>
  void find(Visit visit) const {
    for (const Kind& kind : kinds_) {
      for (const Denial& denial : kind.latest) {
        if (visit(denial)) return;
      }
    }
  }

 private:
  struct Kind {
    std::list<Denial> latest;  // the latest first
    std::unordered_map<std::uint64_t, std::list<Denial>::iterator> by_key;
  };

  std::uint64_t key_of(const Denial& denial);

  KeyedHash hash_;  // the fenced user chooses the names
  std::string key_;
  std::array<Kind, 2> kinds_;  // connections, names
};

}  // namespace picortex
