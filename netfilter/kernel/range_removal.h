#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "netfilter/kernel/fenced_user.h"

namespace picortex {

// Decides when a UID range that the files no longer grant is given up. Ranges that are added count
// at once; a removal counts when two reads in a row lack the same ranges, since a file that is
// being rewritten in place is short or empty for a moment. Owned by the fence.
class RangeRemoval {
 public:
  // Returns what to fence: `found`, and what of `known` is not confirmed to be gone.
  std::vector<UidRange> confirm(const std::vector<UidRange>& known, std::vector<UidRange> found) {
    std::vector<UidRange> lacking;
    for (const UidRange& range : known) {
      if (std::ranges::find(found, range) == found.end()) lacking.push_back(range);
    }
    const bool is_confirmed = lacking == lacking_;
    lacking_ = std::move(lacking);
    if (is_confirmed) lacking_.clear();
    found.insert(found.end(), lacking_.begin(), lacking_.end());
    return found;
  }

  // True while another read is needed.
  bool is_pending() const noexcept { return !lacking_.empty(); }

 private:
  std::vector<UidRange> lacking_;  // from the last read, unconfirmed
};

}  // namespace picortex
