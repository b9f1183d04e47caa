#include "handlers/query/event_list_endpoint.h"

#include <utility>

#include "base/json/json_object.h"
#include "handlers/query/query_parameters.h"

namespace picortex {
namespace {

// A result page is cut short at these limits: SQLite's time, and its own size.
constexpr std::chrono::milliseconds kTimeMax{45};
constexpr std::size_t kBodySizeMax = 4 * 1024 * 1024;

constexpr std::string_view kUnreadable = "The database cannot be read now; try again later";

}  // namespace

EventListEndpoint::EventListEndpoint(QueryRunner& runner, JsonDocument& document)
    : runner_(runner), json_(document) {}

void EventListEndpoint::get(http::Exchange& exchange) noexcept {
  auto request = parse_events_request(exchange.request().query);
  if (!request) return exchange.fail(400, request.error().what);
  if (pages_.is_used_up()) {
    return exchange.fail(503, "Too many queries are running; try again later",
                         "Retry-After: 1\r\n");
  }
  Page& page = pages_.lend(*this);
  page.exchange = &exchange;
  page.limit = request->limit;
  page.events = 0;
  page.body = "{\"events\":[";
  // One row more shows whether there is another result page.
  runner_.start(page.query, std::move(request->filter), request->after, page.limit + 1);
}

void EventListEndpoint::look_at(Page& page) {
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
  // Answering may bring the connection's next request, which may use this very slot.
  const std::string body = std::exchange(page.body, {});
  pages_.give_back(page);
  if (failed) return exchange.fail(503, kUnreadable, "Retry-After: 1\r\n");
  exchange.respond({.body = body});
}

void EventListEndpoint::take_rows(Page& page) {
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

void EventListEndpoint::append_end(Page& page, bool is_last) {
  std::string& body = page.body;
  body += "]}";  // get() has begun them
  JsonObject page_object = JsonObject::reopened(body);
  // Rows that were found but do not fit are found again; otherwise everything examined is done.
  const auto reached =
      page.query.rows().empty() ? page.query.reached() : std::optional(page.last_key);
  page_object.text_or_null("next_cursor",
                           is_last || !reached ? std::string() : format_cursor(*reached));
  const QueryCost& cost = page.query.cost();
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(cost.time).count();
  page_object.object("cost")
      .number("rows_looked_at", cost.rows_read)
      .number("slices", cost.slices)
      .number("ms", static_cast<double>(us) / 1000);
}

}  // namespace picortex
