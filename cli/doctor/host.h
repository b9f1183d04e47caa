#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "netfilter/attribution/program.h"

namespace picortex {

// A user of the host, as far as the checks know it.
struct HostUser {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string name;  // the UID in digits if it has none

  bool operator==(const HostUser&) const = default;
};

// The room on a file system (statvfs(3)).
struct DiskRoom {
  std::uint64_t free_bytes = 0;  // for ordinary users
  std::uint64_t size_bytes = 0;
  std::uint64_t free_inodes = 0;
  std::uint64_t inodes = 0;  // 0: it has no fixed number of them
  bool is_in_memory = false;
  bool is_network = false;
};

// What the checks look at: the host's files, programs, users and clock. A test gives it another
// root directory, and functions of its own in place of the host's.
class Host {
 public:
  // `root` precedes the absolute paths of all files that are read; empty: the host's own.
  explicit Host(std::string root = {});

  Result<std::string> read(const std::string& path) const;  // at most 1 MiB
  // Follows links. Nothing if there is no such file or this user may not look at it.
  std::optional<struct stat> look(const std::string& path) const;
  bool exists(const std::string& path) const { return look(path).has_value(); }
  // The names in a directory, in the order of their bytes; empty when it cannot be read.
  std::vector<std::string> list(const std::string& directory) const;
  // A whole number in a file of /proc; nothing if there is none.
  std::optional<std::int64_t> number(const std::string& path) const;
  std::optional<DiskRoom> room(const std::string& path) const;

  bool has_systemd() const { return exists("/run/systemd/system"); }

  // Runs a program to its end (run_program()).
  std::function<Result<ProgramResult>(std::span<const std::string>)> run;
  // Returns whether a user may access a file as access(2) says; nothing if this process cannot
  // find out, since it is neither root nor that user.
  std::function<std::optional<bool>(const HostUser&, const std::string&, int)> may;
  // Whether a time service keeps the kernel's clock right; nothing if the kernel does not say.
  std::function<std::optional<bool>()> clock_is_synchronised;
  std::function<std::int64_t()> unix_ms;
  std::function<std::optional<HostUser>(std::string_view)> find_user;  // by name or UID
  std::function<std::vector<gid_t>(const HostUser&)> group_ids_of;
  uid_t uid;  // of this process

  bool is_root() const noexcept { return uid == 0; }
  HostUser user_of(uid_t uid) const;
  std::vector<std::string> groups_of(const HostUser& user) const;  // their names

  // The first part of the path that keeps the user from accessing the file: a directory that it may
  // not search, or the file itself. Empty when it may; nothing if that cannot be found out.
  std::optional<std::string> obstacle(const HostUser& user, const std::string& path,
                                      int mode) const;

 private:
  std::string at(const std::string& path) const;

  std::string root_;
};

}  // namespace picortex
