#pragma once

#include <cstddef>
#include <string>

#include "base/object_pool.h"
#include "handlers/http/exchange.h"
#include "handlers/query/event_json.h"
#include "handlers/query/query_runner.h"

namespace picortex {

// GET /api/events: a result page of the matching events, newest first, and the cursor of the next
// one:
// {"events":[…],"next_cursor":…|null,"cost":{"rows_looked_at":…,"slices":…,"ms":…}}.
//
// A result page takes a bounded time: one that is cut short, even before anything was found, has a
// cursor too.
class EventListEndpoint {
 public:
  static constexpr std::size_t kPagesMax = 16;  // in progress; beyond it 503

  // References passed in must outlive this object.
  EventListEndpoint(QueryRunner& runner, JsonDocument& document);

  void get(http::Exchange& exchange) noexcept;

 private:
  // One result page in progress.
  struct Page {
    explicit Page(EventListEndpoint& endpoint) : owner(endpoint) {}
    void on_slice() noexcept { owner.look_at(*this); }

    EventListEndpoint& owner;
    http::Exchange* exchange = nullptr;
    std::size_t limit = 0;
    std::size_t events = 0;     // how many of these are in body
    std::int64_t last_key = 0;  // the key of the last of these
    std::string body;
    RunningQuery query{Callback<>::to<&Page::on_slice>(*this)};
  };

  void look_at(Page& page);
  void take_rows(Page& page);
  void append_end(Page& page, bool is_last);

  QueryRunner& runner_;
  EventJson json_;
  ObjectPool<Page> pages_{kPagesMax};
};

}  // namespace picortex
