#include "handlers/ingest/linq_decoder.h"

#include <simdjson.h>

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "handlers/ingest/name_based_uuid.h"
#include "storage/event.h"

namespace picortex {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::string_view kPrefix = "linq.";
constexpr std::size_t kEventIdSizeMax = 256;

// An event_id that is not a UUID always gets the same one, too.
Uuid uuid_of(std::string_view event_id) {
  if (const auto uuid = parse_uuid(event_id)) return *uuid;
  return named_uuid("linq event_id\n" + std::string(event_id));
}

bool is_type(std::string_view text) {
  return !text.empty() && text.size() + kPrefix.size() <= kEventTypeSizeMax &&
         std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

// Appends the texts of the message's parts, one a line.
void append_text(const object& data, std::string& msg) {
  array parts;
  if (data["parts"].get(parts)) return;
  for (const element part : parts) {
    std::string_view text;
    if (part["value"].get(text)) continue;
    if (std::string_view type; !part["type"].get(type) && type != "text") continue;
    if (!msg.empty()) msg += '\n';
    msg += text;
  }
}

}  // namespace

Result<void> LinqDecoder::decode(std::span<char> body, LinqEvent& event) {
  event.chat_id.clear();
  event.msg.clear();
  event.data.clear();
  if (const auto parsed = document_.parse(body); !parsed) {
    return failure("Body " + parsed.error().what);
  }
  object envelope;
  if (document_.root().get(envelope)) return failure("body must be object");
  std::string_view type;
  if (envelope["event_type"].get(type) || !is_type(type)) {
    return failure("body/event_type must be string of 1 to 123 bytes without control characters");
  }
  std::string_view event_id;
  if (envelope["event_id"].get(event_id) || event_id.empty() || event_id.size() > kEventIdSizeMax) {
    return failure("body/event_id must be string of 1 to 256 bytes");
  }
  event.id = uuid_of(event_id);
  event.event_type = kPrefix;
  event.event_type += type == "message.received" ? "inbound" : type;
  if (object data; !envelope["data"].get(data)) {
    if (std::string_view chat; !data["chat"]["id"].get(chat)) {
      if (chat.size() > kChatIdSizeMax) return failure("body/data/chat/id has over 256 bytes");
      event.chat_id = chat;
    }
    append_text(data, event.msg);
    event.msg.resize(cut_to(event.msg, kMsgSizeMax).size());
  }
  if (auto written = writer_.append(event.data, document_.root()); !written) {
    return failure("body " + written.error().what);
  }
  return {};
}

}  // namespace picortex
