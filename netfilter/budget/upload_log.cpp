#include "netfilter/budget/upload_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/parse.h"
#include "base/text.h"

namespace picortex {
namespace {

constexpr std::string_view kUploadHeader = "picortex-uploads 1";
constexpr std::size_t kUploadCheckSize = 16;
constexpr std::int64_t kBytesMax = std::int64_t{1} << 60;
constexpr int kOpenFlags = O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;

bool write_whole(int file, std::string_view text) noexcept {
  return write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

std::string read_all(int file, std::size_t size) {
  std::string text(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = pread(file, text.data() + done, size - done, static_cast<off_t>(done));
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  text.resize(done);
  return text;
}

}  // namespace

Result<std::unique_ptr<UploadLog>> UploadLog::open(const std::string& path, Restore restore) {
  FileDescriptor file(::open(path.c_str(), kOpenFlags, 0600));
  struct stat status {};
  if (!file.is_open() || fstat(file.number(), &status) != 0) {
    return failure(fmt::format("cannot open {}: {}", path, std::strerror(errno)), errno);
  }
  // What another user could have written is no record of the daemon's.
  if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || status.st_nlink != 1 ||
      (status.st_mode & 077) != 0) {
    return failure(
        path + " is not a file of the daemon's own that only it can read (mode 0600); remove it",
        EPERM);
  }
  const auto size = static_cast<std::size_t>(std::max<off_t>(status.st_size, 0));
  if (size > kFileSizeMax) return failure(path + " is larger than 64 MiB; remove it", EFBIG);
  std::unique_ptr<UploadLog> log(new UploadLog(path, std::move(file)));
  log->load(read_all(log->file_.number(), size), restore);
  log->size_ = size;
  return log;
}

void UploadLog::load(std::string_view text, Restore restore) {
  if (text.empty()) return;
  if (take_until(text, '\n') != kUploadHeader) {
    ++damaged_;
    return;
  }
  UploadRecord record;
  while (!text.empty()) {
    const std::string_view line = take_until(text, '\n');
    if (parse(line, record)) {
      restore(record);
    } else {
      ++damaged_;
    }
  }
}

bool UploadLog::parse(std::string_view line, UploadRecord& record) const {
  if (line.size() < kUploadCheckSize + 1 || line.size() > 512) return false;
  const std::string_view checked = line.substr(0, line.size() - kUploadCheckSize);
  if (line.substr(checked.size()) != fmt::format("{:016x}", check_(checked))) return false;
  std::string_view rest = checked;
  const auto end_ms = parse_whole<std::int64_t>(take_until(rest, ' '), 0, kBytesMax);
  const auto bytes = parse_whole<std::int64_t>(take_until(rest, ' '), 0, kBytesMax);
  const std::string_view key = take_until(rest, ' ');
  if (!end_ms || !bytes || key.empty() || !rest.empty()) return false;
  record = {key, *end_ms, *bytes};
  return true;
}

std::string UploadLog::line_of(const UploadRecord& record) const {
  std::string line = fmt::format("{} {} {} ", record.end_ms, record.bytes, record.key);
  return line + fmt::format("{:016x}", check_(line));
}

// The line feed comes first, so that a line which is torn spoils no other one.
void UploadLog::add(const UploadRecord& record) noexcept {
  const std::string line = '\n' + line_of(record);
  if (!write_whole(file_.number(), line)) ++failures_;
  size_ += line.size();
}

void UploadLog::rewrite(std::span<const UploadRecord> records) noexcept {
  std::string text(kUploadHeader);
  for (const UploadRecord& record : records) text.append(1, '\n').append(line_of(record));
  // Also after a failure: the next attempt waits for as much growth.
  size_ = text.size();
  rewrite_size_ = std::max(kRewriteMin, 4 * text.size());
  const std::string fresh = path_ + ".new";
  unlink(fresh.c_str());  // left by a daemon that was killed
  FileDescriptor file(::open(fresh.c_str(), kOpenFlags | O_EXCL, 0600));
  if (!file.is_open() || !write_whole(file.number(), text) ||
      rename(fresh.c_str(), path_.c_str()) != 0) {
    ++failures_;
    unlink(fresh.c_str());
    return;
  }
  file_ = std::move(file);
}

}  // namespace picortex
