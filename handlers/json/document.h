#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "base/result.h"

namespace simdjson::dom {
class element;
class parser;
}  // namespace simdjson::dom

namespace picortex {

// Readable bytes, of any content, that must follow each text that JsonDocument::parse is given.
inline constexpr std::size_t kJsonPadding = 64;

// Nesting beyond this is refused: what walks a document may recurse.
inline constexpr std::size_t kJsonDepthMax = 64;

// One parsed JSON text (RFC 8259), and the memory for the next: keep it, since a new parser for
// each text costs 40 % more. Not tied to a request; its elements are valid until the next parse.
//
// It takes what a browser's JSON.stringify or JSON.parse takes, where simdjson alone would not:
// escapes of lone surrogates read as U+FFFD, integers beyond 64 bits as doubles, a leading byte
// order mark is skipped. Numbers beyond a double (1e999) are refused.
//
// Its memory grows with the largest text seen, to about 14 bytes for each byte of `size_max`.
class JsonDocument {
 public:
  // `size_max`: the largest text in bytes, below 4 GiB.
  explicit JsonDocument(std::size_t size_max, std::size_t depth_max = kJsonDepthMax);
  ~JsonDocument();

  // Parses `text`, which may be altered in place (see above) and must have kJsonPadding readable
  // bytes behind it. The error is the predicate of a sentence ("is not valid JSON: …", "is empty"),
  // for the caller to put its subject in front. simdjson's DOM knows no offset of an error.
  Result<void> parse(std::span<char> text);

  // What the last parse, which must have succeeded, found.
  simdjson::dom::element root() const;

 private:
  std::size_t size_max_;
  std::size_t depth_max_;
  std::unique_ptr<simdjson::dom::parser> parser_;
};

}  // namespace picortex
