#pragma once

#include <cstdint>
#include <string>

#include "cli/egress_sink.h"
#include "netfilter/egress_journal.h"

namespace picortex {

// The body of GET /api/egress: the mode, what was decided, and each rule with its use.
class EgressReport {
 public:
  static constexpr std::size_t kRulesMax = 2000;  // the rest is only counted

  // `mode`: off, learn or enforce. What is passed by reference outlives this.
  EgressReport(const Reactor& reactor, EgressMode mode, const EgressJournal& journal,
               const EgressSink& sink);

  void append(std::string& out) noexcept;

 private:
  void append_rules(std::string& out) const;

  const Reactor& reactor_;
  EgressMode mode_;
  const EgressJournal& journal_;
  const EgressSink& sink_;
  std::int64_t since_ms_;
};

}  // namespace picortex
