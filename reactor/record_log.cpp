#include "reactor/record_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <span>
#include <utility>

#include "base/parse.h"
#include "base/text.h"

namespace picortex {
namespace {

constexpr std::string_view kCopied = "copied";
constexpr std::size_t kCheckSize = 16;
constexpr std::size_t kLineMax = 512;

// Rejects a file that another user could have written.
Result<FileDescriptor> open_own_file(const std::string& path) {
  FileDescriptor file(
      ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  struct stat status {};
  if (!file.is_open() || fstat(file.number(), &status) != 0) {
    return failure(fmt::format("cannot open {}: {}", path, std::strerror(errno)), errno);
  }
  if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || status.st_nlink != 1 ||
      (status.st_mode & 077) != 0) {
    return failure(path +
                       " is not a file of the daemon's own that only it can read (mode 0600); "
                       "remove it",
                   EPERM);
  }
  return file;
}

Result<std::string> read_all(int file, const std::string& path) {
  struct stat status {};
  if (fstat(file, &status) == 0 && status.st_size > static_cast<off_t>(RecordLog::kFileSizeMax)) {
    return failure(path + " is larger than 64 MiB; remove it", EFBIG);
  }
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got =
        pread(file, text.data() + size, text.size() - size, static_cast<off_t>(size));
    if (got < 0)
      return failure(fmt::format("cannot read {}: {}", path, std::strerror(errno)), errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return text;
}

}  // namespace

Result<std::unique_ptr<RecordLog>> RecordLog::open(Reactor& reactor, const std::string& path,
                                                   std::string_view title, Restore restore) {
  std::unique_ptr<RecordLog> log(new RecordLog(reactor, title));
  std::array<std::string, 2> texts;
  std::array<std::uint64_t, 2> generations{};
  for (std::size_t i = 0; i < 2; ++i) {
    const std::string file = path + (i == 0 ? ".a" : ".b");
    log->files_[i] = TRY(open_own_file(file));
    texts[i] = TRY(read_all(log->files_[i].number(), file));
    generations[i] = log->read_generation(texts[i]);
  }
  const std::size_t newer = generations[1] > generations[0] ? 1 : 0;
  log->load(1 - newer, texts[1 - newer], restore);
  // The file that is whole stays unchanged until the next generation is.
  if (log->load(newer, texts[newer], restore)) log->whole_at_ = 0;
  log->current_ = newer;
  log->generation_ = generations[newer];
  log->begin_generation();
  reactor.add_first(IterationHook::to<&RecordLog::flush>(*log));
  return log;
}

std::uint64_t RecordLog::read_generation(std::string_view text) const {
  if (!text.starts_with(title_ + ' ')) return 0;
  text.remove_prefix(title_.size() + 1);
  // Less than the maximum, so that there is a next one.
  return parse_whole<std::uint64_t>(take_until(text, '\n'), 0, ~std::uint64_t{0} - 1).value_or(0);
}

// Returns whether the file has all records that were live when its generation began. Whether a line
// is damaged or the rest of an older generation's is only known by what follows it, except where its
// generation can be read.
bool RecordLog::load(std::size_t file, std::string_view text, Restore restore) {
  const std::uint64_t generation = read_generation(text);
  if (generation == 0) {
    damaged_[file] += text.empty() ? 0 : 1;
    return false;
  }
  take_until(text, '\n');
  bool is_whole = false;
  std::size_t doubtful = 0;
  while (!text.empty()) {
    const std::string_view line = take_until(text, '\n');
    const auto fields = fields_of(line, generation);
    if (fields == kCopied) {
      is_whole = true;
    } else if (!fields || !restore(*fields)) {
      std::string_view rest = line;
      if (parse_whole<std::uint64_t>(take_until(rest, ' ')) != generation) {
        ++doubtful;
        continue;
      }
      ++damaged_[file];
    }
    damaged_[file] += std::exchange(doubtful, 0);
  }
  return is_whole;
}

std::optional<std::string_view> RecordLog::fields_of(std::string_view line,
                                                     std::uint64_t generation) const {
  if (line.size() < kCheckSize + 1 || line.size() > kLineMax) return std::nullopt;
  const std::string_view checked = line.substr(0, line.size() - kCheckSize);
  std::string_view fields = checked;
  if (parse_whole<std::uint64_t>(take_until(fields, ' ')) != generation) return std::nullopt;
  if (line.substr(checked.size()) != fmt::format("{:016x}", check_(checked))) return std::nullopt;
  if (!fields.ends_with(' ')) return std::nullopt;
  fields.remove_suffix(1);
  return fields;
}

std::uint64_t RecordLog::append(std::string_view fields) {
  const std::size_t pending_max = is_copying_ ? kFileSizeMax / 2 : kPendingMax;
  const bool has_room = pending_.size() < pending_max && size_ < kFileSizeMax / 2;
  if (!is_broken_ && !has_room) fail(ENOBUFS);
  if (is_broken_) {
    ++failures_;
    lost_until_ = ++appended_;
    return appended_;
  }
  const std::size_t begin = pending_.size();
  fmt::format_to(std::back_inserter(pending_), "{} {} ", generation_, fields);
  const std::uint64_t check = check_(std::string_view(pending_).substr(begin));
  fmt::format_to(std::back_inserter(pending_), "{:016x}\n", check);
  size_ += pending_.size() - begin;
  appended_ += pending_.size() - begin;
  return appended_;
}

// A place that was lost is written with the copy of the next generation.
RecordLog::State RecordLog::state_of(std::uint64_t place) const noexcept {
  if (place <= written_) return State::written;
  return place <= lost_until_ || is_silent_ ? State::lost : State::pending;
}

bool RecordLog::tick() noexcept {
  is_silent_ = write_.in_flight() && reactor_.now() - writing_since_ >= kAnswerMax;
  const bool is_large = size_ >= std::max(kRotationMin, 4 * living_size_);
  if (is_copying_ || has_pending() || stopping_ || !(is_large || is_broken_)) return false;
  begin_generation();
  return true;
}

void RecordLog::begin_generation() noexcept {
  if (is_whole()) current_ = 1 - current_;
  whole_at_.reset();
  ++generation_;
  is_broken_ = false;
  is_copying_ = true;
  pending_ = fmt::format("{} {}\n", title_, generation_);
  size_ = pending_.size();
  appended_ += pending_.size();
  if (lseek(files_[current_].number(), 0, SEEK_SET) != 0) fail(errno);
}

void RecordLog::end_copy() {
  const std::uint64_t end = append(kCopied);
  if (!is_broken_) whole_at_ = end;
  is_copying_ = false;
  living_size_ = size_;
}

// The rest of the file is unreadable after a gap, so this generation ends here.
void RecordLog::fail(int error) noexcept {
  ++failures_;
  error_ = error;
  is_broken_ = true;
  is_copying_ = false;
  pending_.clear();
  lost_until_ = appended_;
}

void RecordLog::flush() noexcept {
  if (write_.in_flight() || pending_.empty()) return;
  writing_.swap(pending_);
  pending_.clear();
  writing_done_ = 0;
  writing_until_ = appended_;
  writing_since_ = reactor_.now();
  reactor_.ring().write(write_, files_[current_].number(), writing_);
  // The daemon's answers may depend on it: submit it now, not at the next wait.
  reactor_.ring().submit();
}

void RecordLog::on_write(const Completion& completion) noexcept {
  if (completion.result <= 0) {
    is_silent_ = false;
    return fail(completion.result == 0 ? EIO : -completion.result);
  }
  writing_done_ += static_cast<std::size_t>(completion.result);
  if (writing_done_ < writing_.size()) {
    reactor_.ring().write(write_, files_[current_].number(),
                          std::span(writing_).subspan(writing_done_));
    return;
  }
  is_silent_ = false;
  written_ = writing_until_;
  if (!is_broken_) error_ = 0;
  if (stopping_) flush();
}

void RecordLog::stop() noexcept {
  stopping_ = true;
  flush();
}

std::string RecordLog::failure_text() const {
  if (error_ != 0) return std::strerror(error_);
  return is_silent_ ? "the file system does not answer" : "";
}

}  // namespace picortex
