#include "netfilter/fenced_user.h"

#include <pwd.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>

namespace picortex {
namespace {

std::optional<std::uint32_t> parse_uid(std::string_view text) noexcept {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  // The last UID means "none" to the kernel.
  if (error != std::errc() || end != text.data() + text.size() ||
      value == std::numeric_limits<std::uint32_t>::max()) {
    return std::nullopt;
  }
  return value;
}

std::string_view cut_field(std::string_view& line) noexcept {
  const std::size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  line = colon == line.npos ? std::string_view{} : line.substr(colon + 1);
  return field;
}

}  // namespace

std::vector<UidRange> parse_subuid(std::string_view text, std::string_view name,
                                   std::uint32_t uid) {
  std::vector<UidRange> ranges;
  const std::string uid_text = std::to_string(uid);
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == text.npos ? std::string_view{} : text.substr(end + 1);
    const std::string_view owner = cut_field(line);
    const auto first = parse_uid(cut_field(line));
    const auto count = parse_uid(cut_field(line));
    if ((owner != name && owner != uid_text) || !first || !count || *count == 0) continue;
    const std::uint64_t last = std::uint64_t{*first} + *count - 1;
    constexpr std::uint64_t kLastUid = std::numeric_limits<std::uint32_t>::max() - 1;
    ranges.push_back({*first, static_cast<std::uint32_t>(std::min(last, kLastUid))});
  }
  return ranges;
}

Result<FencedUser> find_fenced_user(const std::string& name) {
  const auto number = parse_uid(name);
  const passwd* entry = number ? getpwuid(*number) : getpwnam(name.c_str());
  if (entry == nullptr && !number) {
    return failure("there is no user " + name +
                   " to fence; make it with useradd, or name another with PICORTEX_EGRESS_USER");
  }
  FencedUser user;
  user.name = entry != nullptr ? entry->pw_name : name;
  const std::uint32_t uid = entry != nullptr ? entry->pw_uid : *number;
  user.ranges.push_back({uid, uid});
  std::ifstream file("/etc/subuid");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  for (const UidRange& range : parse_subuid(text, user.name, uid)) user.ranges.push_back(range);
  if (user.contains(0) || user.contains(getuid())) {
    return failure("the user " + user.name + " cannot be fenced: " +
                   (user.contains(0) ? "it is root, or /etc/subuid grants it root's UID"
                                     : "picortex itself runs under one of its UIDs") +
                   "; name an unprivileged user with PICORTEX_EGRESS_USER");
  }
  return user;
}

}  // namespace picortex
