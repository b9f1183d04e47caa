#include "handlers/sentry_decoder.h"

#include <openssl/evp.h>
#include <simdjson.h>
#include <strings.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/json_text.h"
#include "base/text.h"
#include "handlers/named_uuid.h"

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
constexpr std::size_t kMessageShown = 8192;
constexpr std::size_t kTagsMax = 50;
constexpr std::size_t kFingerprintsMax = 8;
constexpr std::size_t kFingerprintBytes = 8;  // of the hash, which is shown in hexadecimal

constexpr std::string_view kDefaultFingerprint = "{{ default }}";
constexpr std::string_view kUnlabeled = "<unlabeled event>";  // as Sentry calls it

// The members of an event that count, in the order of kNames.
enum Name : std::size_t {
  kEventId,
  kLevel,
  kMessage,
  kLogEntry,
  kExceptionName,
  kFingerprint,
  kTags,
  kRelease,
  kEnvironment,
  kPlatform,
  kTransaction,
  kSdk,
  kContexts,
  kRequest,
  kNameCount
};
constexpr std::array<std::string_view, kNameCount> kNames{
    "event_id", "level",       "message",  "logentry",    "exception", "fingerprint", "tags",
    "release",  "environment", "platform", "transaction", "sdk",       "contexts",    "request"};

using Members = std::array<std::optional<element>, kNameCount>;

Members find_members(const object& object) {
  Members members;
  for (const auto [key, value] : object) {
    if (const auto name = std::ranges::find(kNames, key); name != kNames.end()) {
      members[static_cast<std::size_t>(name - kNames.begin())] = value;
    }
  }
  return members;
}

std::string_view text_of(const std::optional<element>& value) {
  std::string_view text;
  if (!value || value->get(text)) return {};
  return text;
}

// Of an object, by the path of its members.
std::string_view text_in(const std::optional<element>& value,
                         std::initializer_list<std::string_view> path) {
  std::optional<element> inner = value;
  for (const std::string_view name : path) {
    element next;
    if (!inner || (*inner)[name].get(next)) return {};
    inner = next;
  }
  return text_of(inner);
}

Uuid stored_id(const Uuid& event_id) {
  const bool is_random = (event_id.bytes[6] & 0xf0) == 0x40 && (event_id.bytes[8] & 0xc0) == 0x80;
  return is_random ? event_id : named_uuid("sentry event_id\n" + sentry_id_text(event_id));
}

// "log" is JavaScript's own; an unknown level is an error's, as with Sentry.
Level level_of(std::string_view label) {
  if (label == "warning") return Level::warn;
  if (label == "log") return Level::info;
  return parse_level(label).value_or(Level::error);
}

// What was said, with its parameters put in.
std::string_view message_of(const Members& members) {
  for (const std::string_view text :
       {text_in(members[kLogEntry], {"formatted"}), text_of(members[kMessage]),
        text_in(members[kLogEntry], {"message"}), text_in(members[kMessage], {"formatted"})}) {
    if (!text.empty()) return text;
  }
  return {};
}

// The same for all parameters, where there are any.
std::string_view template_of(const Members& members) {
  const std::string_view text = text_in(members[kLogEntry], {"message"});
  return text.empty() ? message_of(members) : text;
}

// Begins the next member of the object that `out` is.
void append_key(std::string& out, std::string_view key) {
  out += out.empty() ? '{' : ',';
  append_json_string(out, key);
  out += ':';
}

// As a JSON string of at most `size_max` bytes between its quotes.
void append_cut(std::string& out, std::string_view text, std::size_t size_max) {
  const std::size_t begin = out.size();
  for (std::size_t size = size_max;; size /= 2) {
    append_json_string(out, cut_to(text, size));
    if (out.size() - begin <= size_max + 2) return;
    out.resize(begin);  // escapes have made it longer
  }
}

void append_text(std::string& data, std::string_view name, std::string_view text,
                 std::size_t size_max = kNameShown) {
  if (text.empty()) return;
  append_key(data, name);
  append_cut(data, text, size_max);
}

// SHA-256 of what identifies the event, shortened.
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

// The event's own, in which {{ default }} stands for the one that is made here.
void append_fingerprint(std::string& data, const std::optional<element>& own,
                        std::string_view made) {
  append_key(data, "fingerprint");
  char separator = '[';
  std::size_t count = 0;
  array parts;
  if (own && !own->get(parts)) {
    for (const element part : parts) {
      std::string_view text;
      if (part.get(text) || text.empty()) continue;
      if (++count > kFingerprintsMax) break;
      data += separator;
      separator = ',';
      append_cut(data, text == kDefaultFingerprint ? made : text, kNameShown);
    }
  }
  if (count == 0) {
    data += '[';
    append_json_string(data, made);
  }
  data += ']';
}

// False when it is none.
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

// The first kTagsMax of them, each name once.
std::vector<std::pair<std::string_view, element>> first_tags(const object& tags) {
  std::vector<std::pair<std::string_view, element>> first;
  for (const auto [name, value] : tags) {
    if (first.size() == kTagsMax) break;
    const auto same = std::ranges::find(first, name, [](const auto& tag) { return tag.first; });
    if (same != first.end()) {
      same->second = value;
    } else if (name != "__proto__") {
      first.emplace_back(name, value);
    }
  }
  return first;
}

void append_tags(std::string& data, const std::optional<element>& value) {
  object tags;
  if (!value || value->get(tags)) return;
  std::string written;
  for (const auto& [name, tag] : first_tags(tags)) {
    const std::size_t before = written.size();
    append_key(written, name);
    const bool is_short = written.size() - before <= kNameShown + 4;
    if (!is_short || !append_tag_value(written, tag)) written.resize(before);
  }
  if (written.empty()) return;
  append_key(data, "tags");
  data += written;
  data += '}';
}

std::string_view user_agent_of(const std::optional<element>& request) {
  object headers;
  if (!request || (*request)["headers"].get(headers)) return {};
  for (const auto [name, value] : headers) {
    constexpr std::string_view kUserAgent = "user-agent";
    std::string_view text;
    if (name.size() == kUserAgent.size() &&
        strncasecmp(name.data(), kUserAgent.data(), name.size()) == 0 && !value.get(text)) {
      return text;
    }
  }
  return {};
}

void append_exception(std::string& data, const SentryException& exception) {
  if (exception.is_empty()) return;
  std::string written;
  append_text(written, "type", exception.caught().type);
  append_text(written, "value", exception.caught().value, kValueShown);
  if (!written.empty()) {
    append_key(data, "exception");
    data += written;
    data += '}';
  }
  std::string stack;
  exception.append_stack(stack);
  append_text(data, "stack", stack, kStackShown);
}

void append_origin(std::string& data, const Members& members) {
  append_text(data, "release", text_of(members[kRelease]));
  append_text(data, "environment", text_of(members[kEnvironment]));
  append_text(data, "platform", text_of(members[kPlatform]));
  append_text(data, "transaction", text_of(members[kTransaction]));
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
  const auto id = envelope.read_header();
  if (!id) return std::unexpected(id.error());
  SentryContent content{.id = *id};
  while (true) {
    const auto item = envelope.next();
    if (!item) return std::unexpected(item.error());
    if (!*item) return content;
    if ((*item)->type != "event") continue;
    if (content.has_event) return failure("envelope has more than one event");
    if (auto read = read_event((*item)->payload, content.id, project, event); !read) {
      return std::unexpected(read.error());
    }
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
  event.level = level_of(text_of(members[kLevel]));
  exception_.clear();
  if (members[kExceptionName]) exception_.read(*members[kExceptionName]);

  event.msg.clear();
  if (!exception_.is_empty()) SentryException::append_title(event.msg, exception_.caught());
  if (event.msg.empty()) event.msg = cut_to(message_of(members), kMessageShown);
  if (event.msg.empty()) event.msg = kUnlabeled;

  std::string identity;
  if (exception_.is_empty()) {
    identity = template_of(members);
  } else {
    exception_.append_identity(identity);
  }
  std::string& data = event.data;
  data.clear();
  append_text(data, "event_id", sentry_id_text(event.event_id));
  append_text(data, "project", project);
  append_fingerprint(data, members[kFingerprint], hash_of(identity));
  append_exception(data, exception_);
  append_tags(data, members[kTags]);
  append_origin(data, members);
  data += '}';
  return {};
}

}  // namespace picortex
