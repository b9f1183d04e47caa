#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace picortex {

// UIDs `first` to `last`, both within.
struct UidRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;

  bool operator==(const UidRange&) const = default;
};

// The user behind the fence, and every UID that it can act under: its own first, then what
// /etc/subuid grants it (subuid(5)), since newuidmap(1) lets it open connections as those too.
struct FencedUser {
  std::string name;
  std::vector<UidRange> ranges;

  std::uint32_t uid() const noexcept { return ranges.front().first; }
  bool contains(std::uint32_t uid) const noexcept {
    for (const UidRange& range : ranges) {
      if (uid >= range.first && uid <= range.last) return true;
    }
    return false;
  }
};

// `name`: a user's name or a UID. Refused: a user that does not exist, root, and a grant that
// covers root or the caller itself.
Result<FencedUser> find_fenced_user(const std::string& name);

// The ranges that subuid(5) text grants the user.
std::vector<UidRange> parse_subuid(std::string_view text, std::string_view name, std::uint32_t uid);

}  // namespace picortex
