#include "netfilter/attribution/attribution.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <optional>
#include <utility>

#include "base/parse.h"
#include "netfilter/wire/packet.h"

namespace picortex {
namespace {

// A slice counts the thread's own time: on a busy machine, preemption is not search time, and the
// client whose socket identifies the process waits for nothing else.
std::chrono::nanoseconds thread_time() noexcept {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

// Directory entries that one step reads: some tens of microseconds.
constexpr int kEntriesPerStep = 64;

// The user that /proc shows as a process's owner; none if it has ended.
std::optional<uid_t> owner_of(pid_t pid) noexcept {
  std::array<char, 32> path;
  std::snprintf(path.data(), path.size(), "/proc/%d", pid);
  struct stat status;
  if (stat(path.data(), &status) != 0) return std::nullopt;
  return status.st_uid;
}

// The inode of the socket that a link of /proc/PID/fd leads to: 4711 of "socket:[4711]".
std::optional<std::uint64_t> socket_inode(int directory, const char* name) noexcept {
  constexpr std::string_view kBegin = "socket:[";
  std::array<char, 64> target;
  const ssize_t size = readlinkat(directory, name, target.data(), target.size());
  if (size <= 0) return std::nullopt;
  std::string_view link(target.data(), static_cast<std::size_t>(size));
  if (!link.starts_with(kBegin) || !link.ends_with(']')) return std::nullopt;
  link.remove_prefix(kBegin.size());
  link.remove_suffix(1);
  return parse_whole<std::uint64_t>(link);
}

}  // namespace

Attribution::Attribution(Reactor& reactor, const AgentProcessRegistry& runs, SockDiagQuery sockets,
                         AnswerCallback on_answer)
    : reactor_(reactor), describer_(runs), sockets_(std::move(sockets)), on_answer_(on_answer) {}

void Attribution::ask(std::uint32_t ticket, const SocketEnds& ends, Kind kind) {
  Question question{ticket, {}, pass_ + 1, reactor_.now() + kTimeLimit, ends, kind};
  Budget& budget = budget_of(kind);
  if (!may_ask(budget)) {
    ++turned_away_;
  } else if (kind == Kind::allowed) {
    question.is_asked = false;
  } else if (const auto found = sockets_.find(ends)) {
    question.socket = *found;
    recent_.begin();
  }
  waiting_.push_back(question);
  ++budget.waiting;
  reactor_.turn_at_once();
}

bool Attribution::ask_aside(std::uint32_t ticket, const SocketEnds& ends) {
  if (!may_ask(lookups_)) return false;
  const auto found = sockets_.find(ends);
  if (!found) return false;
  waiting_.push_back({ticket, *found, pass_ + 1, reactor_.now() + kTimeLimit, ends, Kind::lookup});
  ++lookups_.waiting;
  recent_.begin();
  reactor_.turn_at_once();
  return true;
}

bool Attribution::may_ask(Budget& budget) noexcept {
  if (reactor_.now() >= window_end_) {
    window_end_ = reactor_.now() + kWindow;
    names_.this_window = connections_.this_window = lookups_.this_window = 0;
  }
  return budget.waiting < budget.waiting_max && ++budget.this_turn <= budget.per_turn &&
         ++budget.this_window <= budget.per_window;
}

void Attribution::work_ahead() noexcept {
  names_.this_turn = connections_.this_turn = lookups_.this_turn = 0;
  described_.reset();
  sockets_.renew();
  give_up();
  if (is_searching()) {
    const auto end = thread_time() + kSlice;
    do {
      step();
    } while (is_searching() && thread_time() < end);
  }
  rest();
}

// Until here, the packet of an allowed connection has waited for nothing. Its client waits for the
// answer now.
void Attribution::ask_kernel() noexcept {
  for (Question& question : waiting_) {
    if (std::exchange(question.is_asked, true)) continue;
    question.socket = sockets_.find(question.ends).value_or(SocketOwner{});
    recent_.begin();
  }
}

void Attribution::work_behind() noexcept {
  ask_kernel();
  // No client waits for it, so preemption may count as well: this clock costs no system call.
  const auto end = std::chrono::steady_clock::now() + kShortSlice;
  for (int steps = 1; !waiting_.empty(); ++steps) {
    step();
    if (std::chrono::steady_clock::now() >= end) break;
    if (steps >= kStepsLeast && reactor_.ring().has_completions()) break;
  }
  rest();
}

bool Attribution::is_searching() const noexcept {
  return std::ranges::any_of(waiting_, [](const Question& q) { return q.is_urgent(); });
}

// Ends a slice: the next follows at once, unless there is nothing left to search for.
void Attribution::rest() {
  if (!waiting_.empty()) return reactor_.turn_at_once();
  phase_ = Phase::idle;
  descriptors_.reset();
}

// Answers questions that cannot be resolved: there is no such socket, or they timed out.
void Attribution::give_up() {
  for (std::size_t i = waiting_.size(); i-- > 0;) {
    const Question& question = waiting_[i];
    if ((question.is_asked && question.socket.inode == 0) || question.deadline <= reactor_.now())
      answer(i, {});
  }
}

void Attribution::step() {
  if (!recent_.is_finished()) return look_at_place();
  if (descriptors_) return look_at_descriptors();
  switch (phase_) {
    case Phase::idle:
      return begin_pass();
    case Phase::young:
      if (candidates_.empty()) return look_at_recent();
      break;
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
        drop_closed();
        if (waiting_.empty()) return;
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

// The previous pass, if there was one, has examined everything: a socket that was part of it does
// not exist.
void Attribution::begin_pass() {
  if (phase_ != Phase::idle) {
    for (std::size_t i = waiting_.size(); i-- > 0;) {
      if (waiting_[i].pass <= pass_) answer(i, {});
    }
  }
  ++pass_;
  candidates_ = young_.list(reactor_.now());
  std::erase_if(candidates_, [this](pid_t pid) { return recent_.has(pid); });
  roots_.clear();
  phase_ = Phase::young;
}

void Attribution::look_at_recent() {
  for (const auto& place : recent_.places()) candidates_.push_back(place.pid);
  phase_ = Phase::recent;
}

// A connection that was allowed and has been closed since belongs to no process any more: no full
// search is made for it. A denied one is closed as well, though its process may still have it open.
void Attribution::drop_closed() {
  int asked = 0;
  for (std::size_t i = waiting_.size(); i-- > 0 && asked < kQuestionsPerIteration;) {
    const Question& question = waiting_[i];
    if (question.is_urgent() || question.ends.protocol != kProtocolTcp) continue;
    ++asked;
    if (!sockets_.find(question.ends)) answer(i, {});
  }
}

void Attribution::list_processes() {
  for (int i = 0; i < kEntriesPerStep; ++i) {
    const dirent* entry = readdir(processes_.get());
    if (entry == nullptr || candidates_.size() >= kProcessesMax) {
      processes_.reset();
      std::ranges::sort(candidates_);  // the latest started is examined first
      phase_ = Phase::looking;
      return;
    }
    if (const auto pid = parse_whole<pid_t>(entry->d_name)) candidates_.push_back(*pid);
  }
}

bool Attribution::is_wanted(uid_t uid) const noexcept {
  return std::ranges::any_of(waiting_, [uid](const Question& q) { return q.socket.uid == uid; });
}

void Attribution::look_at_place() {
  const RecentSockets::Place& place = recent_.next();
  std::array<char, 16> name;
  std::snprintf(name.data(), name.size(), "%d", place.descriptor);
  const auto inode = socket_inode(place.directory.number(), name.data());
  if (!inode || !is_asked_for(*inode)) return;
  const pid_t pid = place.pid;
  if (const auto owner = owner_of(pid); !owner || !is_wanted(*owner)) return;
  recent_.note_match();
  answer_all(*inode, pid);
}

void Attribution::look_at(pid_t pid) {
  const auto uid = phase_ == Phase::looking_behind_root ? read_real_uid(pid) : owner_of(pid);
  if (!uid) return recent_.forget(pid);
  if (!is_wanted(*uid)) {
    if (phase_ == Phase::looking) roots_.push_back(pid);
    return;
  }
  // A thread has the descriptors of its process, which has another PID.
  if (phase_ == Phase::young && read_process_of(pid) != pid) return;
  std::array<char, 32> path;
  std::snprintf(path.data(), path.size(), "/proc/%d/fd", pid);
  descriptors_.reset(opendir(path.data()));
  pid_ = pid;
}

void Attribution::look_at_descriptors() {
  for (int i = 0; i < kEntriesPerStep; ++i) {
    const dirent* entry = readdir(descriptors_.get());
    if (entry == nullptr) {
      descriptors_.reset();
      return;
    }
    const auto inode = socket_inode(dirfd(descriptors_.get()), entry->d_name);
    if (!inode || !is_asked_for(*inode)) continue;
    note_found(pid_, parse_whole<int>(entry->d_name).value_or(0));
    answer_all(*inode, pid_);
    if (waiting_.empty()) return;
  }
}

bool Attribution::is_asked_for(std::uint64_t inode) const noexcept {
  return std::ranges::any_of(waiting_,
                             [inode](const Question& q) { return q.socket.inode == inode; });
}

// Of a process whose descriptors are being examined.
void Attribution::note_found(pid_t pid, int descriptor) {
  FileDescriptor directory(fcntl(dirfd(descriptors_.get()), F_DUPFD_CLOEXEC, 0));
  if (directory.is_open()) recent_.add({pid, descriptor, std::move(directory)});
}

void Attribution::answer_all(std::uint64_t inode, pid_t pid) {
  for (std::size_t i = waiting_.size(); i-- > 0;) {
    if (waiting_[i].socket.inode == inode) answer(i, describe(pid));
  }
}

void Attribution::answer(std::size_t question, const ProcessOwner& process_owner) {
  const std::uint32_t ticket = waiting_[question].ticket;
  --budget_of(waiting_[question].kind).waiting;
  waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(question));
  on_answer_(ticket, process_owner);
}

// A process with many sockets, as in a flood, is described once per iteration.
const ProcessOwner& Attribution::describe(pid_t pid) {
  if (!described_ || described_->pid != pid) described_ = describer_.describe(pid, reactor_.now());
  return *described_;
}

}  // namespace picortex
