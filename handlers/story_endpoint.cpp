#include "handlers/story_endpoint.h"

#include <algorithm>
#include <utility>

#include "handlers/query_parameters.h"

namespace picortex {
namespace {

// Of texts; a story that is longer is cut short.
constexpr std::size_t kTextsSizeMax = 4 * 1024 * 1024;

std::size_t size_of(const std::vector<EventRow>& rows) noexcept {
  std::size_t size = 0;
  for (const EventRow& row : rows) size += row.msg.size() + row.data.size();
  return size;
}

}  // namespace

StoryEndpoint::StoryEndpoint(QueryRunner& runner) : runner_(runner) {
  for (std::size_t i = 0; i < kStoriesMax; ++i) free_.push_back(&tellers_.emplace_back(*this));
}

void StoryEndpoint::get(http::Exchange& exchange) noexcept {
  const auto pairs = parse_form(exchange.request().query);
  if (!pairs) return exchange.fail(400, pairs.error().what);
  if (pairs->size() != 1 || pairs->front().first != "id") {
    return exchange.fail(400, "id is needed, and nothing else: of a request or of an event");
  }
  const auto id = parse_uuid(pairs->front().second);
  if (!id) return exchange.fail(400, "id is not a UUID");
  if (free_.empty()) {
    return exchange.fail(503, "Too many queries are running; try again later",
                         "Retry-After: 1\r\n");
  }
  Teller& teller = *free_.back();
  free_.pop_back();
  teller.exchange = &exchange;
  teller.id = *id;
  teller.is_event = false;
  runner_.start(teller.query, story_filter(*id), std::nullopt, kStoryRowsMax + 1);
}

void StoryEndpoint::look_at(Teller& teller) {
  if (teller.query.has_failed()) {
    return finish(teller, 503, "The database cannot be read now; try again later");
  }
  if (!teller.exchange->is_wanted()) return finish(teller, 503, "The client has gone");
  std::vector<EventRow>& rows = teller.query.rows();
  const bool is_cut_short =
      rows.size() > kStoryRowsMax || (!teller.query.is_done() && size_of(rows) >= kTextsSizeMax);
  if (!teller.query.is_done() && !is_cut_short) return;
  if (rows.empty()) {
    if (!look_for_event(teller)) finish(teller, 404, "There is no event of that id or request");
    return;
  }
  rows.resize(std::min(rows.size(), kStoryRowsMax));
  std::string body;
  append_story_json(body, tell_story(rows, is_cut_short));
  finish(teller, 200, body);
}

// True: the story of the request is asked for that the event belongs to.
bool StoryEndpoint::look_for_event(Teller& teller) {
  if (std::exchange(teller.is_event, true)) return false;
  const auto request_id = runner_.request_of(teller.id);
  if (!request_id) return false;
  runner_.end(teller.query);
  runner_.start(teller.query, story_filter(*request_id), std::nullopt, kStoryRowsMax + 1);
  return true;
}

void StoryEndpoint::finish(Teller& teller, int status, std::string_view text) {
  runner_.end(teller.query);
  free_.push_back(&teller);
  if (status == 200) return teller.exchange->respond({.body = text});
  teller.exchange->fail(status, text, status == 503 ? "Retry-After: 1\r\n" : "");
}

}  // namespace picortex
