#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "reactor/child_process.h"
#include "reactor/log.h"
#include "reactor/reactor.h"

namespace picortex {

// The owner's program, started once for each alert with the event as one line of JSON on its stdin
// and PICORTEX_REQUEST_ID in its environment. A few run at once, the others wait in a bounded
// queue; what finds that full is dropped, and how many is logged when there is room again. A
// program that fails, or that takes longer than kTimeLimit (it is killed then), is logged.
class AlertCommand {
 public:
  static constexpr std::size_t kRunningMax = 4;
  static constexpr std::size_t kWaitingMax = 256;
  static constexpr std::chrono::seconds kTimeLimit{30};

  // `program`: a path, or a name to be found in PATH; empty: nothing is ever started. What is
  // passed by reference outlives this. `time_limit`: for tests.
  AlertCommand(Reactor& reactor, Log& log, std::string program,
               Nanoseconds time_limit = kTimeLimit);

  // Which one the next alerts start.
  void set_program(std::string program);

  // `event`: a JSON object on one line, without newline.
  void send(std::string event, const Uuid& request_id);

  // Drops what waits and ends what runs; is_idle() tells when all have gone.
  void stop();
  bool is_idle() const noexcept;

  std::uint64_t started() const noexcept { return started_; }
  std::uint64_t failed() const noexcept { return failed_; }
  std::uint64_t dropped() const noexcept { return dropped_; }

 private:
  struct Alert {
    std::string event;
    Uuid request_id;
  };
  // A program that runs, or a free place for one.
  struct Run {
    explicit Run(AlertCommand& command)
        : owner(command), child(command.reactor_, command.time_limits_, this, &Run::on_exit) {}
    static void on_exit(void* run, const ChildExit& exit) noexcept;

    AlertCommand& owner;
    ChildProcess child;
    Uuid request_id;
  };

  void start_waiting();
  void start(Run& run, Alert alert);
  void report_failure(const Uuid& request_id, std::string_view reason, std::string_view output);
  void report_dropped();

  Reactor& reactor_;
  Log& log_;
  std::vector<std::string> arguments_;  // empty: there is no program
  DeadlineList time_limits_;
  std::deque<Run> runs_;
  std::deque<Alert> waiting_;
  bool stopping_ = false;
  std::uint64_t started_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t dropped_reported_ = 0;
};

}  // namespace picortex
