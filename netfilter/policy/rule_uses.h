#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "netfilter/policy/allowlist.h"

namespace picortex {

// How often each rule permitted something since the daemon's start, and when last. It copies what
// it reports of the rules, and follows a rule by its source and text when the list is loaded again.
class RuleUses {
 public:
  struct Use {
    RuleSource source = RuleSource::built_in;
    std::uint32_t line = 0;
    std::int64_t expires_ms = 0;  // Unix time
    std::string text;
    std::uint64_t hits = 0;
    std::int64_t last_ms = 0;  // Unix time; 0: never
    // What ended connections that it allowed have carried.
    std::int64_t bytes_up = 0;
    std::int64_t bytes_down = 0;
  };

  // Sets the rules that indexes refer to from now on.
  void adopt(const Allowlist& allowlist);

  // Ignores an index without a rule.
  void note(RuleIndex rule, std::int64_t now_ms) noexcept;

  // Ignores a text that is no rule's. Compares it with every rule's.
  void add_bytes(std::string_view rule, std::int64_t bytes_up, std::int64_t bytes_down) noexcept;

  // By index.
  const std::vector<Use>& all() const noexcept { return uses_; }
  // Returns the rule as it was written; empty if there is none.
  std::string_view text(RuleIndex rule) const noexcept;

 private:
  std::vector<Use> uses_;
};

// "built-in", "list", "temporary".
std::string_view source_label(RuleSource source) noexcept;

}  // namespace picortex
