#include "handlers/ingest/sentry/sentry_stable_name.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"

namespace picortex {
namespace {

constexpr std::size_t kAddressDigitsMin = 4;
constexpr std::size_t kNameRead = 2048;  // a longer text is no name and stays unchanged

// Counts the characters at the beginning for which `is_such` is true.
std::size_t length_of(std::string_view text, bool (*is_such)(char)) {
  return static_cast<std::size_t>(std::ranges::find_if_not(text, is_such) - text.begin());
}

// Returns the size of the UUID that `text` begins with; 0 if there is none.
std::size_t uuid_size(std::string_view text) {
  std::size_t size = 0;
  for (const std::size_t group : {8, 4, 4, 4, 12}) {
    if (size > 0) {
      if (!text.substr(size).starts_with('-')) return 0;
      ++size;
    }
    if (length_of(text.substr(size, group), is_hex_digit) != group) return 0;
    size += group;
  }
  return size;
}

// Returns the size of "0x" and its digits; 0 for a small number.
std::size_t address_size(std::string_view text) {
  if (!text.starts_with("0x") && !text.starts_with("0X")) return 0;
  const std::size_t digits = length_of(text.substr(2), is_hex_digit);
  return digits < kAddressDigitsMin ? 0 : 2 + digits;
}

// Prefixes after which JVMs and frameworks put a number.
constexpr std::array<std::string_view, 6> kNumbered{"GeneratedMethodAccessor",
                                                    "GeneratedConstructorAccessor",
                                                    "GeneratedSerializationConstructorAccessor",
                                                    "$Proxy",
                                                    "lambda_method",
                                                    "$MockitoMock$"};

// Returns the size of what follows $$Lambda, up to the method: $14/0x0000000800c8, $14/1804094807
// or /0x0000000800c8.
std::size_t lambda_size(std::string_view text) {
  std::size_t size = 0;
  if (text.starts_with('$')) {
    size = 1 + length_of(text.substr(1), is_digit);
    if (size == 1) return 0;
  }
  if (text.substr(size).starts_with('/')) {
    const std::string_view rest = text.substr(size + 1);
    const std::size_t address = address_size(rest);
    size += 1 + (address > 0 ? address : length_of(rest, is_digit));
  }
  return size;
}

// Returns the size of the changing part after `name`, which ends in what has been appended; 0 if
// there is none.
std::size_t changing_size(std::string_view name, std::string_view rest) {
  if (name.ends_with("$$Lambda")) return lambda_size(rest);
  if (name.ends_with("CGLIB$$") || name.ends_with("ByGuice$$"))
    return length_of(rest, is_hex_digit);
  if (name.ends_with("@anonymous")) return std::min(rest.find("::"), rest.size());
  const bool is_numbered =
      std::ranges::any_of(kNumbered, [name](std::string_view end) { return name.ends_with(end); });
  return is_numbered ? length_of(rest, is_digit) : 0;
}

}  // namespace

void append_stable_name(std::string& out, std::string_view whole) {
  const std::string_view name = whole.substr(0, kNameRead);
  std::size_t at = 0;
  while (at < name.size()) {
    const std::string_view rest = name.substr(at);
    const bool begins_word = at == 0 || !is_hex_digit(name[at - 1]);
    if (const std::size_t changing = changing_size(name.substr(0, at), rest); changing > 0) {
      at += changing;
    } else if (const std::size_t uuid = begins_word ? uuid_size(rest) : 0; uuid > 0) {
      out += "<uuid>";
      at += uuid;
    } else if (const std::size_t address = begins_word ? address_size(rest) : 0; address > 0) {
      out += "<address>";
      at += address;
    } else {
      out += name[at++];
    }
  }
  out += whole.substr(name.size());
}

}  // namespace picortex
