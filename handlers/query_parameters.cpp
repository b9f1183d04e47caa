#include "handlers/query_parameters.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/timestamp.h"
#include "storage/event.h"

namespace picortex {
namespace {

constexpr std::size_t kPairsMax = 32;
constexpr std::size_t kTextSizeMax = 256;
constexpr std::size_t kShownMax = 64;

std::unexpected<Error> refusal(std::string_view name, std::string_view why) {
  return failure(std::string(name.substr(0, kShownMax)) + ' ' + std::string(why));
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// None when an escape is broken.
std::optional<std::string> unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

Result<std::string> decode(std::string_view text) {
  auto decoded = unescape(text);
  if (!decoded) return failure("The query has a broken %-escape");
  return std::move(*decoded);
}

template <class Number>
std::optional<Number> number_of(std::string_view text) noexcept {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// ISO 8601 or Unix milliseconds.
std::optional<std::int64_t> time_of_text(std::string_view text) noexcept {
  if (const auto iso = parse_iso_time(text)) return iso;
  const auto number = number_of<std::int64_t>(text);
  if (!number || *number < 0 || *number > kLatestUnixMs) return std::nullopt;
  return number;
}

using Reader = Result<void> (*)(EventsRequest& request, std::string_view name, std::string& value);

Result<void> read_chat_id(EventsRequest& request, std::string_view name, std::string& value) {
  if (value.size() > kChatIdSizeMax) return refusal(name, "is longer than 256 bytes");
  request.filter.chat_id = std::move(value);
  return {};
}

Result<void> read_request_id(EventsRequest& request, std::string_view name, std::string& value) {
  request.filter.request_id = parse_uuid(value);
  if (!request.filter.request_id) return refusal(name, "is not a UUID");
  return {};
}

Result<void> read_event_type(EventsRequest& request, std::string_view name, std::string& value) {
  if (value.size() > kEventTypeSizeMax) return refusal(name, "is longer than 128 bytes");
  const std::size_t star = value.find('*');
  if (star != std::string::npos && star + 1 != value.size()) {
    return refusal(name, "may have a * at its end only, as in linq.*");
  }
  request.filter.event_type = std::move(value);
  return {};
}

Result<void> read_level(EventsRequest& request, std::string_view name, std::string& value) {
  const auto level = parse_level(value);
  if (!level) return refusal(name, "is none of trace, debug, info, warn, error, fatal");
  request.filter.level = *level;
  return {};
}

Result<void> read_time(std::int64_t& time_ms, std::string_view name, std::string_view value) {
  const auto time = time_of_text(value);
  if (!time) {
    return refusal(name,
                   "is neither ISO 8601 with a zone (2026-11-17T14:00:00Z; + as %2B) nor"
                   " Unix milliseconds");
  }
  time_ms = *time;
  return {};
}

Result<void> read_since(EventsRequest& request, std::string_view name, std::string& value) {
  return read_time(request.filter.since_ms, name, value);
}

Result<void> read_until(EventsRequest& request, std::string_view name, std::string& value) {
  return read_time(request.filter.until_ms, name, value);
}

Result<void> read_text(EventsRequest& request, std::string_view name, std::string& value) {
  if (value.size() > kTextSizeMax) return refusal(name, "is longer than 256 bytes");
  request.filter.text = std::move(value);
  return {};
}

Result<void> read_limit(EventsRequest& request, std::string_view name, std::string& value) {
  const auto limit = number_of<std::size_t>(value);
  if (!limit || *limit == 0 || *limit > kEventsLimitMax) {
    return refusal(name, "is not a number from 1 to 1000");
  }
  request.limit = *limit;
  return {};
}

Result<void> read_cursor(EventsRequest& request, std::string_view name, std::string& value) {
  request.after = parse_cursor(value);
  if (!request.after) return refusal(name, "is not a next_cursor of an answer before");
  return {};
}

// Those of pages last.
constexpr std::array<std::pair<std::string_view, Reader>, 9> kReaders{
    {{"chat_id", read_chat_id},
     {"request_id", read_request_id},
     {"event_type", read_event_type},
     {"level", read_level},
     {"since", read_since},
     {"until", read_until},
     {"text", read_text},
     {"limit", read_limit},
     {"cursor", read_cursor}}};
constexpr std::size_t kReadersOfStreams = 7;

Result<EventsRequest> parse_request(std::string_view query, std::size_t readers) {
  auto pairs = parse_form(query);
  if (!pairs) return std::unexpected(std::move(pairs.error()));
  EventsRequest request;
  for (auto& [name, value] : *pairs) {
    const auto* const end = kReaders.begin() + readers;
    const auto* const reader = std::find_if(
        kReaders.begin(), end, [&](const auto& candidate) { return candidate.first == name; });
    if (reader == end) return refusal(name, "is not a parameter of this endpoint");
    if (value.empty()) continue;
    if (auto done = reader->second(request, name, value); !done) {
      return std::unexpected(std::move(done.error()));
    }
  }
  return request;
}

}  // namespace

Result<FormPairs> parse_form(std::string_view query) {
  FormPairs pairs;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto name = decode(pair.substr(0, equals));
    if (!name) return std::unexpected(std::move(name.error()));
    auto value = decode(pair.substr(std::min(equals + 1, pair.size())));
    if (!value) return std::unexpected(std::move(value.error()));
    for (const auto& other : pairs) {
      if (other.first == *name) return refusal(*name, "is given twice");
    }
    if (pairs.size() == kPairsMax) return failure("The query has more than 32 parameters");
    pairs.emplace_back(std::move(*name), std::move(*value));
  }
  return pairs;
}

Result<EventsRequest> parse_events_request(std::string_view query) {
  return parse_request(query, kReaders.size());
}

Result<EventFilter> parse_stream_request(std::string_view query) {
  auto request = parse_request(query, kReadersOfStreams);
  if (!request) return std::unexpected(std::move(request.error()));
  return std::move(request->filter);
}

}  // namespace picortex
