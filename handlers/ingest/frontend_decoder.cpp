#include "handlers/ingest/frontend_decoder.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "base/json/json_object.h"

namespace picortex {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

// The report's own members, in the order of kNames.
enum Name : std::size_t { kLevel, kMessage, kError, kStack, kContext, kNameCount };

constexpr std::array<std::string_view, kNameCount> kNames{"level", "message", "error", "stack",
                                                          "context"};

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

Result<void> read_level(const std::optional<element>& value, Level& level) {
  level = Level::error;
  if (!value) return {};
  std::string_view label;
  if (!value->get(label)) {
    for (const Level known : {Level::error, Level::warn, Level::info, Level::debug}) {
      if (label != level_label(known)) continue;
      level = known;
      return {};
    }
  }
  return failure("body/level must be one of error, warn, info, debug");
}

Result<void> read_message(const std::optional<element>& value, std::string& message) {
  if (!value) return failure("body must have required property 'message'");
  std::string_view text;
  if (value->get(text)) return failure("body/message must be string");
  message = text;
  return {};
}

Result<void> append_string(JsonObject& data, Name name, const std::optional<element>& value) {
  if (!value || value->is_null()) return {};
  std::string_view text;
  if (value->get(text))
    return failure("body/" + std::string(kNames[name]) + " must be string,null");
  data.text(kNames[name], text);
  return {};
}

Result<void> append_data(std::string& out, JsonWriter& writer, const object& object,
                         const Members& members) {
  JsonObject data(out);
  TRY(append_string(data, kError, members[kError]));
  TRY(append_string(data, kStack, members[kStack]));
  if (const auto& context = members[kContext]; context && !context->is_null()) {
    if (!context->is_object()) return failure("body/context must be object");
    if (auto written = writer.append(data.value(kNames[kContext]), *context); !written) {
      return failure("body/context " + written.error().what);
    }
  }
  const std::size_t before_extra = out.size();
  const std::size_t extra = data.value("extra").size();
  if (auto written = writer.append_without(out, object, kNames); !written) {
    return failure("body " + written.error().what);
  }
  if (out.size() == extra) out.resize(before_extra);
  return {};
}

}  // namespace

Result<void> FrontendDecoder::decode(std::span<char> body, FrontendLog& log) {
  log.data.clear();
  if (const auto parsed = document_.parse(body); !parsed) {
    return failure("Body " + parsed.error().what);
  }
  object object;
  if (document_.root().get(object)) return failure("body must be object");
  const Members members = find_members(object);
  TRY(read_level(members[kLevel], log.level));
  TRY(read_message(members[kMessage], log.message));
  TRY(append_data(log.data, writer_, object, members));
  // A report without any of these has no data.
  if (log.data == "{}") log.data.clear();
  return {};
}

}  // namespace picortex
