#include "netfilter/attribution.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>

#include "netfilter/packet.h"

namespace picortex {
namespace {

// Entries of a directory that one step reads: some tens of microseconds.
constexpr int kEntriesPerStep = 64;
constexpr std::size_t kRecentMax = 8;

template <class Number>
std::optional<Number> whole_number(std::string_view text) noexcept {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "socket:[4711]" → 4711.
std::optional<std::uint64_t> socket_inode(std::string_view link) noexcept {
  constexpr std::string_view kBegin = "socket:[";
  if (!link.starts_with(kBegin) || !link.ends_with(']')) return std::nullopt;
  link.remove_prefix(kBegin.size());
  link.remove_suffix(1);
  return whole_number<std::uint64_t>(link);
}

}  // namespace

std::string_view id_source_label(IdSource source) noexcept {
  switch (source) {
    case IdSource::none:
      return "none";
    case IdSource::claimed:
      return "claimed";
    case IdSource::registered:
      break;
  }
  return "registered";
}

Attribution::Attribution(Reactor& reactor, const RunRegistry& runs, SocketQuery sockets,
                         void* owner, Handler handler)
    : reactor_(reactor),
      runs_(runs),
      sockets_(std::move(sockets)),
      owner_(owner),
      handler_(handler) {}

void Attribution::ask(std::uint32_t ticket, const SocketEnds& ends, bool is_urgent) {
  Question question{ticket, {}, pass_ + 1, reactor_.now() + kTimeLimit, ends, is_urgent};
  if (!may_ask()) {
    ++turned_away_;
  } else if (const auto found = sockets_.find(ends)) {
    question.socket = *found;
  }
  waiting_.push_back(question);
  reactor_.turn_at_once();
}

bool Attribution::may_ask() noexcept {
  if (reactor_.now() >= window_end_) {
    window_end_ = reactor_.now() + kWindow;
    questions_this_window_ = 0;
  }
  return waiting_.size() < kWaitingMax && ++questions_this_turn_ <= kQuestionsPerTurn &&
         ++questions_this_window_ <= kQuestionsPerWindow;
}

void Attribution::work_ahead() noexcept {
  questions_this_turn_ = 0;
  described_.reset();
  sockets_.renew();
  give_up();
  const Instant end = std::chrono::steady_clock::now() + kSlice;
  while (has_urgent()) {
    step();
    if (std::chrono::steady_clock::now() >= end) break;
  }
  rest();
}

void Attribution::work_behind() noexcept {
  const Instant end = std::chrono::steady_clock::now() + kShortSlice;
  while (!waiting_.empty()) {
    step();
    if (std::chrono::steady_clock::now() >= end) break;
  }
  rest();
}

bool Attribution::has_urgent() const noexcept {
  return std::ranges::any_of(waiting_, [](const Question& q) { return q.is_urgent; });
}

// Ends a slice: the next follows at once, or there is nothing left to look for.
void Attribution::rest() {
  if (!waiting_.empty()) return reactor_.turn_at_once();
  phase_ = Phase::idle;
  descriptors_.reset();
}

// Answers what cannot be found: no such socket, or its time is up.
void Attribution::give_up() {
  for (std::size_t i = waiting_.size(); i-- > 0;) {
    const Question& question = waiting_[i];
    if (question.socket.inode == 0 || question.deadline <= reactor_.now()) answer(i, {});
  }
}

void Attribution::step() {
  if (descriptors_) return look_at_descriptors();
  switch (phase_) {
    case Phase::idle:
      return begin_pass();
    case Phase::recent:
      if (candidates_.empty()) {
        drop_closed();
        if (waiting_.empty()) return;
        processes_.reset(opendir("/proc"));
        phase_ = processes_ ? Phase::listing : Phase::looking;
        return;
      }
      break;
    case Phase::listing:
      return list_processes();
    case Phase::looking:
      if (candidates_.empty()) {
        candidates_.swap(roots_);
        phase_ = Phase::looking_behind_root;
        return;
      }
      break;
    case Phase::looking_behind_root:
      if (candidates_.empty()) return begin_pass();
      break;
  }
  const pid_t pid = candidates_.back();
  candidates_.pop_back();
  look_at(pid);
}

// The pass before, if there was one, has looked at everything: what was part of it is not there.
void Attribution::begin_pass() {
  if (phase_ != Phase::idle) {
    for (std::size_t i = waiting_.size(); i-- > 0;) {
      if (waiting_[i].pass <= pass_) answer(i, {});
    }
  }
  ++pass_;
  candidates_.assign(recent_.begin(), recent_.end());
  roots_.clear();
  phase_ = Phase::recent;
}

// A connection that was let go and has been closed since is no process's any more: for it, nobody
// looks through all of them. A refused one is closed as well, though its process may have it open.
void Attribution::drop_closed() {
  int asked = 0;
  for (std::size_t i = waiting_.size(); i-- > 0 && asked < kQuestionsPerTurn;) {
    const Question& question = waiting_[i];
    if (question.is_urgent || question.ends.protocol != kProtocolTcp) continue;
    ++asked;
    if (!sockets_.find(question.ends)) answer(i, {});
  }
}

void Attribution::list_processes() {
  for (int i = 0; i < kEntriesPerStep; ++i) {
    const dirent* entry = readdir(processes_.get());
    if (entry == nullptr || candidates_.size() >= kProcessesMax) {
      processes_.reset();
      std::ranges::sort(candidates_);  // the latest started is looked at first
      phase_ = Phase::looking;
      return;
    }
    if (const auto pid = whole_number<pid_t>(entry->d_name)) candidates_.push_back(*pid);
  }
}

bool Attribution::is_wanted(pid_t pid, bool by_real_uid) const {
  uid_t uid = 0;
  if (by_real_uid) {
    const auto real = read_real_uid(pid);
    if (!real) return false;
    uid = *real;
  } else {
    std::array<char, 32> path;
    std::snprintf(path.data(), path.size(), "/proc/%d", pid);
    struct stat status;
    if (stat(path.data(), &status) != 0) return false;
    uid = status.st_uid;
  }
  return std::ranges::any_of(waiting_, [uid](const Question& q) { return q.socket.uid == uid; });
}

void Attribution::look_at(pid_t pid) {
  const bool behind_root = phase_ == Phase::looking_behind_root;
  if (!is_wanted(pid, behind_root)) {
    if (phase_ == Phase::looking) roots_.push_back(pid);
    return;
  }
  std::array<char, 32> path;
  std::snprintf(path.data(), path.size(), "/proc/%d/fd", pid);
  descriptors_.reset(opendir(path.data()));
  pid_ = pid;
  described_.reset();
}

void Attribution::look_at_descriptors() {
  for (int i = 0; i < kEntriesPerStep; ++i) {
    const dirent* entry = readdir(descriptors_.get());
    if (entry == nullptr) {
      descriptors_.reset();
      return;
    }
    std::array<char, 64> link;
    const ssize_t size =
        readlinkat(dirfd(descriptors_.get()), entry->d_name, link.data(), link.size());
    if (size <= 0) continue;
    if (const auto inode = socket_inode({link.data(), static_cast<std::size_t>(size)})) {
      compare(*inode);
    }
    if (waiting_.empty()) return;
  }
}

void Attribution::compare(std::uint64_t inode) {
  for (std::size_t i = waiting_.size(); i-- > 0;) {
    if (waiting_[i].socket.inode != inode) continue;
    std::erase(recent_, pid_);
    recent_.push_back(pid_);
    if (recent_.size() > kRecentMax) recent_.pop_front();
    answer(i, describe_found());
  }
}

void Attribution::answer(std::size_t question, const Culprit& culprit) {
  const std::uint32_t ticket = waiting_[question].ticket;
  waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(question));
  handler_(owner_, ticket, culprit);
}

// Of a process with many sockets, as a flood has, asked once a turn.
const Culprit& Attribution::describe_found() {
  if (!described_) described_ = describe(pid_);
  return *described_;
}

Culprit Attribution::describe(pid_t pid) const {
  Culprit culprit{.pid = pid,
                  .executable = read_executable(pid),
                  .command = read_command_line(pid),
                  .ids = {},
                  .id_source = IdSource::none};
  find_ids(pid, culprit);
  return culprit;
}

// The nearest ancestor that was registered has the last word; else the nearest that claims.
void Attribution::find_ids(pid_t pid, Culprit& culprit) const {
  for (int level = 0; level <= kAncestorsMax && pid > 1; ++level) {
    const auto stat = read_process_stat(pid);
    if (!stat) return;
    if (const TurnIds* ids = runs_.find({pid, stat->start_time})) {
      culprit.ids = *ids;
      culprit.id_source = IdSource::registered;
      return;
    }
    if (culprit.id_source == IdSource::none) {
      culprit.ids = read_claimed_ids(pid);
      if (!culprit.ids.request_id.is_nil()) culprit.id_source = IdSource::claimed;
    }
    pid = stat->parent;
  }
}

}  // namespace picortex
