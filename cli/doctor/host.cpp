#include "cli/doctor/host.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/magic.h>
#include <pwd.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <utility>

#include "base/parse.h"
#include "base/read_file.h"
#include "base/text.h"
#include "base/time/clock.h"

namespace picortex {
namespace {

constexpr std::size_t kFileSizeMax = 1024 * 1024;

Result<ProgramResult> run_host_program(std::span<const std::string> command) {
  return run_program(command, {});
}

bool become(const HostUser& user) {
  const bool has_groups = getpwuid(user.uid) != nullptr
                              ? initgroups(user.name.c_str(), user.gid) == 0
                              : setgroups(0, nullptr) == 0;
  return has_groups && setgid(user.gid) == 0 && setuid(user.uid) == 0;
}

// Asks the kernel, in a child process that is that user: modes alone do not say what lists (acl(5))
// and mounts permit.
std::optional<bool> may_access(const HostUser& user, const std::string& path, int mode) {
  const auto permits = [&] { return faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0; };
  if (user.uid == geteuid()) return permits();
  if (geteuid() != 0) return std::nullopt;
  constexpr int kUnknown = 2;
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) return std::nullopt;
  if (child == 0) _exit(!become(user) ? kUnknown : permits() ? 0 : 1);
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return std::nullopt;
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) >= kUnknown) return std::nullopt;
  return WEXITSTATUS(status) == 0;
}

std::optional<bool> kernel_clock_is_synchronised() {
  timex state{};
  const int clock = adjtimex(&state);
  if (clock < 0) return std::nullopt;
  return clock != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
}

std::optional<HostUser> find_host_user(std::string_view text) {
  const auto uid = parse_whole<uid_t>(text);
  const passwd* entry = uid ? getpwuid(*uid) : getpwnam(std::string(text).c_str());
  if (entry != nullptr) return HostUser{entry->pw_uid, entry->pw_gid, entry->pw_name};
  if (!uid) return std::nullopt;
  return HostUser{*uid, static_cast<gid_t>(*uid), std::string(text)};
}

std::vector<gid_t> group_ids_of_user(const HostUser& user) {
  std::vector<gid_t> ids(64);
  int count = static_cast<int>(ids.size());
  if (getgrouplist(user.name.c_str(), user.gid, ids.data(), &count) < 0) {
    ids.resize(static_cast<std::size_t>(std::clamp(count, 0, 65536)));
    if (getgrouplist(user.name.c_str(), user.gid, ids.data(), &count) < 0) return {};
  }
  ids.resize(static_cast<std::size_t>(count));
  return ids;
}

}  // namespace

Host::Host(std::string root)
    : run(run_host_program),
      may(may_access),
      clock_is_synchronised(kernel_clock_is_synchronised),
      unix_ms([] { return kSystemClock.unix_ms(); }),
      find_user(find_host_user),
      group_ids_of(group_ids_of_user),
      uid(geteuid()),
      root_(std::move(root)) {}

std::string Host::at(const std::string& path) const {
  return path.starts_with('/') ? root_ + path : path;
}

Result<std::string> Host::read(const std::string& path) const {
  return read_small_file(at(path), kFileSizeMax);
}

std::optional<struct stat> Host::look(const std::string& path) const {
  struct stat status {};
  if (stat(at(path).c_str(), &status) != 0) return std::nullopt;
  return status;
}

std::vector<std::string> Host::list(const std::string& directory) const {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> open_directory(opendir(at(directory).c_str()),
                                                           closedir);
  if (open_directory == nullptr) return names;
  while (const dirent* entry = readdir(open_directory.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::ranges::sort(names);
  return names;
}

std::optional<std::int64_t> Host::number(const std::string& path) const {
  const auto text = read(path);
  if (!text) return std::nullopt;
  return parse_whole<std::int64_t>(trimmed(*text, " \t\r\n"));
}

std::optional<DiskRoom> Host::room(const std::string& path) const {
  struct statvfs room {};
  struct statfs kind {};
  if (statvfs(at(path).c_str(), &room) != 0 || statfs(at(path).c_str(), &kind) != 0) {
    return std::nullopt;
  }
  constexpr decltype(kind.f_type) kCifs = 0xff534d42;  // not in every linux/magic.h
  return DiskRoom{.free_bytes = std::uint64_t{room.f_bavail} * room.f_frsize,
                  .size_bytes = std::uint64_t{room.f_blocks} * room.f_frsize,
                  .free_inodes = room.f_favail,
                  .inodes = room.f_files,
                  .is_in_memory = kind.f_type == TMPFS_MAGIC || kind.f_type == RAMFS_MAGIC,
                  .is_network = kind.f_type == NFS_SUPER_MAGIC || kind.f_type == kCifs};
}

HostUser Host::user_of(uid_t user) const {
  const std::string digits = std::to_string(user);
  return find_user(digits).value_or(HostUser{user, static_cast<gid_t>(user), digits});
}

std::vector<std::string> Host::groups_of(const HostUser& user) const {
  std::vector<std::string> names;
  for (const gid_t id : group_ids_of(user)) {
    if (const group* entry = getgrgid(id)) names.emplace_back(entry->gr_name);
  }
  return names;
}

std::optional<std::string> Host::obstacle(const HostUser& user, const std::string& path,
                                          int mode) const {
  for (std::size_t slash = path.find('/', 1); slash != path.npos;
       slash = path.find('/', slash + 1)) {
    const std::string above = path.substr(0, slash);
    if (above == ".") continue;
    const auto permitted = may(user, at(above), X_OK);
    if (!permitted) return std::nullopt;
    if (!*permitted) return above;
  }
  const auto permitted = may(user, at(path), mode);
  if (!permitted) return std::nullopt;
  return *permitted ? std::string() : path;
}

}  // namespace picortex
