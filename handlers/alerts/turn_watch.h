#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "handlers/pipeline/event_observer.h"
#include "storage/turn_note.h"

namespace picortex {

// What an operator is to know of a turn.
struct TurnAlert {
  enum class Kind : std::uint8_t {
    waiting,  // the agent's question whether it may do something stands open
    lost,     // a message has had no prompt for kLostAfterMs
    failed,   // the model's API has failed for good
  };
  static constexpr std::size_t kKinds = 3;

  Kind kind = Kind::waiting;
  Uuid request_id;
  std::string chat_id;
  std::string text;              // the question or the error, as the agent says it
  std::uint64_t suppressed = 0;  // alerts of this kind since the last one that was reported
};

// Follows the turns of the events that are stored, for the alerts about them.
//
//   a question    is reported at the first look at which it is still open; once, until the turn has
//                 gone on
//   a failure     is reported once for each turn
//   a message     (an event of a chat whose type ends in ".inbound") is reported as lost
//                 kLostAfterMs after it has arrived, or after the chat's agent has finished the turn
//                 before it, unless one of these came: its prompt, anything else that an agent did
//                 for it, a decision to skip it, or a process that was started for it
//
// Messages count only from the first prompt on that a hook has reported: on a host whose agents have
// no hooks no prompt is ever seen. What is older than kFreshMs when it arrives is not reported. All
// tables have bounds, and at most kPerMinuteMax alerts of a kind are reported within a minute.
// Times are of a monotonic clock, in milliseconds.
class TurnWatch final : public EventObserver {
 public:
  static constexpr std::int64_t kLostAfterMs = 30'000;
  static constexpr std::int64_t kFreshMs = 60'000;
  // An agent that has said nothing for this long no longer keeps messages waiting.
  static constexpr std::int64_t kBusyMaxMs = 600'000;
  static constexpr std::size_t kTurnsMax = 4096;
  static constexpr std::size_t kMessagesMax = 1024;
  static constexpr std::uint64_t kPerMinuteMax = 10;

  void on_opened(const TurnsSoFar& turns) noexcept override;
  void append(const Event& event) noexcept override;
  void publish(const ClockReading& now) noexcept override;
  void discard() noexcept override { pending_.clear(); }

  // Calls `report(const TurnAlert&)` for each alert that is due.
  template <class Report>
  void look(std::int64_t now_ms, Report report) {
    find_waiting();
    find_lost(now_ms);
    for (TurnAlert& alert : due_) {
      if (may_report(alert, now_ms)) report(std::as_const(alert));
    }
    due_.clear();
  }
  // The numbers of turns and messages that are followed.
  std::size_t turns() const noexcept { return turns_.size(); }
  std::size_t messages() const noexcept { return messages_.size(); }

 private:
  // What an event says about turns.
  struct Sign {
    enum class Kind : std::uint8_t { telemetry, message, end_of_message };

    Kind kind = Kind::telemetry;
    Uuid request_id;
    std::string chat_id;
    std::int64_t time_ms = 0;  // Unix time
    Uuid session{};
    TurnState state = TurnState::none;
    bool is_submission = false;  // of a person's prompt
    std::string text;
  };
  struct Followed {
    Uuid request_id;
    Uuid session{};
    std::string chat_id;
    TurnState state = TurnState::none;
    std::int64_t state_ms = 0;  // Unix time
    std::int64_t seen_ms = 0;
    std::string text;
    bool is_fresh = false;  // the state was new when it arrived
    bool is_question_reported = false;
    bool is_failure_reported = false;
  };
  struct Message {
    Uuid request_id;
    std::string chat_id;
    std::int64_t since_ms = 0;
  };
  struct Rate {
    std::int64_t begin_ms = 0;
    std::uint64_t reported = 0;
    std::uint64_t suppressed = 0;
  };

  void take(Sign& sign, const ClockReading& now);
  void take_telemetry(Sign& sign, const ClockReading& now);
  Followed& follow(const Sign& sign, std::int64_t now_ms);
  void interrupt_others(const Followed& turn);
  void drop_message(const Uuid& request_id);
  std::set<std::string_view> busy_chats(std::int64_t now_ms) const;
  void find_waiting();
  void find_lost(std::int64_t now_ms);
  bool may_report(TurnAlert& alert, std::int64_t now_ms);

  bool expects_prompts_ = false;
  std::vector<Sign> pending_;
  std::list<Followed> turns_;  // the one that was seen last is the last
  std::map<Uuid, std::list<Followed>::iterator> by_request_;
  std::deque<Message> messages_;
  std::vector<TurnAlert> due_;
  std::array<Rate, TurnAlert::kKinds> rates_;
};

}  // namespace picortex
