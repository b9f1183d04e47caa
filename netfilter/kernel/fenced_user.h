#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace picortex {

// UIDs `first` to `last`, inclusive.
struct UidRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;

  bool operator==(const UidRange&) const = default;
};

// The user behind the fence, and every UID that it can act as: its own first, then those that
// /etc/subuid grants (subuid(5)), since newuidmap(1) lets it open connections as those too.
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

// Returns `text` if it can be a user's name or a UID, of 1 to 256 bytes, whether or not there is
// such a user.
std::optional<std::string> parse_user(std::string_view text);

// `name` is a user's name or a UID. Fails for a user that does not exist, root, and a grant that
// covers root or the caller itself.
Result<FencedUser> find_fenced_user(const std::string& name);

inline constexpr const char* kSubuidPath = "/etc/subuid";
inline constexpr const char* kPasswdPath = "/etc/passwd";

// Returns the user according to the current texts of passwd(5) and subuid(5): its UID stays, and a
// new UID of its name and the ranges granted to any name of its UID are added. Reads no name
// service.
FencedUser renewed_user(const FencedUser& user, std::string_view passwd, std::string_view subuid);
// Does the same with the files. Fails for a grant that covers root or the caller itself.
Result<FencedUser> reread_user(const FencedUser& user);

// Returns the ranges that subuid(5) text grants the user.
std::vector<UidRange> parse_subuid(std::string_view text, std::string_view name, std::uint32_t uid);

}  // namespace picortex
