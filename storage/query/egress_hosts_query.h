#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/egress_host_table.h"
#include "storage/query/sliced_query.h"

namespace picortex {

// A place in the order in which hosts are listed: the one that was attempted last comes first, of
// the same millisecond the one with the smaller name and port.
struct EgressHostCursor {
  std::int64_t last_seen_ms = 0;
  std::string name;
  std::uint16_t port = 0;

  // As opaque text for clients.
  std::string text() const;
  // Returns nothing if text() did not write it.
  static std::optional<EgressHostCursor> parse(std::string_view text);
};

// Which hosts are asked for.
struct EgressHostsFilter {
  // Hosts are denied if their last attempt was; they are allowed if any attempt was, or if the last
  // one was not denied. So no attempt that the fenced user makes later takes a host from the
  // allowed ones; a host may be both.
  enum class Verdict : std::uint8_t { any, denied, allowed };

  std::string text;  // somewhere in NAME:PORT; ASCII letters in any case; empty: any
  Verdict verdict = Verdict::any;
  std::int64_t since_ms = 0;                  // of the last attempt, inclusive
  std::int64_t until_ms = kLatestUnixMs + 1;  // exclusive
};

// A page of them.
struct EgressHostsPage {
  std::vector<EgressHost> hosts;
  bool has_more = false;     // hosts follow after these
  std::int64_t total = 0;    // of the table
  std::int64_t evicted = 0;  // that made room for others (EgressHostTable)
  // The hosts that fit the filter but for its verdict, by verdict.
  std::int64_t any = 0;
  std::int64_t denied = 0;
  std::int64_t allowed = 0;

  std::int64_t matching(EgressHostsFilter::Verdict verdict) const noexcept;
};

// Reads all hosts that the fenced user has attempted, in slices, in the order of their keys: a host
// that is attempted meanwhile moves in the order of the list, but is counted and listed once.
class EgressHostsQuery final : public SlicedQuery {
 public:
  static constexpr std::size_t kLimitMax = 1000;

  // The page has at most `limit` hosts, 1 to kLimitMax, after that place if there is one.
  EgressHostsQuery(EgressHostsFilter filter, std::optional<EgressHostCursor> after,
                   std::size_t limit);

  StoreResult<void> run(EventReader& reader, const QueryBudget& budget) override;
  bool is_done() const noexcept override { return is_done_; }

  const EgressHostsFilter& filter() const noexcept { return filter_; }
  // Once it is done.
  EgressHostsPage take_page();

 private:
  void take(EgressHost& host);
  bool fits(const EgressHost& host);
  void keep(EgressHost& host);

  EgressHostsFilter filter_;
  std::optional<EgressHostCursor> after_;
  std::size_t limit_;
  bool is_done_ = false;
  std::string reached_name_;  // of the last row that was read
  std::int64_t reached_port_ = -1;
  std::vector<EgressHost> rows_;  // of a step
  std::string scratch_;
  EgressHostsPage page_;  // its hosts are a heap with the last one on top
};

// "any", "denied", "allowed".
std::string_view verdict_label(EgressHostsFilter::Verdict verdict) noexcept;
std::optional<EgressHostsFilter::Verdict> parse_verdict(std::string_view text) noexcept;

}  // namespace picortex
