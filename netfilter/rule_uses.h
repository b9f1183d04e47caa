#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "netfilter/allowlist.h"

namespace picortex {

// How often each rule permitted something since the daemon's start, and when last. It keeps copies
// of what it tells of the rules, and follows a rule by its source and text when the list is loaded
// anew.
class RuleUses {
 public:
  struct Use {
    RuleSource source = RuleSource::built_in;
    std::uint32_t line = 0;
    std::int64_t expires_ms = 0;  // Unix time
    std::string text;
    std::uint64_t hits = 0;
    std::int64_t last_ms = 0;  // Unix time; 0: never
  };

  // The rules that indexes refer to from now on.
  void adopt(const Allowlist& allowlist);

  // Of an index that is none of the rules' nothing is noted.
  void note(RuleIndex rule, std::int64_t now_ms) noexcept;

  // By index.
  const std::vector<Use>& all() const noexcept { return uses_; }
  // The rule as it was written; empty when there is no such.
  std::string_view text(RuleIndex rule) const noexcept;

 private:
  std::vector<Use> uses_;
};

// "built-in", "list", "temporary".
std::string_view source_label(RuleSource source) noexcept;

}  // namespace picortex
