#include "cli/commands/logs.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>
#include <vector>

#include "base/terminal.h"
#include "base/time/clock.h"
#include "cli/commands/follower.h"
#include "cli/commands/time_expression.h"
#include "cli/commands/timeline.h"
#include "cli/output/event_counts.h"
#include "cli/source/local_source.h"
#include "storage/event_id.h"

namespace picortex {
namespace {

constexpr std::chrono::milliseconds kFollowPause{250};
constexpr std::size_t kFollowRows = 1000;
// More events than this are read and printed in pages, oldest first, so that memory stays bounded.
// Fewer are held, so that those of one request can be shown together.
constexpr std::size_t kHeldMax = 100'000;
constexpr std::size_t kPageRows = 10'000;

class Logs {
 public:
  Logs(const LogsOptions& options, EventSource& source)
      : options_(options),
        source_(source),
        filter_(options.filter),
        timeline_(!options.json && stdout_is_coloured(), options.ids) {}

  Result<void> run() {
    if (options_.request) {
      filter_.request_id = TRY(find_request(source_, *options_.request));
    }
    return options_.around ? show_around() : show_newest();
  }

  // Shows the newest events, and those that arrive after them until stdout ends.
  Result<void> follow(EventReader& reader) {
    if (options_.request) {
      filter_.request_id = TRY(find_request(source_, *options_.request));
    }
    std::vector<EventRow> rows;
    // Before the rows: what arrives while they are read is among both, and is shown once.
    const auto last = reader.last_arrival();
    if (!last) return failure(last.error().what);
    TRY(fetch(EventOrder::newest_first, {}, options_.limit, rows));
    Follower follower(reader, filter_, *last, rows);
    std::ranges::reverse(rows);
    if (!options_.json) put("times are " + zone_name(kSystemClock.unix_ms()) + '\n');
    for (;;) {
      for (const EventRow& row : rows) put_in_turn(row);
      TRY(flush());
      rows.clear();
      auto more = follower.look(rows, kFollowRows);
      if (!more && more.error().kind != FaultKind::busy) return failure(more.error().what);
      if ((rows.empty() || !more) && wait_unless_reader_is_gone() == Reader::gone) return {};
      if (auto place = reader.check_place(); !place) return failure(place.error().what);
    }
  }

 private:
  // Appends up to `count` rows after `after`, and those that have the last one's key. Returns true if
  // there are no more.
  Result<bool> fetch(EventOrder order, std::optional<std::int64_t> after, std::size_t count,
                     std::vector<EventRow>& rows) {
    EventFilter filter = filter_;
    filter.order = order;
    return source_.read(filter, {.after = after, .rows_max = count}, rows);
  }

  Result<void> show_newest() {
    if (options_.limit > kHeldMax) return show_in_pages();
    std::vector<EventRow> rows;
    bool is_all = TRY(fetch(EventOrder::newest_first, {}, options_.limit, rows));
    if (rows.empty()) return say_why_empty();
    if (rows.size() > options_.limit) {
      is_all = false;
      rows.resize(options_.limit);
    } else if (!is_all) {
      // With exactly `limit` rows it is unknown whether there are more.
      std::vector<EventRow> more;
      TRY(fetch(EventOrder::newest_first, rows.back().key, 1, more));
      is_all = more.empty();
    }
    std::ranges::reverse(rows);
    put(TRY(draw_chart(rows)));
    if (is_all) return print(rows, {}, {});
    const std::string cut = TRY(describe_cut(rows.size(), rows.front().time_ms));
    // For people the note stands above the lines, since they may never read to the end. For
    // programs, stdout carries JSON alone.
    if (options_.json) print_notice("logs", cut);
    TRY(print(rows, {}, cut));
    if (!options_.json) print_notice("logs", cut);
    return {};
  }

  Result<std::string> describe_cut(std::size_t shown, std::int64_t first_ms) {
    const std::string all = TRY(count_in_words(source_, filter_));
    return "these are the newest " + std::to_string(shown) + ' ' +
           (all.empty() ? "events" : "of " + all) + ": for those before, add --until '" +
           local_time(first_ms + 1) + "' or a greater --limit";
  }

  // The events from `first` to `last`, and how many they are.
  struct Extent {
    std::int64_t first = 0;
    std::int64_t last = 0;
    std::size_t count = 0;
    bool is_all = false;  // there are no older ones
  };

  // Walks back from the newest event without keeping any.
  Result<Extent> find_extent() {
    Extent extent;
    std::vector<EventRow> rows;
    std::optional<std::int64_t> after;
    while (!extent.is_all && extent.count < options_.limit) {
      rows.clear();
      const std::size_t wanted = std::min<std::size_t>(kPageRows, options_.limit - extent.count);
      extent.is_all = TRY(fetch(EventOrder::newest_first, after, wanted, rows));
      if (rows.empty()) continue;
      if (extent.count == 0) extent.last = rows.front().key;
      extent.count += rows.size();
      extent.first = rows.back().key;
      after = extent.first;
    }
    return extent;
  }

  Result<void> show_in_pages() {
    const Extent extent = TRY(find_extent());
    if (extent.count == 0) return say_why_empty();
    const std::int64_t first_ms = time_of(extent.first);
    const std::string cut =
        extent.is_all ? std::string() : TRY(describe_cut(extent.count, first_ms));
    if (!options_.json) put("times are " + zone_name(first_ms) + '\n');
    if (!cut.empty()) print_notice("logs", cut);
    std::vector<EventRow> rows;
    // Cursors are exclusive.
    for (std::int64_t after = extent.first - 1; after < extent.last;) {
      rows.clear();
      const bool is_done = TRY(fetch(EventOrder::oldest_first, after, kPageRows, rows));
      for (const EventRow& row : rows) {
        if (row.key <= extent.last) put_in_turn(row);
      }
      TRY(flush());
      if (is_done || rows.empty()) break;
      after = rows.back().key;
    }
    if (!cut.empty() && !options_.json) print_notice("logs", cut);
    return {};
  }

  // Of the time that was asked for; without one, of what is shown.
  Result<std::string> draw_chart(const std::vector<EventRow>& rows) {
    if (!options_.chart || options_.json) return std::string();
    EventFilter filter = filter_;
    if (filter.since_ms == 0) filter.since_ms = rows.front().time_ms;
    filter.until_ms = std::min(filter.until_ms, rows.back().time_ms + 1);
    return draw_histogram(source_, filter);
  }

  Result<void> show_around() {
    auto key = TRY(find_around(*options_.around));
    std::vector<EventRow> rows;
    // Cursors are exclusive: starting after the next key makes the event itself the first row.
    TRY(fetch(EventOrder::newest_first, key + 1, options_.limit / 2 + 1, rows));
    std::ranges::reverse(rows);
    TRY(fetch(EventOrder::oldest_first, key, options_.limit / 2, rows));
    if (rows.empty()) return say_why_empty();
    return print(rows, key, {});
  }

  Result<std::int64_t> find_around(const AroundPlace& around) {
    if (!around.id) return find_event_at(around.time_ms);
    return around.id->is_whole() ? find_event_of(around.id->low) : find_event_of(*around.id);
  }

  // Finds the event with that ID, else the first event of the request with it.
  Result<std::int64_t> find_event_of(const Uuid& id) {
    if (const auto event = TRY(source_.find(id))) return event->key;
    EventFilter filter;
    filter.request_id = id;
    filter.order = EventOrder::oldest_first;
    std::vector<EventRow> rows;
    TRY(source_.read(filter, {.after = {}, .rows_max = 1}, rows));
    if (!rows.empty()) return rows.front().key;
    return failure("--around: there is no event and no request " + to_string(id));
  }

  // Finds the first event of the request whose ID begins with the prefix, else the event whose own
  // ID does.
  Result<std::int64_t> find_event_of(const IdPrefix& prefix) {
    if (TRY(source_.find_requests(prefix.low, prefix.high))) {
      return find_event_of(TRY(find_request(source_, prefix)));
    }
    if (const auto event = TRY(find_event(source_, prefix))) return event->key;
    return failure("--around: there is no event and no request whose ID begins so");
  }

  // Finds the first matching event at that time or later, else the last one before it.
  Result<std::int64_t> find_event_at(std::int64_t time_ms) {
    std::vector<EventRow> rows;
    const std::int64_t place = first_key_of(time_ms);
    TRY(fetch(EventOrder::oldest_first, place - 1, 1, rows));
    if (rows.empty()) {
      TRY(fetch(EventOrder::newest_first, place, 1, rows));
    }
    return rows.empty() ? place : rows.front().key;
  }

  enum class Reader { there, gone };

  // Waits for kFollowPause, or until the other end of the pipe is closed or the terminal hangs up:
  // without new events, no write would notice.
  static Reader wait_unless_reader_is_gone() {
    pollfd out{.fd = STDOUT_FILENO, .events = 0, .revents = 0};
    const int ready = poll(&out, 1, static_cast<int>(kFollowPause.count()));
    return ready > 0 && (out.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0 ? Reader::gone
                                                                            : Reader::there;
  }

  void put_in_turn(const EventRow& row) {
    if (options_.json) {
      timeline_.append_json(out_, row);
    } else {
      timeline_.append_in_turn(out_, {&row, 1});
    }
  }

  // Prints `note` above the lines.
  Result<void> print(const std::vector<EventRow>& rows, std::optional<std::int64_t> marked,
                     std::string_view note) {
    if (options_.json) {
      for (const EventRow& row : rows) timeline_.append_json(out_, row);
      return flush();
    }
    const std::string first = zone_name(rows.front().time_ms);
    const std::string last = zone_name(rows.back().time_ms);
    put("times are " + first + (first == last ? "" : ", later " + last) + '\n');
    if (!note.empty()) put(std::string(note) + '\n');
    timeline_.append_grouped(out_, rows, marked.value_or(-1));
    return flush();
  }

  Result<void> say_why_empty() {
    std::string hint = source_.hint_when_empty();
    if (const auto newest_ms = TRY(source_.newest_ms())) {
      hint = "the newest event of all is of " + local_time(*newest_ms) +
             ": try another --since or --until, or leave out a filter";
      if (!filter_.chat_id.empty() && !TRY(source_.has_chat(filter_.chat_id))) {
        hint = "there is no chat " + display(filter_.chat_id) + ": see that it is whole";
      }
    }
    print_notice("logs", "no event matches; " + hint);
    return {};
  }

  void put(std::string_view text) { out_ += text; }

  Result<void> flush() {
    const bool is_written =
        std::fwrite(out_.data(), 1, out_.size(), stdout) == out_.size() && std::fflush(stdout) == 0;
    out_.clear();
    return is_written ? Result<void>() : failure("cannot write to stdout");
  }

  const LogsOptions& options_;
  EventSource& source_;
  EventFilter filter_;
  Timeline timeline_;
  std::string out_;
};

}  // namespace

Result<Uuid> find_request(EventSource& source, const IdPrefix& prefix) {
  const auto found = TRY(source.find_requests(prefix.low, prefix.high));
  if (!found) {
    return failure(prefix.is_whole() ? "there is no event and no request " + to_string(prefix.low)
                                     : "there is no request whose ID begins so");
  }
  const auto& [first, last] = *found;
  if (first == last) return first;
  return failure("more than one request's ID begins so, from " + to_string(first) + " to " +
                 to_string(last) + ": give more of it");
}

Result<std::optional<EventRow>> find_event(EventSource& source, const IdPrefix& prefix) {
  auto found = TRY(source.find_placed(prefix.low, prefix.high));
  if (found.size() > 1) return failure("more than one event's ID begins so: give more of it");
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

int logs(const LogsOptions& options) {
  Result<void> shown;
  if (options.follow) {
    auto source = LocalSource::open(options.data_dir);
    if (!source) return print_error("logs", source.error().what);
    shown = Logs(options, **source).follow((*source)->reader());
  } else {
    auto source = open_source(options.data_dir, options.fleet);
    if (!source) return print_error("logs", source.error().what);
    shown = Logs(options, **source).run();
  }
  return shown ? 0 : print_error("logs", shown.error().what);
}

}  // namespace picortex
