#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "base/callback.h"
#include "base/uuid/uuid.h"
#include "reactor/child_process.h"
#include "reactor/log.h"
#include "reactor/reactor.h"

namespace picortex {

// The content of an alert to the operator.
struct Alert {
  std::string_view event_type;
  std::int64_t time_ms = 0;  // Unix time
  Uuid request_id;
  std::string_view chat_id = {};  // empty: in no chat
  std::string_view msg;
  std::string_view data;  // a JSON object, not empty
};

// The result of delivering an alert.
struct AlertDelivery {
  Uuid request_id;  // the alert's
  bool delivered = false;
  unsigned tries = 0;
};

// The operator's program, started once for each alert with the alert as one line of JSON on its
// stdin and PICORTEX_REQUEST_ID in its environment. A few run at once; further alerts wait in a
// bounded queue. Alerts that find it full are dropped, and their number is logged when there is
// room again. A program that fails, or that takes longer than kTimeLimit (it is then killed), is
// logged and started again after increasing pauses, while other alerts take precedence; after the
// last try the alert is given up.
class AlertCommand {
 public:
  static constexpr std::size_t kRunningMax = 4;
  static constexpr std::size_t kWaitingMax = 256;  // including those that wait for another try
  static constexpr std::chrono::seconds kTimeLimit{30};
  static constexpr std::size_t kRetries = 3;
  using Pauses = std::array<Nanoseconds, kRetries>;
  static constexpr Pauses kPauses{std::chrono::seconds(1), std::chrono::seconds(10),
                                  std::chrono::seconds(60)};

  // `program` is a path, or a name to look up in PATH; if it is empty, nothing is ever started.
  // References passed in must outlive this object. Tests pass `time_limit` and `pauses`.
  AlertCommand(Reactor& reactor, Log& log, std::string program, Nanoseconds time_limit = kTimeLimit,
               const Pauses& pauses = kPauses);
  ~AlertCommand();

  // Sets the program to start from now on.
  void set_program(std::string program);
  bool has_program() const noexcept { return !arguments_.empty(); }
  // From now on calls `on_delivery` when an alert has ended, unless stop() ended it.
  void report_to(Callback<const AlertDelivery&> on_delivery) noexcept {
    on_delivery_ = on_delivery;
  }

  void send(const Alert& alert);

  // Drops waiting alerts and ends running programs. Poll is_idle() for the end.
  void stop();
  bool is_idle() const noexcept;

  std::uint64_t started() const noexcept { return started_; }
  std::uint64_t failed() const noexcept { return failed_; }
  std::uint64_t given_up() const noexcept { return given_up_; }
  std::uint64_t dropped() const noexcept { return dropped_; }

 private:
  struct Message {
    std::string text;
    Uuid request_id;
    unsigned tries = 0;
  };
  // A running program, or a free slot for one.
  struct Run {
    explicit Run(AlertCommand& command)
        : owner(command),
          child(command.reactor_, command.time_limits_,
                Callback<const ChildExit&>::to<&Run::on_exit>(*this)) {}
    void on_exit(const ChildExit& exit) noexcept;

    AlertCommand& owner;
    ChildProcess child;
    Message message;
  };
  // A message that waits for its next try.
  struct Retry {
    Retry(AlertCommand& command, Message tried) : owner(command), message(std::move(tried)) {}
    void on_time() noexcept;

    AlertCommand& owner;
    Message message;
    Deadline deadline = Deadline::to<&Retry::on_time>(*this);
  };

  void start_waiting();
  void start(Run& run);
  void conclude(Run& run, std::string_view failure, std::string_view output);
  void try_again(Message message);
  void report_dropped();

  Reactor& reactor_;
  Log& log_;
  std::vector<std::string> arguments_;  // empty: no program is set
  Callback<const AlertDelivery&> on_delivery_;
  DeadlineList time_limits_;
  std::deque<DeadlineList> pauses_;  // after the first try, the second, …
  std::deque<Run> runs_;
  std::deque<Message> waiting_;
  std::list<Retry> retries_;
  bool stopping_ = false;
  std::uint64_t started_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t given_up_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t dropped_reported_ = 0;
};

}  // namespace picortex
