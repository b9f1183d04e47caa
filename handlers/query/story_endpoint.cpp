#include "handlers/query/story_endpoint.h"

#include <algorithm>
#include <utility>

#include "base/json/json_object.h"
#include "handlers/query/query_parameters.h"

namespace picortex {
namespace {

// Size limit of the texts; a longer story is cut short.
constexpr std::size_t kTextsSizeMax = 4 * 1024 * 1024;

std::size_t size_of(const std::vector<EventRow>& rows) noexcept {
  std::size_t size = 0;
  for (const EventRow& row : rows) size += row.msg.size() + row.data.size();
  return size;
}

}  // namespace

void StoryEndpoint::get(http::Exchange& exchange) noexcept {
  const auto pairs = parse_form(exchange.request().query);
  if (!pairs) return exchange.fail(400, pairs.error().what);
  if (pairs->size() != 1 || pairs->front().first != "id") {
    return exchange.fail(400, "Give id and no other parameter: the ID of a request or of an event");
  }
  const auto id = parse_uuid(pairs->front().second);
  if (!id) return exchange.fail(400, "id is not a UUID");
  if (jobs_.is_used_up()) {
    return exchange.fail(503, "Too many queries are running; try again later",
                         "Retry-After: 1\r\n");
  }
  StoryJob& job = jobs_.lend(*this);
  job.exchange = &exchange;
  job.id = *id;
  job.is_event = false;
  runner_.start(job.query, story_filter(*id), std::nullopt, kStoryRowsMax + 1);
}

void StoryEndpoint::look_at(StoryJob& job) {
  if (job.query.has_failed()) {
    return finish(job, 503, "The database cannot be read now; try again later");
  }
  if (!job.exchange->is_wanted()) return finish(job, 503, "The client has disconnected");
  std::vector<EventRow>& rows = job.query.rows();
  const bool is_cut_short =
      rows.size() > kStoryRowsMax || (!job.query.is_done() && size_of(rows) >= kTextsSizeMax);
  if (!job.query.is_done() && !is_cut_short) return;
  if (rows.empty()) {
    if (job.is_event) return finish(job, 404, "No event has that ID or request ID");
    return look_for_event(job);
  }
  rows.resize(std::min(rows.size(), kStoryRowsMax));
  make_story(job, is_cut_short);
}

void StoryEndpoint::make_story(StoryJob& job, bool is_cut_short) {
  const Story story = report_story(job.query.rows(), is_cut_short);
  job.body.clear();
  append_story_json(job.body, story);
  if (turns_.is_used_up()) {
    return finish(job, 503, "Too many queries are running; try again later");
  }
  runner_.end(job.query);
  job.turn.filter = {.chat_id = {}, .request_id = story.request_id};
  turns_.ask(job.turn);
}

void StoryEndpoint::add_turn(StoryJob& job) {
  if (!job.turn.turns) return answer(job, 503, "The database cannot be read now; try again later");
  if (!job.turn.turns->empty()) {
    append_turn_json(JsonObject::reopened(job.body).value("turn"), job.turn.turns->front());
  }
  answer(job, 200, job.body);
}

// Asks for the story of the request that the event with this ID belongs to.
void StoryEndpoint::look_for_event(StoryJob& job) {
  job.is_event = true;
  runner_.end(job.query);
  runner_.start_for_event(job.query, job.id, story_filter, kStoryRowsMax + 1);
}

void StoryEndpoint::finish(StoryJob& job, int status, std::string_view text) {
  runner_.end(job.query);
  answer(job, status, text);
}

void StoryEndpoint::answer(StoryJob& job, int status, std::string_view text) {
  jobs_.give_back(job);
  if (status == 200) return job.exchange->respond({.body = text});
  job.exchange->fail(status, text, status == 503 ? "Retry-After: 1\r\n" : "");
}

}  // namespace picortex
