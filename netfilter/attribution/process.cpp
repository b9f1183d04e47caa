#include "netfilter/attribution/process.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <span>

#include "base/file_descriptor.h"
#include "base/json/json_text.h"
#include "base/parse.h"
#include "storage/event.h"

namespace picortex {
namespace {

constexpr std::size_t kExecutableSizeMax = 256;
constexpr std::size_t kCommandLineSizeMax = 256;
constexpr std::size_t kEnvironmentSizeMax = 64 * 1024;

using Path = std::array<char, 64>;

Path path_of(pid_t pid, const char* file) noexcept {
  Path path;
  std::snprintf(path.data(), path.size(), "/proc/%d/%s", pid, file);
  return path;
}

FileDescriptor open_file(pid_t pid, const char* name) noexcept {
  return FileDescriptor(open(path_of(pid, name).data(), O_RDONLY | O_CLOEXEC));
}

// Returns the beginning of a file of /proc, as much as fits.
std::string_view read_into(std::span<char> buffer, pid_t pid, const char* name) noexcept {
  const FileDescriptor file = open_file(pid, name);
  std::size_t filled = 0;
  while (file.is_open() && filled < buffer.size()) {
    const ssize_t size = read(file.number(), buffer.data() + filled, buffer.size() - filled);
    if (size <= 0) break;
    filled += static_cast<std::size_t>(size);
  }
  return {buffer.data(), filled};
}

using StatusBuffer = std::array<char, 1024>;

// Returns the beginning of a file that the kernel writes whole into a buffer that is large enough
// (seq_file): one read is all.
std::string_view read_once(StatusBuffer& buffer, const FileDescriptor& file) noexcept {
  const ssize_t size = pread(file.number(), buffer.data(), buffer.size(), 0);
  return {buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

std::optional<ProcessStat> stat_in(const FileDescriptor& file) noexcept {
  StatusBuffer buffer;
  return parse_process_stat(read_once(buffer, file));
}

// Reads a number of /proc/PID/status. `name` begins with the newline before it; the process's own
// name, which comes first, has its newlines escaped.
template <class Number>
std::optional<Number> status_in(const FileDescriptor& file, std::string_view name) noexcept {
  StatusBuffer buffer;
  const std::string_view status = read_once(buffer, file);
  const std::size_t at = status.find(name);
  if (at == status.npos) return std::nullopt;
  std::string_view value = status.substr(at + name.size());
  return take_whole<Number>(value);
}

// True for UTF-8 without controls, quotes and backslashes, which JSON shows unchanged.
bool is_plain_text(std::string_view text) {
  std::string escaped;
  append_json_escaped(escaped, text);
  return escaped == text;
}

}  // namespace

std::optional<ProcessStat> parse_process_stat(std::string_view text) noexcept {
  // pid (comm) state ppid … starttime … arg_start arg_end env_start …; comm may contain anything,
  // including parentheses. Fields are counted from 1.
  ProcessStat stat;
  const std::size_t comm_end = text.rfind(") ");
  if (comm_end == text.npos) return std::nullopt;
  text.remove_prefix(comm_end + 2);
  int field = 3;
  const auto skip_to = [&](int wanted) {
    for (; field < wanted; ++field) {
      const std::size_t blank = text.find(' ');
      if (blank == text.npos) return false;
      text.remove_prefix(blank + 1);
    }
    return true;
  };
  if (!skip_to(4)) return std::nullopt;
  const auto parent = take_whole<pid_t>(text);
  if (!parent || !skip_to(22)) return std::nullopt;
  const auto start_time = take_whole<std::uint64_t>(text);
  if (!start_time) return std::nullopt;
  stat.parent = *parent;
  stat.start_time = *start_time;
  if (skip_to(48)) stat.arguments_at = take_whole<std::uint64_t>(text).value_or(0);
  if (skip_to(50)) stat.environment_at = take_whole<std::uint64_t>(text).value_or(0);
  return stat;
}

std::optional<ProcessStat> read_process_stat(pid_t pid) noexcept {
  return stat_in(open_file(pid, "stat"));
}

std::string read_executable(pid_t pid) {
  std::array<char, kExecutableSizeMax> buffer;
  const ssize_t size = readlink(path_of(pid, "exe").data(), buffer.data(), buffer.size());
  return {buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

std::string read_command_line(pid_t pid) {
  std::array<char, kCommandLineSizeMax> buffer;
  std::string text(read_into(buffer, pid, "cmdline"));
  while (text.ends_with('\0')) text.pop_back();
  std::ranges::replace(text, '\0', ' ');
  return text;
}

TurnIds claimed_ids_in(std::string_view environment) {
  constexpr std::string_view kRequestId = "PICORTEX_REQUEST_ID=";
  constexpr std::string_view kChatId = "PICORTEX_CHAT_ID=";
  std::string_view request_id;
  std::string_view chat_id;
  while (!environment.empty()) {
    const std::string_view entry = environment.substr(0, environment.find('\0'));
    environment.remove_prefix(std::min(entry.size() + 1, environment.size()));
    // As with getenv(3), the first one counts.
    if (request_id.empty() && entry.starts_with(kRequestId)) {
      request_id = entry.substr(kRequestId.size());
    } else if (chat_id.empty() && entry.starts_with(kChatId)) {
      chat_id = entry.substr(kChatId.size());
    }
  }
  TurnIds ids;
  ids.request_id = parse_uuid(request_id).value_or(Uuid{});
  if (ids.request_id.is_nil()) return {};
  if (chat_id.size() <= kChatIdSizeMax && is_plain_text(chat_id)) ids.chat_id = chat_id;
  return ids;
}

TurnIds read_claimed_ids(pid_t pid) {
  const auto buffer = std::make_unique_for_overwrite<char[]>(kEnvironmentSizeMax);
  return claimed_ids_in(read_into({buffer.get(), kEnvironmentSizeMax}, pid, "environ"));
}

std::optional<uid_t> read_real_uid(pid_t pid) noexcept {
  return status_in<uid_t>(open_file(pid, "status"), "\nUid:\t");
}

std::optional<pid_t> read_process_of(pid_t pid) noexcept {
  return status_in<pid_t>(open_file(pid, "status"), "\nTgid:\t");
}

ProcessFiles::ProcessFiles(pid_t pid) noexcept
    : stat_(open_file(pid, "stat")), status_(open_file(pid, "status")) {}

std::optional<ProcessStat> ProcessFiles::stat() const noexcept { return stat_in(stat_); }

std::optional<pid_t> ProcessFiles::tracer() const noexcept {
  return status_in<pid_t>(status_, "\nTracerPid:\t");
}

}  // namespace picortex
