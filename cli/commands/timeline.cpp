#include "cli/commands/timeline.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <vector>

#include "base/json/json_object.h"
#include "base/terminal.h"
#include "base/text.h"
#include "base/time/timestamp.h"
#include "cli/commands/time_expression.h"
#include "cli/output/table.h"
#include "storage/event_id.h"

namespace picortex {
namespace {

constexpr std::size_t kDataSizeMax = 64 * 1024 * 1024;
constexpr std::size_t kValueShown = 200;  // bytes; --json has all of it
constexpr std::size_t kMessageShown = 2000;
constexpr std::size_t kInlineSize = 100;  // of an object's or an array's JSON, else it is a tree
constexpr int kTreeLinesMax = 60;         // of one event, stacks included
constexpr int kTreeDepthMax = 8;
constexpr std::size_t kShortIdSize = 18;
constexpr std::size_t kPlaceIdSize = 22;  // up to the last bit of the key (event_id.h)

// Appends at most `size_max` bytes of the text without splitting a character; "…" marks a cut.
void append_cut(std::string& out, std::string_view text, std::size_t size_max) {
  const std::string_view shown = cut_to(text, size_max);
  append_visible(out, shown);
  if (shown.size() < text.size()) out += "…";
}

std::string_view colour_of(Level level) {
  if (level >= Level::error) return kRed;
  if (level == Level::warn) return kYellow;
  return level == Level::info ? kGreen : kDim;
}

// Five columns wide, in capitals.
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

// Appends one plain word as it is, anything else as a JSON string.
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

bool is_out_of_the_way(std::string_view name) { return name == "pid" || name == "hostname"; }

// A stack, or any other text of several lines.
bool has_lines(const simdjson::dom::element& value) {
  std::string_view text;
  return value.get(text) == simdjson::SUCCESS && text.find('\n') != std::string_view::npos &&
         text.find('\n') + 1 < text.size();
}

bool is_nested(const simdjson::dom::element& value) {
  return value.is_object() || value.is_array();
}

}  // namespace

std::string short_request_id(const Uuid& request_id) {
  return to_string(request_id).substr(0, kShortIdSize);
}

std::string short_event_id(const EventRow& row) {
  const auto place = event_place(row.id);
  const bool is_placed = place && place->key == row.key;
  return to_string(row.id).substr(0, is_placed ? kPlaceIdSize : Uuid::kTextSize);
}

Timeline::Timeline(bool is_coloured, EventIds ids)
    : is_coloured_(is_coloured), ids_(ids), document_(kDataSizeMax) {}

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
  if (ids_ == EventIds::shown) {
    paint(out, kDim);
    out += "  id " + short_event_id(row);
    paint(out, kPlain);
  }
  out += '\n';
  append_blocks(out, row.data);
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
  if (!parse(data)) {  // picortex stores no such data
    out += "  data=";
    append_word(out, data);
    paint(out, kPlain);
    return;
  }
  const char* gap = "  ";
  for (const auto [name, value] : simdjson::dom::object(document_.root())) {
    if (is_out_of_the_way(name) || has_lines(value)) continue;
    std::string json;
    // It rejects nothing that picortex has stored.
    if (is_nested(value) && !writer_.append(json, value)) json = "?";
    if (json.size() > kInlineSize) continue;
    out += gap;
    gap = " ";
    append_word(out, name);
    out += '=';
    if (json.empty()) {
      append_leaf(out, value);
    } else {
      append_cut(out, json, kInlineSize);
    }
  }
  paint(out, kPlain);
}

void Timeline::append_blocks(std::string& out, std::string_view data) {
  if (data.empty() || !parse(data)) return;
  tree_lines_ = kTreeLinesMax;
  paint(out, kDim);
  for (const auto [name, value] : simdjson::dom::object(document_.root())) {
    if (is_out_of_the_way(name)) continue;
    std::string json;
    if (is_nested(value) && !writer_.append(json, value)) continue;
    if (!has_lines(value) && json.size() <= kInlineSize) continue;
    out += "      ";
    append_word(out, name);
    out += '\n';
    append_tree(out, value, 1);
  }
  if (tree_lines_ <= 0) out += "      … --json has all of it\n";
  paint(out, kPlain);
}

// A number as it is read, with at most four digits after the point.
void Timeline::append_leaf(std::string& out, const simdjson::dom::element& value) {
  std::string_view text;
  double number = 0;
  if (value.get(text) == simdjson::SUCCESS) {
    append_word(out, text);
  } else if (value.is_double() && value.get(number) == simdjson::SUCCESS) {
    out += rounded(number);
  } else {
    std::string json;
    if (!writer_.append(json, value)) json = "?";
    append_cut(out, json, kValueShown);
  }
}

void Timeline::append_tree(std::string& out, const simdjson::dom::element& value, int depth) {
  const std::string indent(6 + 2 * static_cast<std::size_t>(depth), ' ');
  const auto begin_line = [&](std::string_view name) {
    if (--tree_lines_ < 0) return false;
    out += indent;
    append_cut(out, name, kValueShown);
    return true;
  };
  const auto append_member = [&](std::string_view name, const simdjson::dom::element& member) {
    if (!begin_line(name)) return;
    if ((is_nested(member) && depth < kTreeDepthMax) || has_lines(member)) {
      out += '\n';
      append_tree(out, member, depth + 1);
      return;
    }
    out += name == "-" ? " " : ": ";
    append_leaf(out, member);
    out += '\n';
  };
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) {
    while (!text.empty()) {
      const std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(line.size() + 1, text.size()));
      if (begin_line(line)) out += '\n';
    }
  } else if (value.is_object()) {
    for (const auto [name, member] : simdjson::dom::object(value)) append_member(name, member);
  } else {
    for (const auto member : simdjson::dom::array(value)) append_member("-", member);
  }
}

void Timeline::append_json(std::string& out, const EventRow& row) {
  static constexpr std::array<std::string_view, 7> kTaken{
      "level", "time", "id", "request_id", "chat_id", "event_type", "msg"};
  {
    JsonObject json(out);
    json.text("level", level_label(row.level)).time("time", row.time_ms).id("id", row.id);
    json.id("request_id", row.request_id);
    if (!row.chat_id.empty()) json.text("chat_id", row.chat_id);
    json.text("event_type", row.event_type);
    std::string members;
    if (!row.data.empty() && parse(row.data) &&
        writer_.append_without(members, simdjson::dom::object(document_.root()), kTaken)) {
      json.members(members);
    }
    json.text("msg", row.msg);
  }
  out += '\n';
}

}  // namespace picortex
