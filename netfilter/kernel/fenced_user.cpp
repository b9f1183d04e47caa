#include "netfilter/kernel/fenced_user.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <limits>

#include "base/parse.h"

namespace picortex {
namespace {

// The last UID means "none" to the kernel.
std::optional<std::uint32_t> parse_uid(std::string_view text) noexcept {
  return parse_whole<std::uint32_t>(text, 0, std::numeric_limits<std::uint32_t>::max() - 1);
}

std::string_view cut_field(std::string_view& line) noexcept {
  const std::size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  line = colon == line.npos ? std::string_view{} : line.substr(colon + 1);
  return field;
}

std::string read_text(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

Result<void> check_user(const FencedUser& user) {
  if (!user.contains(0) && !user.contains(getuid())) return {};
  return failure("the user " + user.name + " cannot be fenced: " +
                 (user.contains(0) ? "it is root, or /etc/subuid grants it root's UID"
                                   : "picortex itself runs under one of its UIDs") +
                 "; name an unprivileged user with PICORTEX_EGRESS_USER");
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

FencedUser renewed_user(const FencedUser& user, std::string_view passwd, std::string_view subuid) {
  FencedUser renewed{.name = user.name, .ranges = {{user.uid(), user.uid()}}};
  const auto add = [&renewed](const UidRange& range) {
    if (std::ranges::find(renewed.ranges, range) == renewed.ranges.end()) {
      renewed.ranges.push_back(range);
    }
  };
  std::vector<std::string> names{user.name};
  while (!passwd.empty()) {
    const std::size_t end = passwd.find('\n');
    std::string_view line = passwd.substr(0, end);
    passwd = end == passwd.npos ? std::string_view{} : passwd.substr(end + 1);
    const std::string_view name = cut_field(line);
    cut_field(line);  // the password
    const auto uid = parse_uid(cut_field(line));
    if (!uid) continue;
    if (name == user.name) add({*uid, *uid});
    if (*uid == user.uid() && name != user.name) names.emplace_back(name);
  }
  for (const std::string& name : names) {
    for (const UidRange& range : parse_subuid(subuid, name, user.uid())) add(range);
  }
  return renewed;
}

Result<FencedUser> reread_user(const FencedUser& user) {
  FencedUser renewed = renewed_user(user, read_text(kPasswdPath), read_text(kSubuidPath));
  TRY(check_user(renewed));
  return renewed;
}

std::optional<std::string> parse_user(std::string_view text) {
  constexpr std::size_t kSizeMax = 256;
  constexpr std::string_view kForbidden(" \t\n:/\0", 6);
  if (text.empty() || text.size() > kSizeMax || text.find_first_of(kForbidden) != text.npos) {
    return std::nullopt;
  }
  return std::string(text);
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
  user = renewed_user(user, read_text(kPasswdPath), read_text(kSubuidPath));
  TRY(check_user(user));
  return user;
}

}  // namespace picortex
