#include "handlers/ingest/sentry/sentry_decoder.h"

#include <openssl/evp.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/ascii.h"
#include "base/check.h"
#include "base/json/json_object.h"
#include "base/text.h"
#include "handlers/ingest/name_based_uuid.h"
#include "handlers/ingest/sentry/sentry_message.h"
#include "handlers/ingest/sentry/sentry_time.h"

namespace picortex {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

// In bytes of JSON; together they stay below kDataSizeMax.
constexpr std::size_t kNameShown = 200;
constexpr std::size_t kUrlShown = 2048;
constexpr std::size_t kValueShown = 4096;
constexpr std::size_t kStackShown = 24 * 1024;
constexpr std::size_t kUserAgentShown = 512;
constexpr std::size_t kTagsMax = 50;
constexpr std::size_t kHeadersMax = 200;
constexpr std::size_t kFingerprintsMax = 8;
constexpr std::size_t kFingerprintBytes = 8;  // of the hash, which is shown in hexadecimal

constexpr std::string_view kUnlabeled = "<unlabeled event>";  // Sentry's own text

// The members of an event that are read, in the order of kNames.
enum Name : std::size_t {
  kEventId,
  kLevel,
  kMessage,
  kLogEntry,
  kExceptionName,
  kThreads,
  kStacktrace,
  kFingerprint,
  kTags,
  kRelease,
  kEnvironment,
  kPlatform,
  kTransaction,
  kSdk,
  kContexts,
  kRequest,
  kTimestamp,
  kNameCount
};
constexpr std::array<std::string_view, kNameCount> kNames{
    "event_id",    "level",       "message",  "logentry", "exception",   "threads",
    "stacktrace",  "fingerprint", "tags",     "release",  "environment", "platform",
    "transaction", "sdk",         "contexts", "request",  "timestamp"};

// Other names of members, used by older SDKs.
constexpr std::array<std::pair<std::string_view, Name>, 6> kOldNames{
    {{"sentry.interfaces.Message", kLogEntry},
     {"sentry.interfaces.Exception", kExceptionName},
     {"sentry.interfaces.Threads", kThreads},
     {"sentry.interfaces.Stacktrace", kStacktrace},
     {"sentry.interfaces.Http", kRequest},
     {"sentry.interfaces.Contexts", kContexts}}};

using Members = std::array<std::optional<element>, kNameCount>;

Members find_members(const object& object) {
  Members members;
  for (const auto [key, value] : object) {
    if (value.is_null()) continue;
    if (const auto name = std::ranges::find(kNames, key); name != kNames.end()) {
      members[static_cast<std::size_t>(name - kNames.begin())] = value;
      continue;
    }
    const auto old = std::ranges::find(kOldNames, key, [](const auto& one) { return one.first; });
    if (old != kOldNames.end() && !members[old->second]) members[old->second] = value;
  }
  return members;
}

// Returns a string, or a number or boolean as text.
std::string scalar_of(const std::optional<element>& value) {
  std::string text;
  if (value) append_scalar(text, *value);
  return text;
}

Uuid stored_id(const Uuid& event_id) {
  const bool is_random = (event_id.bytes[6] & 0xf0) == 0x40 && (event_id.bytes[8] & 0xc0) == 0x80;
  return is_random ? event_id : named_uuid("sentry event_id\n" + sentry_id_text(event_id));
}

// "log" is JavaScript's, and the numbers are those of Python's logging. Anything else counts as an
// error, as in Sentry.
Level level_of(const std::optional<element>& value) {
  std::string label = scalar_of(value);
  std::ranges::transform(label, label.begin(), lower);
  constexpr std::array<std::pair<std::string_view, Level>, 9> kLevels{
      {{"warning", Level::warn},
       {"log", Level::info},
       {"critical", Level::fatal},
       {"10", Level::debug},
       {"20", Level::info},
       {"30", Level::warn},
       {"40", Level::error},
       {"50", Level::fatal},
       {"information", Level::info}}};
  for (const auto& [name, level] : kLevels) {
    if (label == name) return level;
  }
  return parse_level(label).value_or(Level::error);
}

// Appends a JSON string with at most `size_max` bytes between its quotes.
void append_cut(std::string& out, std::string_view text, std::size_t size_max) {
  const std::size_t begin = out.size();
  for (std::size_t size = size_max;; size /= 2) {
    append_json_string(out, cut_to(text, size));
    if (out.size() - begin <= size_max + 2) return;
    out.resize(begin);  // escapes made it longer
  }
}

void append_text(JsonObject& data, std::string_view name, std::string_view text,
                 std::size_t size_max = kNameShown) {
  if (text.empty()) return;
  append_cut(data.value(name), text, size_max);
}

// Returns the shortened SHA-256 of what identifies the event.
std::string hash_of(std::string_view identity) {
  std::array<unsigned char, 32> hash;
  CHECK(EVP_Digest(identity.data(), identity.size(), hash.data(), nullptr, EVP_sha256(), nullptr) ==
        1);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < kFingerprintBytes; ++i) {
    text += kDigits[hash[i] >> 4];
    text += kDigits[hash[i] & 15];
  }
  return text;
}

// True for {{ default }}, with any blanks.
bool is_default_fingerprint(std::string_view text) {
  if (!text.starts_with("{{") || !text.ends_with("}}") || text.size() < 4) return false;
  return trimmed(text.substr(2, text.size() - 4)) == "default";
}

// Appends the event's own fingerprint, in which {{ default }} stands for the one that is derived
// here.
void append_fingerprint(JsonArray fingerprint, const std::optional<element>& own,
                        std::string_view made) {
  std::size_t count = 0;
  array parts;
  if (own && !own->get(parts)) {
    for (const element part : parts) {
      std::string text;
      if (!append_scalar(text, part) || text.empty()) continue;
      if (++count > kFingerprintsMax) break;
      append_cut(fingerprint.value(), is_default_fingerprint(text) ? made : text, kNameShown);
    }
  }
  if (count == 0) fingerprint.text(made);
}

// Returns false if the value is not a tag's.
bool append_tag_value(std::string& data, const element& value) {
  if (bool flag; !value.get(flag)) {
    data += flag ? "true" : "false";
  } else if (std::int64_t whole; !value.get(whole)) {
    append_json_number(data, whole);
  } else if (double number; !value.get(number)) {
    append_json_number(data, number);
  } else if (std::string_view text; !value.get(text)) {
    append_cut(data, text, kNameShown);
  } else {
    return false;
  }
  return true;
}

void append_tags(JsonObject& data, const std::optional<element>& value) {
  std::string written;
  {
    JsonObject tags(written);
    for (const auto& [name, tag] : pairs_of(value, kTagsMax)) {
      if (name == "__proto__") continue;
      const std::size_t before = written.size();
      tags.value(name);
      const bool is_short = written.size() - before <= kNameShown + 4;
      if (!is_short || !append_tag_value(written, tag)) written.resize(before);
    }
  }
  if (written != "{}") data.value("tags") += written;
}

// The value of a header is a text, or the list of its lines.
std::string user_agent_of(const std::optional<element>& request) {
  std::string agent;
  for (const auto& [name, value] : pairs_of(member_of(request, "headers"), kHeadersMax)) {
    if (!equals_ignoring_case(name, "user-agent")) continue;
    agent.clear();
    array lines;
    if (value.get(lines)) {
      append_scalar(agent, value);
      continue;
    }
    for (const element line : lines) {
      if (!agent.empty()) agent += ", ";
      append_scalar(agent, line);
      if (agent.size() > kUserAgentShown) break;
    }
  }
  return agent;
}

void append_exception(JsonObject& data, const SentryException& exception) {
  if (exception.is_empty()) return;
  std::string written;
  {
    JsonObject caught(written);
    append_text(caught, "type", exception.caught().type);
    append_text(caught, "value", exception.caught().value, kValueShown);
  }
  if (written != "{}") data.value("exception") += written;
  std::string stack;
  exception.append_stack(stack);
  append_text(data, "stack", stack, kStackShown);
}

void append_origin(JsonObject& data, const Members& members) {
  append_text(data, "release", scalar_of(members[kRelease]));
  append_text(data, "environment", scalar_of(members[kEnvironment]));
  append_text(data, "platform", scalar_of(members[kPlatform]));
  append_text(data, "transaction", scalar_of(members[kTransaction]));
  append_text(data, "url", text_in(members[kRequest], {"url"}), kUrlShown);
  append_text(data, "user_agent", user_agent_of(members[kRequest]), kUserAgentShown);
  std::string sdk(cut_to(text_in(members[kSdk], {"name"}), kNameShown));
  if (const auto version = text_in(members[kSdk], {"version"}); !sdk.empty() && !version.empty()) {
    sdk += '/';
    sdk += cut_to(version, kNameShown);
  }
  append_text(data, "sdk", sdk);
  append_text(data, "trace_id", text_in(members[kContexts], {"trace", "trace_id"}));
}

}  // namespace

Result<SentryContent> SentryDecoder::decode(std::span<char> body, std::string_view project,
                                            SentryEvent& event) {
  SentryEnvelope envelope(document_, body);
  const auto id = TRY(envelope.read_header());
  SentryContent content{.id = id, .sent_at = envelope.sent_at()};
  while (true) {
    const auto item = TRY(envelope.next());
    if (!item) return content;
    if (item->type != "event") continue;
    if (content.has_event) return failure("envelope has more than one event");
    TRY(read_event(item->payload, content.id, project, event));
    content.has_event = true;
  }
}

Result<void> SentryDecoder::read_event(std::span<char> payload,
                                       const std::optional<Uuid>& envelope_id,
                                       std::string_view project, SentryEvent& event) {
  if (payload.size() > kEventSizeMax) return failure("event is larger than 1 MiB", EMSGSIZE);
  if (const auto parsed = document_.parse(payload); !parsed) {
    return failure("event " + parsed.error().what);
  }
  object root;
  if (document_.root().get(root)) return failure("event must be object");
  const Members members = find_members(root);
  const auto id = envelope_id ? envelope_id : parse_sentry_id(text_of(members[kEventId]));
  if (!id) return failure("event_id must be 32 hexadecimal digits");
  event.event_id = *id;
  event.id = stored_id(*id);
  event.level = level_of(members[kLevel]);
  event.timestamp = sentry_timestamp(members[kTimestamp]);
  exception_.clear();
  if (members[kExceptionName]) exception_.read(*members[kExceptionName]);
  const bool has_exception = !exception_.is_empty();
  if (!exception_.has_frames()) exception_.read_threads(members[kThreads], members[kStacktrace]);

  const SentryMessage message = SentryMessage::read(members[kLogEntry], members[kMessage]);
  event.msg.clear();
  if (has_exception) SentryException::append_title(event.msg, exception_.caught());
  if (event.msg.empty()) event.msg = message.text;
  if (event.msg.empty()) event.msg = kUnlabeled;

  std::string identity;
  if (exception_.is_empty() || (!has_exception && !message.identical.empty())) {
    identity = message.identical;
  } else {
    exception_.append_identity(identity);
  }
  event.data.clear();
  JsonObject data(event.data);
  append_text(data, "event_id", sentry_id_text(event.event_id));
  append_text(data, "project", project);
  append_fingerprint(data.array("fingerprint"), members[kFingerprint], hash_of(identity));
  append_exception(data, exception_);
  append_tags(data, members[kTags]);
  append_origin(data, members);
  return {};
}

}  // namespace picortex
