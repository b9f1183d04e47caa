#include "daemon/egress/proposal_endpoint.h"

#include <simdjson.h>

#include <algorithm>

#include "base/json/json_object.h"
#include "handlers/http/middleware/media_type.h"
#include "handlers/http/response.h"
#include "netfilter/policy/allowlist.h"

namespace picortex {
namespace {

// Whether the text is one line for people.
bool is_plain(std::string_view text) noexcept {
  return std::ranges::none_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

// Returns the pattern as a rule would have it; nothing if it is none for one host.
std::optional<std::string> read_proposed_host(std::string_view text) {
  Allowlist list;
  if (text.find_first_of(" \t#\n\r*") != text.npos || text.empty()) return std::nullopt;
  if (!list.add(text, RuleSource::list).empty() || list.rules().size() != 1) return std::nullopt;
  const Rule& rule = list.rules().front();
  const bool is_one = rule.kind == RuleKind::host ||
                      rule.network.prefix_size == (rule.network.address.is_v6 ? 128 : 32);
  if (!is_one) return std::nullopt;
  return rule.text;
}

}  // namespace

void ProposalEndpoint::post(http::Exchange& exchange) noexcept {
  if (!exchange.scopes().grant(http::Scope::write) && !caller_.is_sender_of(exchange)) {
    return exchange.fail(
        401,
        "Only the fenced user itself, or a token or user with the scope write, may "
        "propose a host",
        "WWW-Authenticate: Bearer\r\n");
  }
  if (!is_media_type(exchange.request().field("content-type"), "application/json")) {
    return exchange.fail(415, "Unsupported Media Type: application/json is needed");
  }
  if (!writer_.is_open_to(1) || deliveries_.is_used_up()) {
    return exchange.fail(503, "The proposal cannot be stored now", http::kRetrySoon);
  }
  Delivery& delivery = deliveries_.lend(*this);
  if (auto done = read(exchange, delivery); !done) {
    exchange.fail(400, done.error().what);
    return deliveries_.give_back(delivery);
  }
  if (!is_within_rate()) {
    exchange.fail(429, "Too many proposals: at most 20 an hour are taken", "Retry-After: 3600\r\n");
    return deliveries_.give_back(delivery);
  }
  delivery.exchange = &exchange;
  writer_.submit(delivery.submission, {&delivery.event, 1});
}

Result<void> ProposalEndpoint::read(http::Exchange& exchange, Delivery& delivery) {
  if (auto parsed = document_.parse(exchange.body()); !parsed) {
    return failure("The body " + parsed.error().what);
  }
  const simdjson::dom::element body = document_.root();
  std::string_view host_text;
  std::string_view reason;
  std::string_view request_text;
  if (body["host"].get(host_text) != simdjson::SUCCESS) return failure("host is not a string");
  const auto host = read_proposed_host(host_text);
  if (!host) return failure("host is not one host: HOST, HOST:PORT, ADDRESS or ADDRESS:PORT");
  if (body["reason"].get(reason) != simdjson::SUCCESS || reason.empty() ||
      reason.size() > kReasonSizeMax || !is_plain(reason)) {
    return failure("reason is not one line of 1 to 500 bytes");
  }
  std::optional<Uuid> request;
  if (body["request_id"].get(request_text) == simdjson::SUCCESS) {
    request = parse_uuid(request_text);
    if (!request) return failure("request_id is not a UUID");
  }
  const bool has_turn = request && !request->is_nil();
  delivery.host = *host;
  delivery.msg = "asks for " + *host + ": " + std::string(reason);
  delivery.data.clear();
  JsonObject(delivery.data)
      .text("host", *host)
      .text("reason", reason)
      .boolean("claimed", true)
      .boolean("names_turn", has_turn);
  delivery.chat = has_turn ? chats_.find(*request) : std::string_view();
  delivery.event = {.time_ms = reactor_.unix_ms(),
                    .level = Level::info,
                    .event_type = "egress.proposal",
                    .chat_id = delivery.chat,
                    .msg = delivery.msg,
                    .data = delivery.data,
                    .request_id = has_turn ? *request : exchange.id(),
                    .id = std::nullopt};
  return {};
}

bool ProposalEndpoint::is_within_rate() noexcept {
  if (reactor_.now() >= hour_end_) {
    hour_end_ = reactor_.now() + std::chrono::hours(1);
    this_hour_ = 0;
  }
  if (this_hour_ == kPerHourMax) return false;
  ++this_hour_;
  return true;
}

void ProposalEndpoint::end(Delivery& delivery, StoreOutcome outcome) noexcept {
  if (outcome == StoreOutcome::stored) {
    std::string body;
    JsonObject(body).text("host", delivery.host).boolean("stored", true);
    delivery.exchange->respond({.body = body});
  } else {
    delivery.exchange->fail(503, "The proposal cannot be stored now", http::kRetrySoon);
  }
  deliveries_.give_back(delivery);
}

}  // namespace picortex
