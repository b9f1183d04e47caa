#include "handlers/ingest/forget_endpoint.h"

#include <simdjson.h>

#include "base/json/json_object.h"
#include "handlers/http/middleware/media_type.h"
#include "handlers/http/response.h"

namespace picortex {
namespace {

constexpr std::string_view kWrongBody =
    "The body is not an object with chat_id, a text of 1 to 256 bytes, and nothing else";

}  // namespace

ForgetEndpoint::ForgetEndpoint(Log& log, EventWriter& writer, EventFeed& feed,
                               SpendingLedger& ledger, JsonDocument& document)
    : log_(log), writer_(writer), feed_(feed), ledger_(ledger), document_(document) {}

void ForgetEndpoint::post(http::Exchange& exchange) noexcept {
  if (!is_media_type(exchange.request().field("content-type"), "application/json")) {
    return exchange.fail(415, "Unsupported Media Type: application/json is needed");
  }
  if (auto parsed = document_.parse(exchange.body()); !parsed) {
    return exchange.fail(400, "The body " + parsed.error().what);
  }
  simdjson::dom::object body;
  std::string_view chat;
  if (document_.root().get(body) != simdjson::SUCCESS || body.size() != 1 ||
      body["chat_id"].get(chat) != simdjson::SUCCESS || chat.empty() ||
      chat.size() > kChatIdSizeMax) {
    return exchange.fail(400, kWrongBody);
  }
  if (!writer_.is_available() || jobs_.is_used_up()) {
    return exchange.fail(503, "The database cannot be written now; try again later",
                         http::kRetrySoon);
  }
  Job& job = jobs_.lend(*this);
  job.exchange = &exchange;
  job.forgetting.chat_id = chat;
  writer_.forget(job.forgetting);
}

void ForgetEndpoint::end(Job& job) noexcept {
  http::Exchange& exchange = *job.exchange;
  const Forgetting& forgetting = job.forgetting;
  const Erased erased = forgetting.erased();
  if (!forgetting.is_done()) {
    exchange.fail(503, "The database cannot be written now; try again later", http::kRetrySoon);
    return jobs_.give_back(job);
  }
  // The feed has copies of the last events; its readers continue from the database.
  feed_.drop_kept();
  ledger_.forget(forgetting.chat_id);
  if (!erased.more) {
    // Without the chat's name, which is to be forgotten.
    log_.line(Level::info, "db.forgotten", {.request_id = &exchange.id()})
        .message("everything that was stored of a chat has been deleted");
  }
  std::string body;
  JsonObject(body)
      .number("events", erased.events)
      .number("turns", erased.turns)
      .boolean("more", erased.more);
  exchange.respond({.body = body});
  jobs_.give_back(job);
}

}  // namespace picortex
