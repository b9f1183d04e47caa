#pragma once

#include <string>

#include "base/object_pool.h"
#include "handlers/http/exchange.h"
#include "handlers/query/query_runner.h"
#include "handlers/query/story.h"
#include "handlers/query/turn_lookup.h"

namespace picortex {

// GET /api/story?id=…: the course of one message; `id` is the ID of its request, or of any of its
// events. 404 if there is none. If an agent worked on it, `turn` is what GET /api/turns says.
class StoryEndpoint {
 public:
  static constexpr std::size_t kStoriesMax = 4;  // in progress; beyond it 503

  // References passed in must outlive this object.
  StoryEndpoint(QueryRunner& runner, TurnLookup& turns) : runner_(runner), turns_(turns) {}

  void get(http::Exchange& exchange) noexcept;

 private:
  // One story in progress.
  struct StoryJob {
    explicit StoryJob(StoryEndpoint& endpoint) : owner(endpoint) {}
    void on_slice() noexcept { owner.look_at(*this); }
    void on_turn() noexcept { owner.add_turn(*this); }

    StoryEndpoint& owner;
    http::Exchange* exchange = nullptr;
    Uuid id;
    bool is_event = false;  // true once the ID is tried as an event's
    RunningQuery query{Callback<>::to<&StoryJob::on_slice>(*this)};
    TurnQuestion turn{Callback<>::to<&StoryJob::on_turn>(*this)};
    std::string body;
  };

  void look_at(StoryJob& job);
  void look_for_event(StoryJob& job);
  void make_story(StoryJob& job, bool is_cut_short);
  void add_turn(StoryJob& job);
  void finish(StoryJob& job, int status, std::string_view text);
  void answer(StoryJob& job, int status, std::string_view text);

  QueryRunner& runner_;
  TurnLookup& turns_;
  ObjectPool<StoryJob> jobs_{kStoriesMax};
};

}  // namespace picortex
