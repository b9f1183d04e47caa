#include "handlers/query/turns_endpoint.h"

#include <utility>

#include "base/json/json_object.h"
#include "handlers/query/query_parameters.h"
#include "storage/event.h"

namespace picortex {
namespace {

constexpr std::size_t kLimitMax = 1000;

std::unexpected<Error> rejection(std::string_view name, std::string_view why) {
  return failure(std::string(name) + ' ' + std::string(why));
}

}  // namespace

Result<TurnFilter> parse_turns_request(std::string_view query) {
  const auto pairs = parse_form(query);
  if (!pairs) return std::unexpected(pairs.error());
  TurnFilter filter;
  for (const auto& [name, value] : *pairs) {
    if (name == "chat_id") {
      if (value.size() > kChatIdSizeMax) return rejection(name, "is longer than 256 bytes");
      filter.chat_id = value;
    } else if (name == "request_id") {
      filter.request_id = parse_uuid(value);
      if (!filter.request_id) return rejection(name, "is not a UUID");
    } else if (name == "since" || name == "until") {
      const auto time = parse_time_parameter(value);
      if (!time) return rejection(name, kTimeParameter);
      (name == "since" ? filter.since_ms : filter.until_ms) = *time;
    } else if (name == "sort") {
      const auto order = parse_turn_order(value);
      if (!order) {
        return rejection(name, "is none of start, cost, duration, tokens, errors, upload");
      }
      filter.order = *order;
    } else if (name == "limit") {
      const auto limit = parse_number_parameter(value);
      if (!limit || *limit == 0 || *limit > kLimitMax) {
        return rejection(name, "is not a number from 1 to 1000");
      }
      filter.limit = static_cast<std::int64_t>(*limit);
    } else {
      return rejection(name.substr(0, 64),
                       "is unknown: chat_id, request_id, since, until, sort and"
                       " limit are those of this path");
    }
  }
  return filter;
}

void TurnsEndpoint::get(http::Exchange& exchange) noexcept {
  auto filter = parse_turns_request(exchange.request().query);
  if (!filter) return exchange.fail(400, filter.error().what);
  if (jobs_.is_used_up() || lookup_.is_used_up()) {
    return exchange.fail(503, "Too many queries are under way; try again later",
                         "Retry-After: 1\r\n");
  }
  Job& job = jobs_.lend(*this);
  job.exchange = &exchange;
  job.question.filter = *std::move(filter);
  lookup_.ask(job.question);
}

void TurnsEndpoint::answer(Job& job) noexcept {
  http::Exchange& exchange = *job.exchange;
  if (job.question.turns) {
    body_ = "{\"turns\":[";
    for (const Turn& turn : *job.question.turns) {
      if (body_.back() != '[') body_ += ',';
      append_turn_json(body_, turn);
    }
    body_ += "]}";
    exchange.respond({.body = body_});
  } else {
    exchange.fail(503, "The database cannot be read now", "Retry-After: 1\r\n");
  }
  job.question.turns = {};
  jobs_.give_back(job);
}

}  // namespace picortex
