#include "handlers/ingest/claude/claude_hooks_endpoint.h"

#include "base/json/json_object.h"
#include "handlers/http/middleware/media_type.h"
#include "handlers/ingest/claude/claude_identity.h"
#include "handlers/ingest/claude/telemetry_sender.h"

namespace picortex {
namespace {

constexpr std::string_view kNothingToSay = "{}";
// How long a failed tool call is taken to have lasted if its hook does not say it.
constexpr std::int64_t kUnknownDurationMs = 60'000;

}  // namespace

ClaudeHooksEndpoint::ClaudeHooksEndpoint(Reactor& reactor, EventWriter& writer,
                                         TelemetryBudget& budget, JsonDocument& document,
                                         const Token& token, const SpendingLedger& ledger)
    : reactor_(reactor),
      writer_(writer),
      rate_(budget),
      decoder_(document),
      token_(token),
      ledger_(ledger) {
  reactor_.add(answers_due_);
}

void ClaudeHooksEndpoint::post(http::Exchange& exchange) noexcept {
  if (!is_media_type(exchange.request().field("content-type"), "application/json")) {
    return exchange.fail(415, "Unsupported Media Type: application/json is needed");
  }
  auto chat = chat_of_sender(exchange, token_);
  if (!chat) return;
  Delivery& delivery = lease();
  const bool is_claimed = exchange.scopes().are_claims();
  if (auto decoded = decoder_.decode(exchange.body(), is_claimed, delivery.hook); !decoded) {
    exchange.fail(400, decoded.error().what);
    return free_.push_back(&delivery);
  }
  if (!delivery.hook.is_kept) {
    exchange.respond({.body = kNothingToSay});
    return free_.push_back(&delivery);
  }
  delivery.chat = *std::move(chat);
  look_at_budget(delivery);
  store(exchange, delivery);
}

// What a background task costs was let through with the prompt that began it.
void ClaudeHooksEndpoint::look_at_budget(Delivery& delivery) {
  delivery.block.clear();
  if (!budget_ || !delivery.hook.is_submission || delivery.chat.empty()) return;
  const std::int64_t spent = ledger_.spent(delivery.chat, budget_->window_ms, reactor_.unix_ms());
  if (spent < budget_->cost_micros) return;
  const std::string reason = "this chat has spent " + dollars_text(spent) + " of the " +
                             dollars_text(budget_->cost_micros) + " that it may spend within " +
                             window_text(budget_->window_ms);
  delivery.hook.block(reason);
  JsonObject::reopened(delivery.hook.data)
      .number("spent_usd", static_cast<double>(spent) / 1e6)
      .number("budget_usd", static_cast<double>(budget_->cost_micros) / 1e6);
  JsonObject(delivery.block)
      .text("decision", "block")
      .text("reason", "picortex: " + reason + ". Try again later, or ask the operator.");
}

void ClaudeHooksEndpoint::answer(http::Exchange& exchange, const Delivery& delivery) const {
  if (!delivery.block.empty()) return exchange.respond({.body = delivery.block});
  const std::string context = explain_failure(delivery);
  if (context.empty()) return exchange.respond({.body = kNothingToSay});
  std::string body;
  JsonObject(body)
      .object("hookSpecificOutput")
      .text("hookEventName", "PostToolUseFailure")
      .text("additionalContext", context);
  exchange.respond({.body = body});
}

std::string ClaudeHooksEndpoint::explain_failure(const Delivery& delivery) const {
  if (reasons_ == nullptr || !delivery.hook.is_tool_failure) return {};
  const std::int64_t duration_ms =
      delivery.hook.duration_ms == 0 ? kUnknownDurationMs : delivery.hook.duration_ms;
  const bool names_request = delivery.hook.note.names_request;
  return reasons_->explain({.request_id = names_request ? delivery.event.request_id : Uuid{},
                            .chat_id = delivery.chat,
                            .began_ms = delivery.event.time_ms - duration_ms,
                            .now_ms = reactor_.unix_ms()});
}

void ClaudeHooksEndpoint::store(http::Exchange& exchange, Delivery& delivery) {
  const bool is_claimed = exchange.scopes().are_claims();
  const bool has_room =
      writer_.is_open_to(1) && (!is_claimed || rate_.has_room(reactor_.unix_ms()));
  if (!has_room && !delivery.block.empty()) {
    answer(exchange, delivery);
    return free_.push_back(&delivery);
  }
  if (!writer_.is_open_to(1)) {
    exchange.fail(503, "The hook cannot be stored now", "Retry-After: 1\r\n");
    return free_.push_back(&delivery);
  }
  if (!has_room) {
    exchange.fail(429, "Telemetry comes faster than PICORTEX_TELEMETRY_RATE allows",
                  "Retry-After: 5\r\n");
    return free_.push_back(&delivery);
  }
  ClaudeHook& hook = delivery.hook;
  const auto request = parse_uuid(exchange.request().field("x-picortex-request"));
  hook.note.names_request = request && !request->is_nil();
  hook.note.run = claude_id(exchange.request().field("x-picortex-run"));
  delivery.event = {.time_ms = reactor_.unix_ms(),
                    .level = hook.level,
                    .event_type = hook.event_type,
                    .chat_id = delivery.chat,
                    .msg = hook.msg,
                    .data = hook.data,
                    .request_id = hook.note.names_request ? *request : exchange.id(),
                    .id = std::nullopt,
                    .turn = &hook.note};
  if (is_claimed) rate_.spend(1, hook.msg.size() + hook.data.size());
  delivery.exchange = &exchange;
  answers_due_.start(delivery.answer_due, reactor_.now());
  writer_.submit(delivery.submission, {&delivery.event, 1});
}

ClaudeHooksEndpoint::Delivery& ClaudeHooksEndpoint::lease() {
  if (free_.empty()) return deliveries_.emplace_back(*this);
  Delivery& delivery = *free_.back();
  free_.pop_back();
  return delivery;
}

void ClaudeHooksEndpoint::Delivery::on_outcome(StoreOutcome outcome) noexcept {
  answer_due.stop();
  if (exchange != nullptr && (outcome == StoreOutcome::stored || !block.empty())) {
    owner.answer(*exchange, *this);
  } else if (exchange != nullptr) {
    exchange->fail(503, "The hook cannot be stored now", "Retry-After: 1\r\n");
  }
  exchange = nullptr;
  owner.free_.push_back(this);
}

// The disk takes its time; the agent is not to wait for it.
void ClaudeHooksEndpoint::Delivery::on_answer_due() noexcept {
  owner.answer(*exchange, *this);
  exchange = nullptr;
}

}  // namespace picortex
