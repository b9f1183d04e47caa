#include "netfilter/dns/address_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "base/parse.h"
#include "base/text.h"
#include "netfilter/wire/host_name.h"

namespace picortex {
namespace {

constexpr std::string_view kHeader = "picortex-addresses 1 ";
constexpr std::size_t kCheckSize = 16;

std::string read_all(int file) {
  std::string text;
  struct stat status {};
  if (fstat(file, &status) != 0 || status.st_size <= 0 ||
      status.st_size > static_cast<off_t>(AddressLog::kFileSizeMax)) {
    return text;
  }
  text.resize(static_cast<std::size_t>(status.st_size));
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got =
        pread(file, text.data() + size, text.size() - size, static_cast<off_t>(size));
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return text;
}

}  // namespace

Result<std::unique_ptr<AddressLog>> AddressLog::open(Reactor& reactor, const std::string& path,
                                                     DnsCache& table, std::int64_t now_ms,
                                                     Filter filter) {
  std::unique_ptr<AddressLog> log(new AddressLog(reactor, table));
  std::array<std::string, 2> texts;
  std::array<std::uint64_t, 2> generations{};
  for (int i = 0; i < 2; ++i) {
    const auto at = static_cast<std::size_t>(i);
    TRY(log->open_file(i, path + (i == 0 ? ".a" : ".b")));
    texts[at] = read_all(log->files_[at].number());
    generations[at] = log->read_generation(texts[at]);
  }
  const std::size_t newer = generations[1] > generations[0] ? 1 : 0;
  log->load(texts[1 - newer], now_ms, filter);
  log->load(texts[newer], now_ms, filter);
  // The newer file stays unchanged until the snapshot is complete.
  log->current_ = 1 - newer;
  log->generation_ = generations[newer] + 1;
  TRY(log->write_snapshot(now_ms));
  table.set_recorder(log.get());
  reactor.add_first(IterationHook::to<&AddressLog::flush>(*log));
  return log;
}

AddressLog::~AddressLog() { table_.set_recorder(nullptr); }

// Rejects content that another user could have written.
Result<void> AddressLog::open_file(int index, const std::string& path) {
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
  files_[static_cast<std::size_t>(index)] = std::move(file);
  return {};
}

std::uint64_t AddressLog::read_generation(std::string_view text) const {
  if (!text.starts_with(kHeader)) return 0;
  text.remove_prefix(kHeader.size());
  // Less than the maximum, so that there is a next one.
  return parse_whole<std::uint64_t>(take_until(text, '\n'), 0, ~std::uint64_t{0} - 1).value_or(0);
}

void AddressLog::load(std::string_view text, std::int64_t now_ms, Filter filter) {
  const std::uint64_t generation = read_generation(text);
  if (generation == 0) {
    restored_.damaged += text.empty() ? 0 : 1;
    return;
  }
  take_until(text, '\n');
  AddressRecord record;
  while (!text.empty()) {
    const std::string_view line = take_until(text, '\n');
    if (!parse(line, generation, record)) {
      // A record of an older generation is no damage.
      std::string_view rest = line;
      const auto other = parse_whole<std::uint64_t>(take_until(rest, ' '));
      if (!other || *other >= generation) ++restored_.damaged;
      return;
    }
    const bool is_good = filter(record) && table_.restore(record, now_ms);
    ++(is_good ? restored_.records : restored_.rejected);
  }
}

bool AddressLog::parse(std::string_view line, std::uint64_t generation,
                       AddressRecord& record) const {
  if (line.size() < kCheckSize + 1 || line.size() > 512) return false;
  const std::string_view checked = line.substr(0, line.size() - kCheckSize);
  if (line.substr(checked.size()) != fmt::format("{:016x}", check_(checked))) return false;
  std::string_view rest = checked;
  if (parse_whole<std::uint64_t>(take_until(rest, ' ')) != generation) return false;
  const auto address = parse_ip_address(take_until(rest, ' '));
  const std::string_view name = take_until(rest, ' ');
  const auto host = HostName::parse(name);
  if (!address || !host || host->view() != name) return false;
  const auto answered_ms = parse_whole<std::int64_t>(take_until(rest, ' '));
  const auto expires_ms = parse_whole<std::int64_t>(take_until(rest, ' '));
  if (!answered_ms || !expires_ms || !rest.empty()) return false;
  record = {*address, std::string(name), *answered_ms, *expires_ms};
  return true;
}

void AddressLog::append(std::string& out, const AddressRecord& record) const {
  const std::size_t begin = out.size();
  fmt::format_to(std::back_inserter(out), "{} {} {} {} {} ", generation_, to_string(record.address),
                 record.name, record.answered_ms, record.expires_ms);
  const std::uint64_t check = check_(std::string_view(out).substr(begin));
  fmt::format_to(std::back_inserter(out), "{:016x}\n", check);
}

Result<void> AddressLog::write_snapshot(std::int64_t now_ms) {
  std::string text = fmt::format("{}{}\n", kHeader, generation_);
  const auto copy = [&](const AddressRecord& record) {
    if (record.expires_ms > now_ms) append(text, record);
  };
  table_.begin_walk();
  while (table_.walk(kCopiedPerTick, copy)) continue;
  const int file = files_[current_].number();
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t size = write(file, text.data() + at, text.size() - at);
    if (size <= 0) {
      return failure(fmt::format("cannot write the answered addresses: {}", std::strerror(errno)),
                     errno);
    }
    at += static_cast<std::size_t>(size);
  }
  size_ = living_size_ = text.size();
  if (ftruncate(file, static_cast<off_t>(text.size())) != 0) {
    return failure(fmt::format("cannot cut the answered addresses: {}", std::strerror(errno)),
                   errno);
  }
  return {};
}

void AddressLog::on_address(const AddressRecord& record) noexcept {
  if (pending_.size() >= kPendingMax || size_ >= kFileSizeMax / 2) {
    ++failures_;
    is_incomplete_ = true;
    return;
  }
  const std::size_t before = pending_.size();
  append(pending_, record);
  size_ += pending_.size() - before;
}

void AddressLog::tick(std::int64_t now_ms) {
  if (is_copying_) {
    is_copying_ = table_.walk(kCopiedPerTick, [&](const AddressRecord& record) {
      if (record.expires_ms > now_ms) on_address(record);
    });
    if (!is_copying_) living_size_ = size_;
    return;
  }
  begin_generation_when_due();
}

// The other file's content is older than everything in this one, and this one contains all live
// entries. If it does not, since a write failed, the older one has the same gap.
void AddressLog::begin_generation_when_due() {
  const bool is_large = size_ >= std::max(kRotationMin, 4 * living_size_);
  if (is_copying_ || !(is_large || is_incomplete_)) return;
  if (write_.in_flight() || !pending_.empty()) return;  // these belong to this generation
  current_ = 1 - current_;
  ++generation_;
  if (lseek(files_[current_].number(), 0, SEEK_SET) != 0) ++failures_;
  pending_ = fmt::format("{}{}\n", kHeader, generation_);
  size_ = pending_.size();
  is_incomplete_ = false;
  is_copying_ = true;
  table_.begin_walk();
}

void AddressLog::flush() noexcept {
  if (write_.in_flight() || pending_.empty()) return;
  writing_.swap(pending_);
  pending_.clear();
  written_ = 0;
  reactor_.ring().write(write_, files_[current_].number(), writing_);
  // The answers are sent after this: submit the records now, not at the next wait.
  reactor_.ring().submit();
}

void AddressLog::on_write(const Completion& completion) noexcept {
  if (completion.result <= 0) {
    // The rest of the file is unreadable after a gap, so this generation ends here.
    ++failures_;
    is_incomplete_ = true;
    writing_.clear();
  } else {
    written_ += static_cast<std::size_t>(completion.result);
    if (written_ < writing_.size()) {
      reactor_.ring().write(write_, files_[current_].number(),
                            std::span(writing_).subspan(written_));
      return;
    }
  }
  if (stopping_) return flush();
  begin_generation_when_due();
}

void AddressLog::stop() noexcept {
  stopping_ = true;
  flush();
}

}  // namespace picortex
