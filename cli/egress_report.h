#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "handlers/own_events.h"
#include "netfilter/egress_journal.h"
#include "storage/egress_hosts.h"

namespace picortex {

// The body of GET /api/egress: the mode, what was decided, each rule with its use, and the hosts
// that were attempted, the latest first.
class EgressReport {
 public:
  static constexpr std::size_t kRulesMax = 2000;  // the rest is only counted
  static constexpr std::int64_t kHostsMax = 200;  // `picortex egress hosts` has all

  // `mode`: off, learn or enforce. `data_dir` has the database, which is opened when it is first
  // asked. What is passed by reference outlives this.
  EgressReport(const Reactor& reactor, EgressMode mode, std::string data_dir,
               const EgressJournal& journal, const OwnEvents& sink);

  void append(std::string& out) noexcept;

 private:
  void append_rules(std::string& out) const;
  void append_hosts(std::string& out);
  StoreResult<std::vector<EgressHost>> read_hosts();

  const Reactor& reactor_;
  EgressMode mode_;
  std::string data_dir_;
  std::optional<EgressHostReader> reader_;
  const EgressJournal& journal_;
  const OwnEvents& sink_;
  std::int64_t since_ms_;
};

}  // namespace picortex
