#include "base/json/document.h"

#include <simdjson.h>

#include <bit>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/ascii.h"
#include "base/check.h"

namespace picortex {
namespace {

static_assert(kJsonPadding >= simdjson::SIMDJSON_PADDING);

// Returns the code unit of the \uXXXX escape that `text` begins with.
std::optional<unsigned> read_u_escape(std::span<const char> text) noexcept {
  if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') return std::nullopt;
  int unit = 0;
  for (std::size_t i = 2; i < 6; ++i) {
    const int digit = hex_value(text[i]);
    if (digit < 0) return std::nullopt;
    unit = unit << 4 | digit;
  }
  return static_cast<unsigned>(unit);
}

bool is_high_surrogate(unsigned unit) noexcept { return unit >= 0xd800 && unit <= 0xdbff; }
bool is_low_surrogate(unsigned unit) noexcept { return unit >= 0xdc00 && unit <= 0xdfff; }

// In valid JSON a backslash occurs only in strings and always begins an escape, so stepping from
// escape to escape keeps the parity of runs of backslashes; other texts fail in the parser anyway.
void replace_lone_surrogates(std::span<char> text) noexcept {
  while (!text.empty()) {
    auto* const backslash = static_cast<char*>(std::memchr(text.data(), '\\', text.size()));
    if (backslash == nullptr) return;
    text = text.subspan(static_cast<std::size_t>(backslash - text.data()));
    const auto unit = read_u_escape(text);
    std::size_t size = unit ? 6 : std::min<std::size_t>(2, text.size());
    if (unit && is_high_surrogate(*unit) &&
        is_low_surrogate(read_u_escape(text.subspan(6)).value_or(0))) {
      size = 12;
    } else if (unit && (is_high_surrogate(*unit) || is_low_surrogate(*unit))) {
      std::memcpy(text.data() + 2, "fffd", 4);
    }
    text = text.subspan(size);
  }
}

// Returns where the string that begins at `at` (a quote) ends: after its closing quote.
std::size_t end_of_string(std::span<const char> text, std::size_t at) noexcept {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return at + 1;
}

bool exceeds_64_bits(std::string_view digits, bool negative) noexcept {
  const std::string_view limit = negative ? "9223372036854775808" : "18446744073709551615";
  return digits.front() != '0' &&
         (digits.size() > limit.size() || (digits.size() == limit.size() && digits > limit));
}

// JSON.stringify(1e20) is 100000000000000000000, which simdjson rejects: 1000000000000000000e2 is
// the same double in as many bytes. Returns whether there was such an integer.
bool shorten_wide_integers(std::span<char> text) noexcept {
  bool found = false;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '"') {
      at = end_of_string(text, at);
      continue;
    }
    const bool negative = text[at] == '-';
    const std::size_t first = at + (negative ? 1 : 0);
    std::size_t end = first;
    while (end < text.size() && is_digit(text[end])) ++end;
    if (end == first) {
      ++at;
      continue;
    }
    const bool is_integer =
        end == text.size() || (text[end] != '.' && text[end] != 'e' && text[end] != 'E');
    if (is_integer && exceeds_64_bits({text.data() + first, end - first}, negative)) {
      std::memcpy(text.data() + end - 2, "e2", 2);
      found = true;
    }
    // The rest of a fraction or an exponent is not a number of its own.
    while (end < text.size() && std::strchr("+-.eE0123456789", text[end]) && text[end] != '\0') {
      ++end;
    }
    at = end;
  }
  return found;
}

std::string sentence(simdjson::error_code error, std::size_t depth_max) {
  switch (error) {
    case simdjson::EMPTY:
      return "is empty";
    case simdjson::DEPTH_ERROR:
      return "is nested more than " + std::to_string(depth_max) + " levels deep";
    case simdjson::UTF8_ERROR:
      return "is not valid JSON: it is not UTF-8";
    case simdjson::UNESCAPED_CHARS:
      return "is not valid JSON: a string holds a control character that is not escaped";
    case simdjson::UNCLOSED_STRING:
      return "is not valid JSON: a string is not closed";
    case simdjson::STRING_ERROR:
      return "is not valid JSON: a string holds a wrong escape";
    case simdjson::NUMBER_ERROR:
      return "is not valid JSON: a number is malformed or beyond a double";
    case simdjson::T_ATOM_ERROR:
    case simdjson::F_ATOM_ERROR:
    case simdjson::N_ATOM_ERROR:
      return "is not valid JSON: a word is none of true, false, null";
    case simdjson::MEMALLOC:
      return "cannot be read: out of memory";
    default:
      return "is not valid JSON: its brackets, commas or colons do not fit";
  }
}

simdjson::error_code parse_with(simdjson::dom::parser& parser, std::span<const char> text,
                                std::size_t depth_max) {
  // Powers of two, so that slowly growing bodies do not cause an allocation each.
  const std::size_t capacity = std::bit_ceil(std::max<std::size_t>(text.size(), 4096));
  if (capacity > parser.capacity()) {
    if (const auto error = parser.allocate(capacity, depth_max)) return error;
    if (const auto error = parser.doc.allocate(capacity)) return error;
  }
  return parser.parse(text.data(), text.size(), false).error();
}

}  // namespace

JsonDocument::JsonDocument(std::size_t size_max, std::size_t depth_max)
    : size_max_(size_max),
      depth_max_(depth_max),
      parser_(std::make_unique<simdjson::dom::parser>(
          std::bit_ceil(std::max<std::size_t>(size_max, 4096)))) {
  CHECK(size_max < simdjson::SIMDJSON_MAXSIZE_BYTES);
}

JsonDocument::~JsonDocument() = default;

Result<void> JsonDocument::parse(std::span<char> text) {
  if (text.size() > size_max_) {
    return failure("is larger than " + std::to_string(size_max_) + " bytes");
  }
  if (std::string_view(text.data(), text.size()).starts_with("\xef\xbb\xbf")) {
    text = text.subspan(3);
  }
  replace_lone_surrogates(text);
  auto error = parse_with(*parser_, text, depth_max_);
  if (error == simdjson::NUMBER_ERROR && shorten_wide_integers(text)) {
    error = parse_with(*parser_, text, depth_max_);
  }
  if (error != simdjson::SUCCESS) return failure(sentence(error, depth_max_));
  return {};
}

simdjson::dom::element JsonDocument::root() const { return parser_->doc.root(); }

}  // namespace picortex
