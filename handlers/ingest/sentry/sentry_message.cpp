#include "handlers/ingest/sentry/sentry_message.h"

#include <simdjson.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>

#include "base/ascii.h"
#include "base/text.h"

namespace picortex {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::size_t kWidthMax = 64;
constexpr std::size_t kPrecisionMax = 20;
// A look-up walks over the parameters: these bound the walks of one message. Beyond them a pattern
// stays unchanged.
constexpr std::size_t kPlacesMax = 256;
constexpr std::size_t kParamsMax = 256;

// The parameters by position, in sequence or by name.
class Params {
 public:
  explicit Params(const element& params) {
    if (!params.get(list_)) {
      is_list_ = true;
    } else if (!params.get(named_)) {
      is_named_ = true;
    }
  }

  // Returns whether there are any, and no more than can be looked up.
  bool are_usable() const {
    const std::size_t size = is_list_ ? list_.size() : is_named_ ? named_.size() : 0;
    return size > 0 && size <= kParamsMax;
  }

  std::optional<element> next() { return at(position_++); }

  std::optional<element> named(std::string_view name) const {
    element value;
    if (is_named_ && !named_[name].get(value)) return value;
    // {0}: the first of a list.
    if (name.empty() || name.size() > 4 || !std::ranges::all_of(name, is_digit)) return {};
    std::size_t index = 0;
    for (const char c : name) index = index * 10 + static_cast<std::size_t>(c - '0');
    return at(index);
  }

 private:
  std::optional<element> at(std::size_t index) const {
    element value;
    if (!is_list_ || index >= list_.size() || list_.at(index).get(value)) return {};
    return value;
  }

  array list_;
  object named_;
  bool is_list_ = false;
  bool is_named_ = false;
  std::size_t position_ = 0;
};

// A placeholder for a parameter in printf's patterns: % [(name)] [flags] [width] [.precision] type
struct Place {
  std::string_view name;
  bool is_left = false;
  bool is_zero_filled = false;
  std::size_t width = 0;
  std::optional<std::size_t> precision;
  char type = 0;
  std::size_t size = 0;  // of the placeholder in the pattern
};

std::size_t read_number(std::string_view text, std::size_t& at, std::size_t largest) {
  std::size_t number = 0;
  for (; at < text.size() && is_digit(text[at]); ++at) {
    number = std::min(largest, number * 10 + static_cast<std::size_t>(text[at] - '0'));
  }
  return number;
}

// `text` begins with %. Returns nothing if what follows is no placeholder.
std::optional<Place> read_place(std::string_view text) {
  Place place;
  std::size_t at = 1;
  if (at < text.size() && text[at] == '(') {
    const std::size_t end = text.find(')', at);
    if (end == std::string_view::npos) return {};
    place.name = text.substr(at + 1, end - at - 1);
    at = end + 1;
  }
  // Without C's blank: "100 % done" contains no placeholder.
  for (; at < text.size() && std::string_view("-+#0").contains(text[at]); ++at) {
    place.is_left |= text[at] == '-';
    place.is_zero_filled |= text[at] == '0';
  }
  place.width = read_number(text, at, kWidthMax);
  if (at < text.size() && text[at] == '.') {
    ++at;
    place.precision = read_number(text, at, kPrecisionMax);
  }
  while (at < text.size() && (text[at] == 'l' || text[at] == 'h')) ++at;
  // Types of C and Python, and o, O, j and c of JavaScript.
  if (at == text.size() || !std::string_view("sdifFeEgGrauxXocjOv%").contains(text[at])) return {};
  place.type = text[at];
  place.size = at + 1;
  return place;
}

void append_placed(std::string& out, const Place& place, const element& value) {
  std::string text;
  double number = 0;
  std::int64_t whole = 0;
  char digits[400];  // enough for the largest double with kPrecisionMax digits after its point
  if (std::string_view("fF").contains(place.type) && !value.get(number)) {
    const int precision = static_cast<int>(place.precision.value_or(6));
    std::snprintf(digits, sizeof digits, "%.*f", precision, number);
    text = digits;
  } else if (std::string_view("xX").contains(place.type) && !value.get(whole)) {
    std::snprintf(digits, sizeof digits, place.type == 'x' ? "%llx" : "%llX",
                  static_cast<unsigned long long>(whole));
    text = digits;
  } else {
    if (value.is_null()) text = "null";
    append_lenient(text, value);
  }
  if (place.is_left) {
    text.resize(std::max(text.size(), place.width), ' ');
  } else if (text.size() < place.width) {
    text.insert(0, place.width - text.size(), place.is_zero_filled ? '0' : ' ');
  }
  out += text;
}

std::string format_percent(std::string_view pattern, Params& params) {
  std::string out;
  for (std::size_t places = 0; out.size() < SentryMessage::kTextSizeMax; ++places) {
    const std::size_t plain =
        places < kPlacesMax ? std::min(pattern.find('%'), pattern.size()) : pattern.size();
    out += pattern.substr(0, plain);
    pattern.remove_prefix(plain);
    if (pattern.empty()) break;
    const auto place = read_place(pattern);
    std::optional<element> value;
    if (place && place->type == '%') {
      out += '%';
      pattern.remove_prefix(place->size);
      continue;
    }
    if (place) value = place->name.empty() ? params.next() : params.named(place->name);
    const std::size_t size = place ? place->size : 1;
    if (value) {
      append_placed(out, *place, *value);
    } else {
      out += pattern.substr(0, size);
    }
    pattern.remove_prefix(size);
  }
  return out;
}

std::string format_braces(std::string_view pattern, Params& params) {
  std::string out;
  for (std::size_t places = 0; out.size() < SentryMessage::kTextSizeMax; ++places) {
    const std::size_t plain =
        places < kPlacesMax ? std::min(pattern.find('{'), pattern.size()) : pattern.size();
    out += pattern.substr(0, plain);
    pattern.remove_prefix(plain);
    if (pattern.empty()) break;
    const std::size_t end = pattern.find('}');
    if (end == std::string_view::npos) {
      out += pattern;
      break;
    }
    // In {name:format}, the format is the language's own.
    const std::string_view inner = pattern.substr(1, end - 1);
    const std::string_view name = inner.substr(0, inner.find(':'));
    const auto value = name.empty() ? params.next() : params.named(name);
    if (value && value->is_null()) {
      out += "null";
    } else if (value) {
      append_lenient(out, *value);
    } else {
      out += pattern.substr(0, end + 1);
    }
    pattern.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace

std::string format_message(std::string_view pattern, const element& value) {
  Params params(value);
  std::string out(pattern);
  if (!params.are_usable()) {
    // Unchanged: nothing says that a % in it is meant as a placeholder.
  } else if (pattern.contains('%')) {
    out = format_percent(pattern, params);
  } else if (pattern.contains('{')) {
    out = format_braces(pattern, params);
  }
  out.resize(cut_to(out, SentryMessage::kTextSizeMax).size());
  return out;
}

SentryMessage SentryMessage::read(const std::optional<element>& entry,
                                  const std::optional<element>& message) {
  SentryMessage said;
  std::string formatted;
  std::optional<element> params;
  // If both are present, the entry contains more.
  for (const auto& from : {entry, message}) {
    if (!from) continue;
    if (from->is_object()) {
      if (const auto text = member_of(from, "formatted"); text && formatted.empty()) {
        append_lenient(formatted, *text);
      }
      if (const auto text = member_of(from, "message"); text && said.identical.empty()) {
        append_lenient(said.identical, *text);
        params = member_of(from, "params");
      }
    } else if (bool flag; formatted.empty() && (from->get(flag) || flag)) {
      // A text; `false` means that there is none.
      append_lenient(formatted, *from);
    }
  }
  if (!formatted.empty()) {
    said.text = cut_to(formatted, kTextSizeMax);
  } else if (params) {
    said.text = format_message(said.identical, *params);
  } else {
    said.text = cut_to(said.identical, kTextSizeMax);
  }
  if (said.identical.empty()) said.identical = std::move(formatted);
  return said;
}

}  // namespace picortex
