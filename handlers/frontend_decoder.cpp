#include "handlers/frontend_decoder.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "base/json_text.h"

namespace picortex {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

// The members that a report has of its own, in the order of kNames.
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

// Begins the next member of the object that begins at `begin` of `out`.
void append_key(std::string& out, std::string_view key) {
  out += out.empty() ? '{' : ',';
  append_json_string(out, key);
  out += ':';
}

Result<void> append_string(std::string& out, Name name, const std::optional<element>& value) {
  if (!value || value->is_null()) return {};
  std::string_view text;
  if (value->get(text))
    return failure("body/" + std::string(kNames[name]) + " must be string,null");
  append_key(out, kNames[name]);
  append_json_string(out, text);
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
  if (auto read = read_level(members[kLevel], log.level); !read) return read;
  if (auto read = read_message(members[kMessage], log.message); !read) return read;
  if (auto added = append_string(log.data, kError, members[kError]); !added) return added;
  if (auto added = append_string(log.data, kStack, members[kStack]); !added) return added;
  if (const auto& context = members[kContext]; context && !context->is_null()) {
    if (!context->is_object()) return failure("body/context must be object");
    append_key(log.data, kNames[kContext]);
    if (auto written = writer_.append(log.data, *context); !written) {
      return failure("body/context " + written.error().what);
    }
  }
  const std::size_t before_extra = log.data.size();
  append_key(log.data, "extra");
  const std::size_t extra = log.data.size();
  if (auto written = writer_.append_without(log.data, object, kNames); !written) {
    return failure("body " + written.error().what);
  }
  if (log.data.size() == extra) log.data.resize(before_extra);
  if (!log.data.empty()) log.data += '}';
  return {};
}

}  // namespace picortex
