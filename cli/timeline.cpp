#include "cli/timeline.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <vector>

#include "base/json_text.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "cli/time_expression.h"

namespace picortex {
namespace {

constexpr std::size_t kDataSizeMax = 64 * 1024 * 1024;
constexpr std::size_t kValueShown = 200;  // bytes; --json has all of it
constexpr std::size_t kMessageShown = 2000;
constexpr std::size_t kShortIdSize = 18;

constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kDim = "\x1b[2m";
constexpr std::string_view kPlain = "\x1b[0m";

// Of `size_max` bytes at most, without half a character; what is cut off shows as "…".
void append_cut(std::string& out, std::string_view text, std::size_t size_max) {
  const std::string_view shown = cut_to(text, size_max);
  append_visible(out, shown);
  if (shown.size() < text.size()) out += "…";
}

std::string_view colour_of(Level level) {
  if (level >= Level::error) return "\x1b[31m";
  if (level == Level::warn) return "\x1b[33m";
  return level == Level::info ? "\x1b[32m" : kDim;
}

// Five columns, in capitals.
std::string padded_label(Level level) {
  std::string label(level_label(level));
  std::ranges::transform(label, label.begin(), [](unsigned char c) { return std::toupper(c); });
  label.resize(5, ' ');
  return label;
}

bool is_bare(std::string_view text) {
  return !text.empty() && text.size() <= kValueShown && std::ranges::all_of(text, [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '=' && c != ',' && c != '{' &&
           c != '[';
  });
}

// Bare where it is one plain word, else a JSON string.
void append_word(std::string& out, std::string_view text) {
  if (is_bare(text)) {
    out += text;
  } else if (text.size() <= kValueShown) {
    append_json_string(out, text);
  } else {
    out += '"';
    append_cut(out, text, kValueShown);
    out += '"';
  }
}

}  // namespace

std::string short_request_id(const Uuid& request_id) {
  return to_string(request_id).substr(0, kShortIdSize);
}

Timeline::Timeline(bool is_coloured) : is_coloured_(is_coloured), document_(kDataSizeMax) {}

void Timeline::paint(std::string& out, std::string_view colour) {
  if (is_coloured_) out += colour;
}

void Timeline::append_grouped(std::string& out, std::span<const EventRow> rows,
                              std::int64_t marked) {
  std::map<Uuid, std::size_t> place_of;
  std::vector<std::vector<const EventRow*>> groups;
  for (const EventRow& row : rows) {
    const auto [place, is_new] = place_of.try_emplace(row.request_id, groups.size());
    if (is_new) groups.emplace_back();
    groups[place->second].push_back(&row);
  }
  for (const auto& group : groups) {
    append_header(out, *group.front());
    for (const EventRow* row : group) append_line(out, *row, row->key == marked);
  }
}

void Timeline::append_in_turn(std::string& out, std::span<const EventRow> rows) {
  for (const EventRow& row : rows) {
    if (!has_last_ || row.request_id != last_request_) append_header(out, row);
    append_line(out, row, false);
  }
}

void Timeline::append_header(std::string& out, const EventRow& row) {
  has_last_ = true;
  last_request_ = row.request_id;
  paint(out, kBold);
  out += local_time(row.time_ms).substr(0, 19);
  out += "  request ";
  out += short_request_id(row.request_id);
  if (!row.chat_id.empty()) {
    out += "  chat ";
    append_visible(out, row.chat_id);
  }
  paint(out, kPlain);
  out += '\n';
}

void Timeline::append_line(std::string& out, const EventRow& row, bool is_marked) {
  out += is_marked ? "> " : "  ";
  out += local_time(row.time_ms).substr(11);
  out += ' ';
  paint(out, colour_of(row.level));
  out += padded_label(row.level);
  paint(out, kPlain);
  out += ' ';
  append_visible(out, row.event_type);
  if (!row.msg.empty()) {
    out += "  ";
    append_cut(out, row.msg, kMessageShown);
  }
  append_data(out, row.data);
  out += '\n';
}

bool Timeline::parse(std::string_view data) {
  padded_.assign(data);
  padded_.resize(data.size() + kJsonPadding);
  return document_.parse(std::span(padded_.data(), data.size())).has_value() &&
         document_.root().is_object();
}

void Timeline::append_data(std::string& out, std::string_view data) {
  if (data.empty()) return;
  paint(out, kDim);
  if (!parse(data)) {  // picortex stores nothing of that kind
    out += "  data=";
    append_word(out, data);
    paint(out, kPlain);
    return;
  }
  const char* gap = "  ";
  for (const auto [name, value] : simdjson::dom::object(document_.root())) {
    out += gap;
    gap = " ";
    append_word(out, name);
    out += '=';
    std::string_view text;
    if (value.get(text) == simdjson::SUCCESS) {
      append_word(out, text);
      continue;
    }
    std::string json;
    // It refuses nothing that picortex has stored.
    if (!writer_.append(json, value)) json = "?";
    append_cut(out, json, kValueShown);
  }
  paint(out, kPlain);
}

void Timeline::append_json(std::string& out, const EventRow& row) {
  static constexpr std::array<std::string_view, 7> kTaken{
      "level", "time", "id", "request_id", "chat_id", "event_type", "msg"};
  out += "{\"level\":";
  append_json_string(out, level_label(row.level));
  out += ",\"time\":\"" + iso_time(row.time_ms) + "\",\"id\":\"" + to_string(row.id) +
         "\",\"request_id\":\"" + to_string(row.request_id) + '"';
  if (!row.chat_id.empty()) {
    out += ",\"chat_id\":";
    append_json_string(out, row.chat_id);
  }
  out += ",\"event_type\":";
  append_json_string(out, row.event_type);
  std::string members;
  if (!row.data.empty() && parse(row.data) &&
      writer_.append_without(members, simdjson::dom::object(document_.root()), kTaken) &&
      members.size() > 2) {
    out += ',';
    out.append(members, 1, members.size() - 2);
  }
  out += ",\"msg\":";
  append_json_string(out, row.msg);
  out += "}\n";
}

}  // namespace picortex
