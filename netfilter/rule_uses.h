#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "netfilter/allowlist.h"

namespace picortex {

// How often each rule permitted something since the daemon's start, and when last. Follows a rule
// by its source and text when the list is loaded anew.
class RuleUses {
 public:
  struct Use {
    std::uint64_t hits = 0;
    std::int64_t last_ms = 0;  // Unix time; 0: never
  };

  // The rules that indexes refer to from now on; must stay until the next adopt().
  void adopt(const Allowlist& allowlist);

  // Of an index that is none of the rules' nothing is noted.
  void note(RuleIndex rule, std::int64_t now_ms) noexcept;

  const Allowlist* allowlist() const noexcept { return allowlist_; }
  const Use& use(RuleIndex rule) const { return uses_[rule]; }
  // The rule as it was written; empty when there is no such.
  std::string_view text(RuleIndex rule) const noexcept;

 private:
  const Allowlist* allowlist_ = nullptr;
  std::vector<Use> uses_;           // by index
  std::vector<std::string> names_;  // by index: source and text
};

// "built-in", "list", "temporary".
std::string_view source_label(RuleSource source) noexcept;

}  // namespace picortex
