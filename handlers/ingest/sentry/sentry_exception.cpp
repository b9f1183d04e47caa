#include "handlers/ingest/sentry/sentry_exception.h"

#include <simdjson.h>

#include <algorithm>

#include "base/json/json_text.h"
#include "base/text.h"
#include "handlers/ingest/sentry/sentry_stable_name.h"

namespace picortex {
namespace {

using simdjson::dom::element;

constexpr std::size_t kChainMax = 8;
constexpr std::size_t kThreadsMax = 1000;
constexpr std::size_t kFramesMax = 50;
constexpr std::size_t kFramesIdentifying = 5;
constexpr std::size_t kTitleShown = 1024;
constexpr std::size_t kFunctionShown = 256;
constexpr std::size_t kFileShown = 512;
constexpr std::size_t kStackSizeMax = 20 * 1024;

std::uint64_t number_of(const element& value, std::string_view name) {
  std::uint64_t number = 0;
  if (value[name].get(number)) return 0;
  return number;
}

SentryException::Frame read_frame(const element& value) {
  SentryException::Frame frame;
  frame.function = text_of(member_of(value, "function"));
  if (frame.function == "?") frame.function = {};
  for (const char* name : {"filename", "abs_path", "module"}) {
    if (frame.file.empty()) frame.file = text_of(member_of(value, name));
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

std::vector<SentryException::Frame> read_frames(const std::optional<element>& stacktrace) {
  std::vector<SentryException::Frame> read;
  const auto frames = member_of(stacktrace, "frames");
  if (!frames || !frames->is_array()) return read;
  for (const element& frame : last_values(*frames, kFramesMax)) read.push_back(read_frame(frame));
  return read;
}

// Returns the stack of an exception or a thread.
std::optional<element> stack_of(const element& value) {
  const auto stack = member_of(value, "stacktrace");
  return stack ? stack : member_of(value, "sentry.interfaces.Stacktrace");
}

// The URLs of a page's scripts have queries that change with each release.
std::string_view without_query(std::string_view file) { return file.substr(0, file.find('?')); }

}  // namespace

void SentryException::read(const element& exception) {
  clear();
  for (const element& value : last_values(exception, kChainMax)) {
    if (!value.is_object()) continue;
    Link& link = chain_.emplace_back();
    link.type = text_of(member_of(value, "type"));
    if (const auto said = member_of(value, "value")) append_lenient(link.value, *said);
    link.frames = read_frames(stack_of(value));
  }
}

void SentryException::read_threads(const std::optional<element>& threads,
                                   const std::optional<element>& stacktrace) {
  std::vector<Frame> frames;
  if (threads) {
    const std::vector<element> all = last_values(*threads, kThreadsMax);
    for (const char* flag : {"crashed", "current"}) {
      for (const element& thread : all) {
        bool is_set = false;
        if (!frames.empty() || thread[flag].get(is_set) || !is_set) continue;
        frames = read_frames(stack_of(thread));
      }
    }
    if (frames.empty() && all.size() == 1) frames = read_frames(stack_of(all.front()));
  }
  if (frames.empty()) frames = read_frames(stacktrace);
  if (frames.empty()) return;
  if (chain_.empty()) chain_.emplace_back();
  chain_.front().frames = std::move(frames);
}

bool SentryException::has_frames() const noexcept {
  return std::ranges::any_of(chain_, [](const Link& link) { return !link.frames.empty(); });
}

void SentryException::append_title(std::string& out, const Link& link) {
  out += cut_to(link.type, kTitleShown);
  if (!link.type.empty() && !link.value.empty()) out += ": ";
  out += cut_to(link.value, kTitleShown);
}

void SentryException::append_stack(std::string& out) const {
  if (!has_frames()) return;
  const std::size_t begin = out.size();
  for (const Link& link : chain_) {
    if (&link != &chain_.front()) out += "\nCaused by: ";
    append_title(out, link);
    for (const Frame& frame : link.frames) append_frame(out, frame);
  }
  if (out[begin] == '\n') out.erase(begin, 1);  // without a title above the first frame
  out.resize(begin + cut_to(std::string_view(out).substr(begin), kStackSizeMax).size());
}

void SentryException::append_identity(std::string& out) const {
  const Link& link = caught();
  append_stable_name(out, link.type);
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
    append_stable_name(out, frame.function);
    out += '\n';
    append_stable_name(out, without_query(frame.file));
    if (++named == kFramesIdentifying) break;
  }
}

}  // namespace picortex
