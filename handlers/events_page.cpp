#include "handlers/events_page.h"

#include <utility>

#include "base/json_text.h"
#include "handlers/query_parameters.h"

namespace picortex {
namespace {

// Where a page is cut short: of SQLite's time, and of its own size.
constexpr std::chrono::milliseconds kTimeMax{45};
constexpr std::size_t kBodySizeMax = 4 * 1024 * 1024;

constexpr std::string_view kUnreadable = "The database cannot be read now; try again later";

}  // namespace

EventsPageEndpoint::EventsPageEndpoint(QueryRunner& runner, JsonDocument& document)
    : runner_(runner), json_(document) {
  for (std::size_t i = 0; i < kPagesMax; ++i) free_.push_back(&pages_.emplace_back(*this));
}

void EventsPageEndpoint::get(http::Exchange& exchange) noexcept {
  auto request = parse_events_request(exchange.request().query);
  if (!request) return exchange.fail(400, request.error().what);
  if (free_.empty()) {
    return exchange.fail(503, "Too many queries are running; try again later",
                         "Retry-After: 1\r\n");
  }
  Page& page = *free_.back();
  free_.pop_back();
  page.exchange = &exchange;
  page.limit = request->limit;
  page.events = 0;
  page.body = "{\"events\":[";
  // One row more tells whether there is a next page.
  runner_.start(page.query, std::move(request->filter), request->after, page.limit + 1);
}

void EventsPageEndpoint::look_at(Page& page) {
  http::Exchange& exchange = *page.exchange;
  const bool failed = page.query.has_failed();
  if (!failed && exchange.is_wanted()) {
    take_rows(page);
    const bool is_full = page.events == page.limit && !page.query.rows().empty();
    const bool is_cut = page.body.size() >= kBodySizeMax ||
                        (page.query.cost().time >= kTimeMax && page.query.reached());
    const bool is_last = page.query.is_done() && page.query.rows().empty();
    if (!is_full && !is_cut && !is_last) return;
    append_end(page, is_last);
  }
  runner_.end(page.query);
  // The answer may bring the next request of the connection, which may take this very place.
  const std::string body = std::exchange(page.body, {});
  free_.push_back(&page);
  if (failed) return exchange.fail(503, kUnreadable, "Retry-After: 1\r\n");
  exchange.respond({.body = body});
}

void EventsPageEndpoint::take_rows(Page& page) {
  std::vector<EventRow>& rows = page.query.rows();
  std::size_t taken = 0;
  while (taken < rows.size() && page.events < page.limit && page.body.size() < kBodySizeMax) {
    const EventRow& row = rows[taken++];
    if (page.events++ > 0) page.body += ',';
    json_.append(page.body, row);
    page.last_key = row.key;
  }
  rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(taken));
}

void EventsPageEndpoint::append_end(Page& page, bool is_last) {
  std::string& body = page.body;
  body += "],\"next_cursor\":";
  // Rows that were found but have no place here come again; else all that was looked at is behind.
  const auto reached =
      page.query.rows().empty() ? page.query.reached() : std::optional(page.last_key);
  if (is_last || !reached) {
    body += "null";
  } else {
    append_json_string(body, format_cursor(*reached));
  }
  const QueryCost& cost = page.query.cost();
  body += ",\"cost\":{\"rows_looked_at\":";
  append_json_number(body, cost.rows_read);
  body += ",\"slices\":";
  append_json_number(body, cost.slices);
  body += ",\"ms\":";
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(cost.time).count();
  append_json_number(body, static_cast<double>(us) / 1000);
  body += "}}";
}

}  // namespace picortex
