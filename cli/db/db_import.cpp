#include "cli/db/db_import.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "base/file_descriptor.h"
#include "base/terminal.h"
#include "base/time/clock.h"
#include "daemon/config/data_dir.h"
#include "handlers/ingest/claude/restored_turn.h"
#include "handlers/query/export_line.h"
#include "storage/event_store.h"
#include "storage/sqlite/blocking_commit.h"

namespace picortex {
namespace {

constexpr std::size_t kEventsPerCommit = 1000;
constexpr std::size_t kReadSize = 256 * 1024;
constexpr std::chrono::milliseconds kProgressPause{200};

volatile sig_atomic_t interrupted = 0;

void on_interrupt(int) { interrupted = 1; }

// A second interrupt ends the process at once.
void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  // without SA_RESTART, so that an interrupted read returns
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

// Reads a file line by line. Each line is followed by the padding that the parser needs.
class ImportLines {
 public:
  explicit ImportLines(int descriptor) : descriptor_(descriptor) {}

  // Returns the next line without its newline, valid until the next call; nothing at the end of the
  // file and after an interrupt.
  Result<std::optional<std::span<char>>> next() {
    begin_ = end_;
    for (;;) {
      const std::size_t found = buffer_.find('\n', end_);
      if (found < filled_) return take(found, found + 1);
      end_ = filled_;
      if (is_over_) {
        if (begin_ == filled_) return std::nullopt;
        return take(filled_, filled_);
      }
      if (interrupted != 0) return std::nullopt;
      if (filled_ - begin_ > ExportLineReader::kLineSizeMax) return failure("it is too long");
      TRY(read_more());
    }
  }

 private:
  std::span<char> take(std::size_t end, std::size_t next) {
    end_ = next;
    return {buffer_.data() + begin_, end - begin_};
  }

  Result<void> read_more() {
    buffer_.erase(0, begin_);
    end_ -= begin_;
    filled_ -= begin_;
    begin_ = 0;
    buffer_.resize(filled_ + kReadSize + kJsonPadding);
    const ssize_t got = ::read(descriptor_, buffer_.data() + filled_, kReadSize);
    if (got < 0 && errno != EINTR) return failure(std::strerror(errno), errno);
    is_over_ = got == 0;
    if (got > 0) filled_ += static_cast<std::size_t>(got);
    return {};
  }

  int descriptor_;
  std::string buffer_;  // with padding after filled_
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t filled_ = 0;
  bool is_over_ = false;
};

class Import {
 public:
  Import(EventStore& store, int descriptor) : store_(store), lines_(descriptor) {}

  Result<void> run() {
    while (interrupted == 0) {
      ++line_;
      auto line = lines_.next();
      if (!line) return at_line(line.error());
      if (!*line) break;
      if ((*line)->empty()) continue;
      auto event = reader_.read(**line);
      if (!event) return at_line(event.error());
      // Turns are made of events, so an export has none.
      const auto turn = turns_.note_of(*event);
      if (turn) event->turn = &*turn;
      if (auto stored = store(*event); !stored) return failure(stored.error().what);
    }
    return end();
  }

  std::uint64_t stored() const noexcept { return stored_; }
  std::uint64_t repeated() const noexcept { return repeated_; }

 private:
  // Events from before the line stay stored.
  Result<void> at_line(const Error& error) {
    TRY(end());
    return failure("line " + std::to_string(line_) + ": " + error.what);
  }

  StoreResult<void> store(const Event& event) {
    if (in_batch_ == 0) {
      TRY(store_.begin(kSystemClock.unix_ms()));
    }
    ++in_batch_;
    const auto stored = TRY(store_.append(event));
    ++(stored ? stored_in_batch_ : repeated_in_batch_);
    return in_batch_ < kEventsPerCommit ? StoreResult<void>() : commit();
  }

  StoreResult<void> commit() {
    if (in_batch_ == 0) return {};
    TRY(synced_commit(store_, Durable::yes));
    stored_ += std::exchange(stored_in_batch_, 0);
    repeated_ += std::exchange(repeated_in_batch_, 0);
    in_batch_ = 0;
    show_progress();
    return {};
  }

  Result<void> end() {
    if (auto committed = commit(); !committed) return failure(committed.error().what);
    if (shown_at_.time_since_epoch().count() != 0) std::fputs("\r\033[K", stderr);
    return {};
  }

  void show_progress() {
    const auto now = std::chrono::steady_clock::now();
    if (isatty(STDERR_FILENO) == 0 || now - shown_at_ < kProgressPause) return;
    shown_at_ = now;
    std::fprintf(stderr, "\r%llu events\033[K",
                 static_cast<unsigned long long>(stored_ + repeated_));
  }

  EventStore& store_;
  ImportLines lines_;
  ExportLineReader reader_;
  RestoredTurn turns_;
  std::uint64_t line_ = 0;
  std::size_t in_batch_ = 0;
  std::uint64_t stored_in_batch_ = 0;
  std::uint64_t repeated_in_batch_ = 0;
  std::uint64_t stored_ = 0;
  std::uint64_t repeated_ = 0;
  std::chrono::steady_clock::time_point shown_at_{};
};

Result<FileDescriptor> open_input(const std::string& file) {
  if (file.empty() || file == "-") return FileDescriptor(dup(STDIN_FILENO));
  FileDescriptor opened(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (opened.is_open()) return opened;
  return errno_failure("cannot read " + display(file));
}

}  // namespace

int import_events(const std::string& data_dir, const std::string& file, std::int64_t age_max_ms) {
  umask(077);
  auto input = open_input(file);
  if (!input) return print_error("db", input.error().what);
  auto lock = claim_data_dir(data_dir);
  if (!lock) return print_error("db", lock.error().what);
  auto store = EventStore::open(data_dir, kSystemClock.unix_ms());
  if (!store) return print_error("db", store.error().what);
  if (age_max_ms > 0)
    (*store)->keep_appended(kSystemClock.unix_ms() - age_max_ms,
                            kSystemClock.unix_ms() + age_max_ms);
  catch_interrupts();
  Import import(**store, input->number());
  const auto done = import.run();
  if (auto finished = (*store)->finish(kSystemClock.unix_ms()); !finished)
    return print_error("db", finished.error().what);
  std::printf("%llu events stored, %llu were there already\n",
              static_cast<unsigned long long>(import.stored()),
              static_cast<unsigned long long>(import.repeated()));
  if (std::fflush(stdout) != 0) return print_error("db", "cannot write to stdout");
  if (!done) return print_error("db", done.error().what);
  return interrupted != 0 ? print_error("db", "ended by a signal; run it again to continue") : 0;
}

}  // namespace picortex
