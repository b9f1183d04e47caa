#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "handlers/event_json.h"
#include "handlers/http/exchange.h"
#include "handlers/query_runner.h"

namespace picortex {

// GET /api/events: a page of the events that fit, the newest first, and the cursor of the next one:
// {"events":[…],"next_cursor":…|null,"cost":{"rows_looked_at":…,"slices":…,"ms":…}}.
//
// A page costs a bounded time: what is cut short, even before anything was found, has a cursor too.
class EventsPageEndpoint {
 public:
  static constexpr std::size_t kPagesMax = 16;  // in the making; beyond it 503

  // What is passed by reference outlives this.
  EventsPageEndpoint(QueryRunner& runner, JsonDocument& document);

  void get(http::Exchange& exchange) noexcept;

 private:
  // One page in the making.
  struct Page {
    explicit Page(EventsPageEndpoint& endpoint) : owner(endpoint) {}
    void on_slice() noexcept { owner.look_at(*this); }

    EventsPageEndpoint& owner;
    http::Exchange* exchange = nullptr;
    std::size_t limit = 0;
    std::size_t events = 0;     // of these in body
    std::int64_t last_key = 0;  // of the last of these
    std::string body;
    RunningQuery query = RunningQuery::to<&Page::on_slice>(*this);
  };

  void look_at(Page& page);
  void take_rows(Page& page);
  void append_end(Page& page, bool is_last);

  QueryRunner& runner_;
  EventJson json_;
  std::deque<Page> pages_;
  std::vector<Page*> free_;
};

}  // namespace picortex
