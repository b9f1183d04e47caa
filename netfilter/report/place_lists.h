#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "storage/egress_host_table.h"

namespace picortex {

// Collects the places ("8.8.8.8:443") of connections that are too many for an event each, so that
// one event lists many of them: a scan of addresses is reported in full at about 20 bytes each.
// Bounded: kListsMax lists of kTextSizeMax bytes. Owned by the journal.
class PlaceLists {
 public:
  static constexpr std::size_t kListsMax = 32;
  static constexpr std::size_t kTextSizeMax = 4096;
  static constexpr std::size_t kPlaceSizeMax = 260;

  struct Place {
    std::string text;
    std::int64_t attempts = 0;
  };
  // What the places of one list have in common.
  struct Kind {
    std::string_view event_type;  // a literal
    EgressOutcome outcome = EgressOutcome::denied;
    std::string executable;  // empty: not known

    bool operator==(const Kind&) const = default;
  };
  struct List {
    Kind kind;
    std::vector<Place> places;
    std::size_t text_size = 0;
    std::int64_t attempts = 0;
  };

  // Counts one attempt at `place`. Calls `report(const List&)` for a list that has to make room,
  // and removes it.
  template <class Report>
  void add(const Kind& kind, std::string_view place, Report report) {
    place = place.substr(0, kPlaceSizeMax);
    auto list = find(kind);
    const bool overflows = list != lists_.end() && list->text_size + place.size() > kTextSizeMax;
    if (overflows && !has(*list, place)) {
      report(*list);
      lists_.erase(list);
      list = lists_.end();
    }
    if (list == lists_.end()) {
      if (lists_.size() == kListsMax) {
        report(lists_.front());
        lists_.pop_front();
      }
      list = lists_.insert(lists_.end(), List{.kind = kind, .places = {}});
    }
    count(*list, place);
  }

  // Calls `report(const List&)` for each list and removes all.
  template <class Report>
  void flush(Report report) {
    for (const List& list : lists_) report(list);
    lists_.clear();
  }

  std::size_t size() const noexcept { return lists_.size(); }

 private:
  std::list<List>::iterator find(const Kind& kind);
  static bool has(const List& list, std::string_view place);
  static void count(List& list, std::string_view place);

  std::list<List> lists_;  // the oldest first
};

}  // namespace picortex
