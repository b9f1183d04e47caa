#include "handlers/sentry_exception.h"

#include <simdjson.h>

#include <algorithm>

#include "base/json_text.h"
#include "base/text.h"

namespace picortex {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;

constexpr std::size_t kChainMax = 8;
constexpr std::size_t kFramesMax = 50;
constexpr std::size_t kFramesIdentifying = 5;
constexpr std::size_t kTitleShown = 1024;
constexpr std::size_t kFunctionShown = 256;
constexpr std::size_t kFileShown = 512;
constexpr std::size_t kStackSizeMax = 20 * 1024;

std::string_view text_of(const element& value, std::string_view name) {
  std::string_view text;
  if (value[name].get(text)) return {};
  return text;
}

std::uint64_t number_of(const element& value, std::string_view name) {
  std::uint64_t number = 0;
  if (value[name].get(number)) return 0;
  return number;
}

// The last `count` of them, the last one first.
std::vector<element> last_of(const array& values, std::size_t count) {
  std::vector<element> last;
  std::size_t position = 0;
  const std::size_t size = values.size();
  for (const element value : values) {
    if (position++ + count >= size) last.push_back(value);
  }
  std::ranges::reverse(last);
  return last;
}

SentryException::Frame read_frame(const element& value) {
  SentryException::Frame frame;
  frame.function = text_of(value, "function");
  if (frame.function == "?") frame.function = {};
  for (const char* name : {"filename", "abs_path", "module"}) {
    if (frame.file.empty()) frame.file = text_of(value, name);
  }
  frame.line = number_of(value, "lineno");
  frame.column = number_of(value, "colno");
  if (value["in_app"].get(frame.in_app)) frame.in_app = true;
  return frame;
}

void append_place(std::string& out, const SentryException::Frame& frame) {
  out += frame.file.empty() ? "<unknown>" : cut_to(frame.file, kFileShown);
  for (const std::uint64_t number : {frame.line, frame.column}) {
    if (number == 0) break;
    out += ':';
    append_json_number(out, number);
  }
}

void append_frame(std::string& out, const SentryException::Frame& frame) {
  out += "\n    at ";
  if (frame.function.empty()) return append_place(out, frame);
  out += cut_to(frame.function, kFunctionShown);
  out += " (";
  append_place(out, frame);
  out += ')';
}

// A page's scripts come under URLs whose queries change with each release.
std::string_view without_query(std::string_view file) { return file.substr(0, file.find('?')); }

}  // namespace

void SentryException::read(const element& exception) {
  clear();
  array values;
  if (exception["values"].get(values) && exception.get(values)) return;
  for (const element& value : last_of(values, kChainMax)) {
    if (!value.is_object()) continue;
    Link& link = chain_.emplace_back();
    link.type = text_of(value, "type");
    link.value = text_of(value, "value");
    array frames;
    if (value["stacktrace"]["frames"].get(frames)) continue;
    for (const element& frame : last_of(frames, kFramesMax)) {
      link.frames.push_back(read_frame(frame));
    }
  }
}

void SentryException::append_title(std::string& out, const Link& link) {
  out += cut_to(link.type, kTitleShown);
  if (!link.type.empty() && !link.value.empty()) out += ": ";
  out += cut_to(link.value, kTitleShown);
}

void SentryException::append_stack(std::string& out) const {
  if (std::ranges::all_of(chain_, [](const Link& link) { return link.frames.empty(); })) return;
  const std::size_t begin = out.size();
  for (const Link& link : chain_) {
    if (&link != &chain_.front()) out += "\nCaused by: ";
    append_title(out, link);
    for (const Frame& frame : link.frames) append_frame(out, frame);
  }
  out.resize(begin + cut_to(std::string_view(out).substr(begin), kStackSizeMax).size());
}

void SentryException::append_identity(std::string& out) const {
  const Link& link = caught();
  out += link.type;
  if (link.frames.empty()) {
    out += '\n';
    out += link.value;
    return;
  }
  const auto is_in_app = [](const Frame& frame) { return frame.in_app; };
  const bool has_in_app = std::ranges::any_of(link.frames, is_in_app);
  std::size_t named = 0;
  for (const Frame& frame : link.frames) {
    if (has_in_app && !frame.in_app) continue;
    out += '\n';
    out += frame.function;
    out += '\n';
    out += without_query(frame.file);
    if (++named == kFramesIdentifying) break;
  }
}

}  // namespace picortex
