#include "storage/sqlite/log_readers.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

#include "base/json/json_text.h"
#include "base/parse.h"
#include "storage/sqlite/store_vfs.h"

namespace picortex {
namespace {

// Where SQLite's unix VFS locks the -shm file: byte 120 plus the number of the lock; the last five
// are the read locks (sqlite.org/walformat.html, section 2.3).
constexpr std::int64_t kFirstReadLockAt = 123;
// No real process has this many locks.
constexpr std::size_t kLocksSizeMax = std::size_t{1} << 20;

std::string read_start(const std::string& path, std::size_t size_max) {
  std::ifstream in(path, std::ios::binary);
  std::string text(size_max, '\0');
  in.read(text.data(), static_cast<std::streamsize>(size_max));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

std::string name_of(std::int64_t pid) {
  std::string name = read_start("/proc/" + std::to_string(pid) + "/comm", 64);
  if (!name.empty() && name.back() == '\n') name.pop_back();
  std::string escaped;
  append_json_escaped(escaped, name);
  return escaped;
}

}  // namespace

std::vector<FileLock> parse_locks(std::string_view list, std::uint64_t inode) {
  std::vector<FileLock> locks;
  while (!list.empty()) {
    std::istringstream line{std::string(list.substr(0, list.find('\n')))};
    list.remove_prefix(std::min(list.size(), list.find('\n')));
    if (!list.empty()) list.remove_prefix(1);
    // "1: POSIX  ADVISORY  READ 4242 fe:01:131 123 127"; a process that only waits has "->" after
    // the number.
    const std::vector<std::string> words(std::istream_iterator<std::string>(line), {});
    if (words.size() != 8 || words[1] != "POSIX" || words[3] != "READ") continue;
    const std::string_view place = words[5];
    if (parse_whole<std::uint64_t>(place.substr(place.rfind(':') + 1)) != inode) continue;
    // A process of another PID namespace shows as -1 or 0, and a lock to the end of the file as
    // EOF.
    locks.push_back({.pid = parse_whole<std::int64_t>(words[4]).value_or(-1),
                     .byte = parse_whole<std::int64_t>(words[6]).value_or(-1)});
  }
  return locks;
}

std::vector<LogReader> find_log_readers(const Database& database) {
  struct stat status;
  const std::string shm_path = database.path() + "-shm";
  if (stat(shm_path.c_str(), &status) != 0) return {};
  const DatabaseFile::ReadMarks marks = database.file().read_marks();
  const auto mark_of = [&marks](const FileLock& lock) {
    return marks[static_cast<std::size_t>(lock.byte - kFirstReadLockAt)];
  };
  auto locks = parse_locks(read_start("/proc/locks", kLocksSizeMax), status.st_ino);
  std::erase_if(locks, [](const FileLock& lock) {
    return lock.byte < kFirstReadLockAt ||
           lock.byte >= kFirstReadLockAt + std::int64_t{DatabaseFile::kReadLocks};
  });
  if (locks.empty()) return {};
  const std::uint32_t lowest = mark_of(*std::ranges::min_element(locks, {}, mark_of));
  std::vector<LogReader> readers;
  for (const FileLock& lock : locks) {
    if (mark_of(lock) != lowest || readers.size() == kLogReadersMax) continue;
    if (std::ranges::find(readers, lock.pid, &LogReader::pid) != readers.end()) continue;
    readers.push_back({.pid = lock.pid, .name = lock.pid > 0 ? name_of(lock.pid) : ""});
  }
  return readers;
}

}  // namespace picortex
