#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/json/document.h"
#include "handlers/http/exchange.h"
#include "handlers/http/middleware/token.h"
#include "handlers/ingest/claude/claude_hook.h"
#include "handlers/ingest/claude/failure_reasons.h"
#include "handlers/ingest/telemetry_budget.h"
#include "handlers/pipeline/event_writer.h"
#include "handlers/pipeline/spending_ledger.h"

namespace picortex {

// POST /hooks/claude: the hooks of Claude Code. Each is answered within kAnswerTime, since the
// agent waits for it: with 200 once its event is stored, or by then even if the disk has not taken
// it yet; 503 and 429 at once when it cannot be. The headers name the chat (telemetry_sender.h)
// and, as X-Picortex-Request and X-Picortex-Run, the IDs of the process.
//
// With a budget, the prompts of a person in a chat that has spent it are answered with a block and
// its reason, also when nothing can be stored. A convenience, not a boundary: an agent whose hook
// fails goes on.
//
// A tool call that failed is answered with what is known of the reason, as context for the agent.
// That text goes to the agent alone: it is not stored, and the client shows it in no chat.
class ClaudeHooksEndpoint {
 public:
  static constexpr std::size_t kBodySizeMax = 1024 * 1024;
  static constexpr std::chrono::milliseconds kAnswerTime{200};

  // References passed in must outlive this object.
  ClaudeHooksEndpoint(Reactor& reactor, EventWriter& writer, TelemetryBudget& budget,
                      JsonDocument& document, const Token& token, const SpendingLedger& ledger);

  // None: chats may spend anything.
  void set_budget(const std::optional<SpendingLimit>& budget) noexcept { budget_ = budget; }

  // `reasons` must outlive this object.
  void explain_failures_with(const FailureReasons& reasons) noexcept { reasons_ = &reasons; }

  void post(http::Exchange& exchange) noexcept;

 private:
  // One hook on its way into the store.
  struct Delivery {
    explicit Delivery(ClaudeHooksEndpoint& endpoint) : owner(endpoint) {}
    void on_outcome(StoreOutcome outcome) noexcept;
    void on_answer_due() noexcept;

    ClaudeHooksEndpoint& owner;
    http::Exchange* exchange = nullptr;  // null: it has been answered
    ClaudeHook hook;
    std::string chat;
    std::string block;  // the answer that blocks the prompt; empty: it is let through
    Event event;
    Submission submission{Callback<StoreOutcome>::to<&Delivery::on_outcome>(*this)};
    Deadline answer_due = Deadline::to<&Delivery::on_answer_due>(*this);
  };

  void store(http::Exchange& exchange, Delivery& delivery);
  void look_at_budget(Delivery& delivery);
  void answer(http::Exchange& exchange, const Delivery& delivery) const;
  std::string explain_failure(const Delivery& delivery) const;
  Delivery& lease();

  Reactor& reactor_;
  EventWriter& writer_;
  TelemetryBudget& rate_;
  ClaudeHookDecoder decoder_;
  const Token& token_;
  const SpendingLedger& ledger_;
  std::optional<SpendingLimit> budget_;
  const FailureReasons* reasons_ = nullptr;
  DeadlineList answers_due_{kAnswerTime};
  std::deque<Delivery> deliveries_;
  std::vector<Delivery*> free_;
};

}  // namespace picortex
