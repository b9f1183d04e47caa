#pragma once

#include <dirent.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "netfilter/process.h"
#include "netfilter/run_registry.h"
#include "netfilter/socket_query.h"
#include "reactor/reactor.h"

namespace picortex {

// From where a turn's IDs are known.
enum class IdSource : std::uint8_t {
  none,
  claimed,     // by the process's own environment, or that of an ancestor: it can be forged
  registered,  // by `picortex run`, which told the daemon of the process or an ancestor
};

// "none", "claimed", "registered".
std::string_view id_source_label(IdSource source) noexcept;

// Who did it, as far as it could be found out; pid 0: not at all.
struct Culprit {
  pid_t pid = 0;
  std::string executable;
  std::string command;  // any bytes
  TurnIds ids;
  IdSource id_source = IdSource::none;
};

// Finds the process behind a socket: the socket's inode from the kernel at once, while it lives;
// then the process that has it open, from /proc, in slices of the loop's time at the turns' ends;
// then what that process is and whose turn it works for. Reads nothing of other users' processes
// but their owner and, of root's, their real user: a process that forbids dumps looks like root's.
//
// Everything is bounded: questions a turn and in a while, so that a flood of refusals costs little
// more than its verdicts; questions that wait; the time of a slice; and the time of a question,
// after which the answer is that it is not known.
class Attribution {
 public:
  static constexpr std::size_t kWaitingMax = 256;
  static constexpr int kQuestionsPerTurn = 32;
  static constexpr int kQuestionsPerWindow = 256;
  static constexpr std::chrono::milliseconds kWindow{100};
  static constexpr int kAncestorsMax = 32;
  static constexpr std::size_t kProcessesMax = 65'536;
  static constexpr std::chrono::microseconds kSlice{500};
  static constexpr std::chrono::microseconds kShortSlice{20};  // others' packets wait for it
  static constexpr std::chrono::seconds kTimeLimit{3};

  using Handler = void (*)(void* owner, std::uint32_t ticket, const Culprit& culprit) noexcept;

  // What is passed by reference outlives this. `handler` hears of each question once, in one of its
  // slices.
  Attribution(Reactor& reactor, const RunRegistry& runs, SocketQuery sockets, void* owner,
              Handler handler);

  // Asks whose socket it is; `ticket` comes back with the answer. To be called before the packet's
  // verdict is sent, since a refusal ends the socket, and often the client too: then `is_urgent`.
  void ask(std::uint32_t ticket, const SocketEnds& ends, bool is_urgent);

  // A slice of the work at every turn's end, before the verdicts go out, while something is urgent:
  // so a short-lived client is still there.
  void work_ahead() noexcept;
  // A short slice behind the verdicts: no connection that is let go waits for it to be attributed.
  void work_behind() noexcept;

  bool is_idle() const noexcept { return waiting_.empty(); }
  // Questions that were turned away since too many came at once.
  std::uint64_t turned_away() const noexcept { return turned_away_; }

 private:
  struct Question {
    std::uint32_t ticket;
    SocketOwner socket;  // inode 0: not found
    std::uint64_t pass;  // the first whole pass over the processes that it is part of
    Instant deadline;
    SocketEnds ends;
    bool is_urgent;
  };
  struct Directory {
    void operator()(DIR* directory) const noexcept { closedir(directory); }
  };

  bool may_ask() noexcept;
  bool has_urgent() const noexcept;
  void rest();
  void step();
  void begin_pass();
  void drop_closed();
  void list_processes();
  void look_at(pid_t pid);
  bool is_wanted(pid_t pid, bool by_real_uid) const;
  void look_at_descriptors();
  void compare(std::uint64_t inode);
  void give_up();
  void answer(std::size_t question, const Culprit& culprit);
  const Culprit& describe_found();
  Culprit describe(pid_t pid) const;
  void find_ids(pid_t pid, Culprit& culprit) const;

  Reactor& reactor_;
  const RunRegistry& runs_;
  SocketQuery sockets_;
  void* owner_;
  Handler handler_;
  std::vector<Question> waiting_;
  int questions_this_turn_ = 0;
  int questions_this_window_ = 0;
  Instant window_end_{};
  std::uint64_t turned_away_ = 0;

  // A pass over all processes, the most promising first.
  enum class Phase : std::uint8_t { idle, recent, listing, looking, looking_behind_root };
  Phase phase_ = Phase::idle;
  std::uint64_t pass_ = 0;
  std::unique_ptr<DIR, Directory> processes_;
  std::vector<pid_t> candidates_;  // the next one last
  std::vector<pid_t> roots_;       // those that look like root's
  pid_t pid_ = 0;                  // whose descriptors are being looked at
  std::unique_ptr<DIR, Directory> descriptors_;
  std::optional<Culprit> described_;  // what pid_ is, once this turn has asked
  std::deque<pid_t> recent_;          // in which something was found, the latest last
};

}  // namespace picortex
