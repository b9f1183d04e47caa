#include "cli/source/fleet_table.h"

#include <simdjson.h>

#include <algorithm>
#include <csignal>
#include <optional>
#include <utility>

#include "base/json/json_text.h"
#include "base/parse.h"
#include "base/text.h"
#include "base/time/timestamp.h"
#include "storage/event_id.h"

namespace picortex {
namespace {

// The numbers of ClickHouse's exceptions (dbms/src/Common/ErrorCodes.cpp).
constexpr std::int64_t kUnknownTable = 60;
constexpr std::int64_t kUnknownDatabase = 81;
constexpr std::int64_t kAuthenticationCodes[] = {192, 193, 194, 516};

constexpr std::string_view kEventColumns =
    "time_ms, sequence, event_id, toInt8(level) AS level_number, event_type, chat_id, request_id, "
    "msg, data";

// A connection that the server has closed is an error of the request, not the end of the process.
class WithoutSigpipe {
 public:
  WithoutSigpipe() : before_(std::signal(SIGPIPE, SIG_IGN)) {}
  ~WithoutSigpipe() { std::signal(SIGPIPE, before_); }
  WithoutSigpipe(const WithoutSigpipe&) = delete;
  WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;

 private:
  void (*before_)(int);
};

// "Code: 60, e.displayText() = …"
std::optional<std::int64_t> exception_code(std::string_view said) {
  constexpr std::string_view kBegin = "Code: ";
  if (!said.starts_with(kBegin)) return std::nullopt;
  said.remove_prefix(kBegin.size());
  return take_whole<std::int64_t>(said);
}

std::string in_one_line(std::string_view said) {
  std::string line(cut_to(trimmed(said, " \t\r\n"), 500));
  std::ranges::replace(line, '\n', ' ');
  std::string out;
  append_visible(out, line);
  return out;
}

EventRow event_of(const simdjson::dom::element& row) {
  EventRow event;
  event.time_ms = std::clamp<std::int64_t>(number_of(row, "time_ms"), 0, kLatestUnixMs);
  event.key = first_key_of(event.time_ms) + number_of(row, "sequence");
  event.id = parse_uuid(text_of(row, "event_id")).value_or(Uuid());
  event.level = level_of_number(number_of(row, "level_number")).value_or(Level::fatal);
  event.event_type = text_of(row, "event_type");
  event.chat_id = text_of(row, "chat_id");
  event.request_id = parse_uuid(text_of(row, "request_id")).value_or(Uuid());
  event.msg = text_of(row, "msg");
  event.data = text_of(row, "data");
  return event;
}

}  // namespace

std::int64_t number_of(const simdjson::dom::element& row, const char* column) {
  std::int64_t number = 0;
  if (row[column].get(number) == simdjson::SUCCESS) return number;
  std::string_view text;
  if (row[column].get(text) != simdjson::SUCCESS) return 0;
  return parse_whole<std::int64_t>(text).value_or(0);
}

std::string text_of(const simdjson::dom::element& row, const char* column) {
  std::string_view text;
  return row[column].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

FleetTable::FleetTable(ShipTarget target) : target_(std::move(target)), client_(target_, stop_) {}

Result<std::unique_ptr<FleetTable>> FleetTable::open(ShipTarget target) {
  TRY(shipping::HttpClient::prepare_process());
  return std::unique_ptr<FleetTable>(new FleetTable(std::move(target)));
}

Result<void> FleetTable::select(std::string_view columns, std::string_view rest,
                                const TakeRow& take) {
  const std::string sql = "SELECT " + std::string(columns) + " FROM `" + target_.database + "`.`" +
                          target_.table + "` FINAL " + std::string(rest) + " FORMAT JSONEachRow";
  rest_.clear();
  std::optional<Error> error;
  bool is_ended = false;
  const auto on_bytes = [&](std::string_view bytes) {
    const auto goes_on = take_bytes(bytes, take);
    if (!goes_on) error = goes_on.error();
    is_ended = !goes_on || !*goes_on;
    return !is_ended;
  };
  const WithoutSigpipe without_sigpipe;
  const auto answer = client_.post(
      {.url = target_.url(), .content_type = "text/plain", .body = sql, .on_bytes = on_bytes});
  if (error) return std::unexpected(*std::move(error));
  if (is_ended) return {};  // the answer was broken off
  if (!answer) return std::unexpected(answer.error());
  if (answer->status != 200) return std::unexpected(error_of(*answer));
  if (rest_.empty()) return {};
  const std::string last = std::exchange(rest_, {});
  TRY(take_line(last, take));
  return {};
}

Result<void> FleetTable::select_events(std::string_view rest, const TakeEvent& take) {
  return select(kEventColumns, rest, [&take](const simdjson::dom::element& row) {
    EventRow event = event_of(row);
    return take(event);
  });
}

Result<bool> FleetTable::take_bytes(std::string_view bytes, const TakeRow& take) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    if (rest_.size() + piece.size() > kRowSizeMax) {
      return failure("a row of " + target_.shown + " is larger than 32 MiB");
    }
    bytes.remove_prefix(std::min(piece.size() + 1, bytes.size()));
    rest_ += piece;
    if (end == std::string_view::npos) break;
    const std::string line = std::exchange(rest_, {});
    if (!line.empty() && !TRY(take_line(line, take))) return false;
  }
  return true;
}

// A server that fails in the middle of an answer writes the reason into it.
Result<bool> FleetTable::take_line(std::string_view line, const TakeRow& take) {
  padded_.assign(line).append(kJsonPadding, '\0');
  if (!document_.parse({padded_.data(), line.size()}) || !document_.root().is_object()) {
    return std::unexpected(error_of(line));
  }
  return take(document_.root());
}

Error FleetTable::error_of(const shipping::HttpAnswer& answer) const {
  Error error = error_of(answer.body);
  if (!exception_code(answer.body)) {
    error.what += " (status " + std::to_string(answer.status) + ')';
  }
  return error;
}

Error FleetTable::error_of(std::string_view said) const {
  const std::int64_t code = exception_code(said).value_or(0);
  if (code == kUnknownTable) {
    return {"there is no table " + target_.shown + ": picortex ship init --apply makes it"};
  }
  if (code == kUnknownDatabase) {
    return {"there is no database " + target_.database + " at " + target_.origin};
  }
  if (std::ranges::find(kAuthenticationCodes, code) != std::end(kAuthenticationCodes)) {
    return {target_.origin + " rejects the user or the password of --from"};
  }
  return {target_.origin + " answers: " + in_one_line(said)};
}

}  // namespace picortex
