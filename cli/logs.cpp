#include "cli/logs.h"

#include <simdjson.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <thread>
#include <utility>
#include <vector>

#include "base/json_text.h"
#include "cli/display.h"
#include "cli/follower.h"
#include "cli/serve_options.h"
#include "cli/time_expression.h"
#include "cli/timeline.h"
#include "storage/event.h"
#include "storage/event_id.h"

namespace picortex {
namespace {

constexpr std::size_t kTextSizeMax = 1000;
constexpr std::size_t kBytesMax = 256 * 1024 * 1024;  // of one answer
constexpr std::chrono::milliseconds kFollowPause{250};
constexpr std::size_t kFollowRows = 1000;
constexpr std::uint32_t kLimitMax = 100'000;

std::int64_t unix_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

// An empty text is the default: none.
auto parse_text(std::size_t size_max) {
  return [size_max](std::string_view text) -> std::optional<std::string> {
    if (text.size() > size_max || !simdjson::validate_utf8(text)) return std::nullopt;
    return std::string(text);
  };
}

// An optional within an optional: none is given, or what is given is wrong.
template <class Parse>
auto or_none(Parse parse) {
  return [parse](std::string_view text) {
    using Value = decltype(parse(text));
    if (text.empty()) return std::optional<Value>(Value());
    Value value = parse(text);
    return value ? std::optional<Value>(std::move(value)) : std::nullopt;
  };
}

int print_error(std::string_view what) {
  std::fprintf(stderr, "picortex: logs: %.*s\n", static_cast<int>(what.size()), what.data());
  return 1;
}

class Logs {
 public:
  Logs(const LogsOptions& options, EventReader& reader)
      : options_(options),
        reader_(reader),
        filter_(options.filter),
        timeline_(!options.json && stdout_is_coloured()) {}

  Result<void> run() {
    if (options_.request) {
      auto request = find_request(reader_, *options_.request);
      if (!request) return std::unexpected(std::move(request.error()));
      filter_.request_id = *request;
    }
    if (options_.around) return show_around();
    return options_.follow ? follow() : show_newest();
  }

 private:
  // Appends up to `count` rows behind `after`; true when those are all.
  Result<bool> fetch(EventOrder order, std::optional<std::int64_t> after, std::size_t count,
                     std::vector<EventRow>& rows) {
    EventFilter filter = filter_;
    filter.order = order;
    EventQuery query(reader_, std::move(filter), after);
    const QueryBudget budget{.rows_max = rows.size() + count,
                             .time_max = std::chrono::milliseconds(100)};
    while (!query.is_done() && rows.size() < budget.rows_max && query.cost().bytes < kBytesMax) {
      if (auto done = query.run(rows, budget); !done) return failure(done.error().what);
    }
    return query.is_done();
  }

  Result<void> show_newest() {
    std::vector<EventRow> rows;
    auto is_all = fetch(EventOrder::newest_first, {}, options_.limit, rows);
    if (!is_all) return std::unexpected(std::move(is_all.error()));
    if (rows.empty()) return say_why_empty();
    // With exactly the limit it is not known yet.
    if (!*is_all) {
      std::vector<EventRow> more;
      auto none = fetch(EventOrder::newest_first, rows.back().key, 1, more);
      if (!none) return std::unexpected(std::move(none.error()));
      *is_all = more.empty();
    }
    std::ranges::reverse(rows);
    if (auto printed = print(rows, {}); !printed) return printed;
    if (!*is_all) {
      std::fprintf(stderr,
                   "picortex: logs: these are the newest %zu events: for those before, add "
                   "--until '%s' or a greater --limit\n",
                   rows.size(), local_time(rows.front().time_ms + 1).c_str());
    }
    return {};
  }

  Result<void> show_around() {
    auto key = find_event(*options_.around);
    if (!key) return std::unexpected(std::move(key.error()));
    std::vector<EventRow> rows;
    // Cursors are exclusive: behind the key after it, the event itself is the first.
    auto before = fetch(EventOrder::newest_first, *key + 1, options_.limit / 2 + 1, rows);
    if (!before) return std::unexpected(std::move(before.error()));
    std::ranges::reverse(rows);
    auto after = fetch(EventOrder::oldest_first, *key, options_.limit / 2, rows);
    if (!after) return std::unexpected(std::move(after.error()));
    if (rows.empty()) return say_why_empty();
    return print(rows, *key);
  }

  // The event of that id, else the first one of the request.
  Result<std::int64_t> find_event(const Uuid& id) {
    auto key = reader_.find(id);
    if (key && !*key) key = reader_.seek_request(id, 0, EventOrder::oldest_first);
    if (!key) return failure(key.error().what);
    if (*key) return **key;
    return failure("--around: there is no event and no request " + to_string(id));
  }

  Result<void> follow() {
    std::vector<EventRow> rows;
    auto is_all = fetch(EventOrder::newest_first, {}, options_.limit, rows);
    if (!is_all) return std::unexpected(std::move(is_all.error()));
    Follower follower(reader_, filter_, rows, *is_all, unix_ms());
    std::ranges::reverse(rows);
    if (!options_.json) put("times are " + zone_name(unix_ms()) + '\n');
    for (;;) {
      for (const EventRow& row : rows) put_in_turn(row);
      if (auto flushed = flush(); !flushed) return flushed;
      rows.clear();
      auto more = follower.look(rows, kFollowRows, unix_ms());
      if (!more && more.error().kind != FaultKind::busy) return failure(more.error().what);
      if (rows.empty() || !more) std::this_thread::sleep_for(kFollowPause);
      if (auto place = reader_.check_place(); !place) return failure(place.error().what);
    }
  }

  void put_in_turn(const EventRow& row) {
    if (options_.json) {
      timeline_.append_json(out_, row);
    } else {
      timeline_.append_in_turn(out_, {&row, 1});
    }
  }

  Result<void> print(const std::vector<EventRow>& rows, std::optional<std::int64_t> marked) {
    if (options_.json) {
      for (const EventRow& row : rows) timeline_.append_json(out_, row);
      return flush();
    }
    const std::string first = zone_name(rows.front().time_ms);
    const std::string last = zone_name(rows.back().time_ms);
    put("times are " + first + (first == last ? "" : ", later " + last) + '\n');
    timeline_.append_grouped(out_, rows, marked.value_or(-1));
    return flush();
  }

  Result<void> say_why_empty() {
    auto newest = reader_.seek(EventReader::Index::all, 0, first_key_of(EventFilter().until_ms),
                               EventOrder::newest_first);
    if (!newest) return failure(newest.error().what);
    std::string hint =
        "the database holds no event yet: is picortex serve running, and this its "
        "data directory?";
    if (*newest) {
      hint = "the newest event of all is of " + local_time(time_of(**newest)) +
             ": try another --since or --until, or leave out a filter";
      if (!filter_.chat_id.empty()) {
        auto chat = reader_.chat_number(filter_.chat_id);
        if (!chat) return failure(chat.error().what);
        if (!*chat)
          hint = "there is no chat " + display(filter_.chat_id) + ": see that it is whole";
      }
    }
    std::fprintf(stderr, "picortex: logs: no event fits; %s\n", hint.c_str());
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
  EventReader& reader_;
  EventFilter filter_;
  Timeline timeline_;
  std::string out_;
};

}  // namespace

std::optional<IdPrefix> parse_id_prefix(std::string_view text) {
  constexpr std::size_t kShortest = 8;
  if (text.size() < kShortest || text.size() > Uuid::kTextSize) return std::nullopt;
  const auto completed = [text](std::string_view rest) {
    return parse_uuid(std::string(text) + std::string(rest.substr(text.size())));
  };
  const auto low = completed("00000000-0000-0000-0000-000000000000");
  const auto high = completed("ffffffff-ffff-ffff-ffff-ffffffffffff");
  if (!low || !high) return std::nullopt;
  return IdPrefix{*low, *high};
}

std::string read_chat_filter(Settings& settings) {
  return settings.one(kFilterChat, parse_text(kChatIdSizeMax));
}

void read_zone(Settings& settings) {
  if (!settings.toggle(kAnswerUtc)) return;
  setenv("TZ", "UTC", 1);
  tzset();
}

void read_times(Settings& settings, EventFilter& filter, bool is_open) {
  const auto parse = or_none(
      [now_ms = unix_ms()](std::string_view text) { return parse_time_expression(text, now_ms); });
  const auto since = settings.one(kFilterSince, parse);
  const auto until = settings.one(kFilterUntil, parse);
  if (since) filter.since_ms = since->begin_ms;
  if (until) {
    filter.until_ms = until->end_ms;
  } else if (since && !since->is_instant() && !is_open) {
    filter.until_ms = since->end_ms;
  }
}

Result<LogsOptions> read_logs_options(Settings& settings) {
  LogsOptions options;
  read_zone(settings);
  options.data_dir = read_data_dir(settings);
  options.filter.chat_id = read_chat_filter(settings);
  options.filter.event_type = settings.one(kFilterType, parse_text(kEventTypeSizeMax));
  options.filter.text = settings.one(kFilterText, parse_text(kTextSizeMax));
  options.filter.level = settings.one(kFilterLevel, parse_level);
  options.request = settings.one(kFilterRequest, or_none(parse_id_prefix));
  options.around = settings.one(kLogsAround, or_none(parse_uuid));
  options.follow = settings.toggle(kLogsFollow);
  options.json = settings.toggle(kAnswerJson);
  const bool is_short = options.follow || options.around;
  options.limit = settings.is_given(kLogsLimit) ? settings.number(kLogsLimit, 1, kLimitMax)
                  : is_short                    ? 20
                                                : 1000;
  read_times(settings, options.filter, options.follow);
  if (settings.error()) return std::unexpected(*settings.error());
  if (options.follow && (options.around || settings.is_given(kFilterUntil))) {
    return failure("logs: --follow waits for new events: leave out --until and --around");
  }
  if (options.filter.since_ms >= options.filter.until_ms) {
    return failure("logs: --since is not before --until: there is nothing between");
  }
  return options;
}

Result<Uuid> find_request(EventReader& reader, const IdPrefix& prefix) {
  auto found = reader.find_requests(prefix.low, prefix.high);
  if (!found) return failure(found.error().what);
  if (!*found) {
    return failure(prefix.is_whole() ? "there is no event and no request " + to_string(prefix.low)
                                     : "there is no request whose ID begins so");
  }
  const auto& [first, last] = **found;
  if (first == last) return first;
  return failure("more than one request's ID begins so, from " + to_string(first) + " to " +
                 to_string(last) + ": give more of it");
}

int logs(const LogsOptions& options) {
  auto reader = EventReader::open(options.data_dir);
  if (!reader) return print_error(reader.error().what);
  const auto shown = Logs(options, **reader).run();
  return shown ? 0 : print_error(shown.error().what);
}

}  // namespace picortex
