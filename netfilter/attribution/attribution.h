#pragma once

#include <dirent.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/callback.h"
#include "netfilter/attribution/agent_process_registry.h"
#include "netfilter/attribution/process_description.h"
#include "netfilter/attribution/recent_sockets.h"
#include "netfilter/attribution/young_processes.h"
#include "netfilter/kernel/sock_diag_query.h"
#include "reactor/reactor.h"

namespace picortex {

// Finds the process that owns a socket: the socket's inode from the kernel at once, while it lives;
// then the process that has it open, from /proc, in slices of the loop's time at the iterations'
// ends; then what that process is and which turn it works for. Of other users' processes it reads
// only the owner and, for root's, the real user: a process that forbids dumps looks like root's.
//
// Before all else, a new question is compared with the descriptors that recent sockets had.
//
//   phase                event                                                next phase
//   idle                 a question waits, and a pass begins                  young
//   young                those that have started last are examined            recent
//   recent               all processes with a recent socket are examined      listing
//   listing              all processes are listed                             looking
//   looking              all are examined except those that look like root's  looking_behind_root
//   looking_behind_root  these too: every question from before the pass is    young, of the next
//                        answered as unknown                                  pass
//   any                  no question waits                                    idle
//
// A question is answered by the descriptor that shows its socket, or as unknown: at the end of its
// first complete pass, after kTimeLimit, or in the next slice if the kernel knows no such socket.
//
// Everything is bounded: questions per iteration and per interval (those for names have a budget of
// their own, so that a flood of names leaves connections attributed), so that a flood of denials
// costs little more than its verdicts; pending questions; the time of a slice; and the time of a
// question, after which the answer is unknown.
class Attribution {
 public:
  static constexpr std::size_t kWaitingMax = 256;  // at most half of them for names
  static constexpr int kQuestionsPerIteration = 32;
  static constexpr int kQuestionsPerWindow = 256;
  // Of look-ups that were allowed: one an iteration, since each walks the sockets of its port.
  static constexpr std::size_t kLookupsWaitingMax = 16;
  static constexpr int kLookupsPerWindow = 8;
  static constexpr std::chrono::milliseconds kWindow{100};
  static constexpr std::size_t kProcessesMax = 65'536;
  static constexpr std::chrono::microseconds kSlice{500};
  static constexpr std::chrono::microseconds kShortSlice{50};  // others' answers wait for it
  static constexpr int kStepsLeast = 8;  // so that a busy loop finds its processes as well
  static constexpr std::chrono::seconds kTimeLimit{3};

  // What is asked for. What is denied is urgent: its client often ends at once.
  // An allowed look-up is asked for when there is time.
  enum class Kind : std::uint8_t { name, denied, allowed, lookup };

  using AnswerCallback = Callback<std::uint32_t, const ProcessOwner&>;

  // References passed in must outlive this object. `on_answer` receives each question's ticket once,
  // in one of the slices.
  Attribution(Reactor& reactor, const AgentProcessRegistry& runs, SockDiagQuery sockets,
              AnswerCallback on_answer);

  // Asks for the owner of a socket; `ticket` is returned with the answer. Must be called before the
  // packet's verdict is sent, since a denial ends the socket. The kernel is asked at once, or, if the
  // connection is allowed, as soon as its verdict is sent.
  void ask(std::uint32_t ticket, const SocketEnds& ends, Kind kind);

  // The same for a look-up that was allowed. False: there is no time for it, and no answer comes.
  bool ask_aside(std::uint32_t ticket, const SocketEnds& ends);

  // Works for a slice at the end of every iteration while something is urgent, before the verdicts
  // are sent, so that a short-lived client still exists.
  void work_ahead() noexcept;
  // Works after the verdicts, since no allowed connection waits for its attribution: for a short
  // slice, or kStepsLeast steps if there is something else to do.
  void work_behind() noexcept;

  bool is_idle() const noexcept { return waiting_.empty(); }
  // Whether something urgent waits: what its client is to hear should wait too, within bounds.
  bool is_searching() const noexcept;
  // Questions that were rejected because there were too many at once.
  std::uint64_t turned_away() const noexcept { return turned_away_; }

 private:
  struct Question {
    std::uint32_t ticket;
    SocketOwner socket;  // inode 0: unknown
    std::uint64_t pass;  // the first complete pass over the processes that includes it
    Instant deadline;
    SocketEnds ends;
    Kind kind;
    bool is_asked = true;  // of the kernel

    bool is_urgent() const noexcept { return kind == Kind::name || kind == Kind::denied; }
  };
  // Limits the questions to the kernel.
  struct Budget {
    std::size_t waiting_max;
    int per_turn;
    int per_window;
    int this_turn = 0;
    int this_window = 0;
    std::size_t waiting = 0;
  };
  struct Directory {
    void operator()(DIR* directory) const noexcept { closedir(directory); }
  };

  bool may_ask(Budget& budget) noexcept;
  Budget& budget_of(Kind kind) noexcept {
    if (kind == Kind::lookup) return lookups_;
    return kind == Kind::name ? names_ : connections_;
  }
  void ask_kernel() noexcept;
  void rest();
  void step();
  void begin_pass();
  void look_at_recent();
  void drop_closed();
  void list_processes();
  void look_at_place();
  void look_at(pid_t pid);
  bool is_wanted(uid_t uid) const noexcept;
  void look_at_descriptors();
  bool is_asked_for(std::uint64_t inode) const noexcept;
  void note_found(pid_t pid, int descriptor);
  void answer_all(std::uint64_t inode, pid_t pid);
  void give_up();
  void answer(std::size_t question, const ProcessOwner& process_owner);
  const ProcessOwner& describe(pid_t pid);

  Reactor& reactor_;
  ProcessDescriber describer_;
  SockDiagQuery sockets_;
  AnswerCallback on_answer_;
  std::vector<Question> waiting_;
  Budget names_{kWaitingMax / 2, kQuestionsPerIteration, kQuestionsPerWindow};
  Budget connections_{kWaitingMax, kQuestionsPerIteration, kQuestionsPerWindow};
  Budget lookups_{kLookupsWaitingMax, 1, kLookupsPerWindow};
  Instant window_end_{};
  std::uint64_t turned_away_ = 0;

  // A pass over all processes, the most promising first.
  enum class Phase : std::uint8_t { idle, young, recent, listing, looking, looking_behind_root };
  Phase phase_ = Phase::idle;
  std::uint64_t pass_ = 0;
  std::unique_ptr<DIR, Directory> processes_;
  std::vector<pid_t> candidates_;  // in reverse order
  std::vector<pid_t> roots_;       // those that seem to be root's
  pid_t pid_ = 0;                  // whose descriptors are being examined
  std::unique_ptr<DIR, Directory> descriptors_;
  std::optional<ProcessOwner> described_;  // the process that this iteration described last
  RecentSockets recent_;                   // that were asked for
  YoungProcesses young_;
};

}  // namespace picortex
