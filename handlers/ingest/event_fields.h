#pragma once

#include <simdjson.h>

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "handlers/ingest/event_decoder.h"

namespace picortex {

// Reads the members of one object of POST /api/events (event_decoder.h has the rules) into an Event
// and its texts. Used for one object; references passed in must outlive it. Part of the
// EventDecoder.
class EventFields {
 public:
  // Where the texts of the event end in `texts`; each begins where the previous one ends.
  struct Ends {
    std::size_t event_type = 0;
    std::size_t chat_id = 0;
    std::size_t msg = 0;
  };

  EventFields(const simdjson::dom::object& object, const EventDefaults& defaults);

  // Fills `event`, except for its texts, which it appends to `texts`. The error is the message for
  // the client, without the event's index.
  Result<void> read(Event& event, std::string& texts, Ends& ends);

  // Call it after read(): the members that belong to the event itself. All others are its data.
  std::span<const std::string_view> taken() const noexcept { return {taken_.data(), count_}; }
  // Call it after read(): a request_id that is not a UUID, for the data under the name
  // client_request_id.
  const std::optional<simdjson::dom::element>& client_request_id() const noexcept {
    return client_request_id_;
  }

 private:
  // The event's own members, in the order of kNames.
  enum Name : std::size_t { kEventType, kTime, kLevel, kChatId, kRequestId, kMsg, kId, kNameCount };
  static constexpr std::array<std::string_view, kNameCount> kNames{
      "event_type", "time", "level", "chat_id", "request_id", "msg", "id"};

  static std::unexpected<Error> rejection(Name name, const simdjson::dom::element& value,
                                          std::string_view why);

  bool has(Name name) const noexcept { return named_[name].has_value(); }
  const simdjson::dom::element& operator[](Name name) const noexcept { return *named_[name]; }
  // Keeps the member out of the data. Always succeeds, so that a function that may fail can end
  // with it.
  Result<void> take(std::string_view name) noexcept {
    taken_[count_++] = name;
    return {};
  }

  bool is_log_line() const noexcept;
  // Returns whether an invalid member may stay in the data instead.
  bool is_lenient() const noexcept { return is_log_line_ || (has_pid_ && has_hostname_); }

  Result<void> read_time(Event& event);
  Result<void> check_time(std::int64_t time_ms) const;
  Result<void> read_level(Event& event);
  void read_request_id(Event& event);
  Result<void> read_id(Event& event);
  Result<void> append_event_type(std::string& texts);
  Result<void> append_chat_id(std::string& texts);
  Result<void> append_msg(std::string& texts);

  const EventDefaults& defaults_;
  // The last member with each name; null counts as absent.
  std::array<std::optional<simdjson::dom::element>, kNameCount> named_;
  std::optional<simdjson::dom::element> message_;
  std::optional<simdjson::dom::element> severity_;  // or levelname
  bool has_pid_ = false;
  bool has_hostname_ = false;
  bool has_client_request_id_ = false;
  bool decision_is_skip_ = false;
  bool is_log_line_ = false;

  std::array<std::string_view, kNameCount + 1> taken_;  // `message` may replace msg
  std::size_t count_ = 0;
  std::optional<simdjson::dom::element> client_request_id_;
};

}  // namespace picortex
