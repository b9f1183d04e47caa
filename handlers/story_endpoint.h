#pragma once

#include <deque>
#include <string>
#include <vector>

#include "handlers/http/exchange.h"
#include "handlers/query_runner.h"
#include "handlers/story.h"

namespace picortex {

// GET /api/story?id=…: what became of one message; `id` is the ID of its request, or of any event
// of it. 404 when there is none.
class StoryEndpoint {
 public:
  static constexpr std::size_t kStoriesMax = 4;  // in the making; beyond it 503

  // What is passed by reference outlives this.
  explicit StoryEndpoint(QueryRunner& runner);

  void get(http::Exchange& exchange) noexcept;

 private:
  // One story in the making.
  struct Teller {
    explicit Teller(StoryEndpoint& endpoint) : owner(endpoint) {}
    void on_slice() noexcept { owner.look_at(*this); }

    StoryEndpoint& owner;
    http::Exchange* exchange = nullptr;
    Uuid id;
    bool is_event = false;  // true once it is taken for an event's id
    RunningQuery query = RunningQuery::to<&Teller::on_slice>(*this);
  };

  void look_at(Teller& teller);
  bool look_for_event(Teller& teller);
  void finish(Teller& teller, int status, std::string_view text);

  QueryRunner& runner_;
  std::deque<Teller> tellers_;
  std::vector<Teller*> free_;
};

}  // namespace picortex
