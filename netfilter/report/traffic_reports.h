#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/callback.h"
#include "base/keyed_hash.h"
#include "netfilter/report/connection_ledger.h"
#include "netfilter/report/egress_record.h"

namespace picortex {

// A connection of the fenced user that has ended, with what is known of it.
struct EndedConnection {
  OpenConnection known;
  std::string address;
  std::uint16_t port = 0;
  std::uint8_t protocol = 0;
  bool is_counted = false;  // otherwise it is older than the kernel's accounting
  std::int64_t bytes_up = 0;
  std::int64_t bytes_down = 0;
  std::optional<std::int64_t> duration_ms;
};

// Turns ends of connections into reports: the first one to a place is reported at once, those that
// follow within a minute become one report with their count and sums. A place is a host and port
// for one executable and turn. Bounded: kPlacesMax places a minute, and one report a minute of all
// beyond them, so that the sums of the reports are those of the connections.
class TrafficReports {
 public:
  static constexpr std::size_t kPlacesMax = 128;
  static constexpr std::int64_t kWindowMs = 60'000;

  // Receives each report. The record has no time, and no request ID where no turn is known. The
  // traffic's host is empty for what is beyond the places, and so is the rule where none is known.
  using ReportCallback = Callback<EgressRecord&, std::string_view, const EgressTraffic&>;

  explicit TrafficReports(ReportCallback report) : report_(report) {}

  void add(const EndedConnection& ended, std::int64_t now_ms);
  // Reports what was added up in windows that are over.
  void expire(std::int64_t now_ms);

 private:
  struct Sum {
    std::int64_t connections = 0;
    std::int64_t uncounted = 0;
    std::int64_t bytes_up = 0;
    std::int64_t bytes_down = 0;
  };
  struct Place {
    std::string key;
    EndedConnection first;
    std::int64_t end_ms;
    Sum sum;
  };
  using PlaceList = std::list<Place>;

  static void add_to(Sum& sum, const EndedConnection& ended) noexcept;
  void report(const EndedConnection& of, const Sum& sum);
  void report_others();

  ReportCallback report_;
  PlaceList places_;  // in the order of their ends
  std::unordered_map<std::string_view, PlaceList::iterator, KeyedHash> by_key_;
  Sum others_;
  std::int64_t others_end_ms_ = 0;
};

}  // namespace picortex
