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

// The number of readable bytes, with any content, that must follow each text passed to
// JsonDocument::parse.
inline constexpr std::size_t kJsonPadding = 64;

// Deeper nesting is rejected, since functions that walk a document may recurse.
inline constexpr std::size_t kJsonDepthMax = 64;

// One parsed JSON text (RFC 8259), and the memory for the next: keep it, since a new parser for
// each text costs 40 % more. Not tied to a request; its elements are valid until the next parse.
//
// It accepts what a browser's JSON.stringify or JSON.parse accepts, where simdjson alone would not:
// escapes of lone surrogates read as U+FFFD, integers beyond 64 bits as doubles, a leading byte
// order mark is skipped. Numbers beyond a double (1e999) are rejected.
//
// Its memory grows with the largest text seen, to about 14 bytes for each byte of `size_max`.
class JsonDocument {
 public:
  // `size_max` is the largest text in bytes, below 4 GiB.
  explicit JsonDocument(std::size_t size_max, std::size_t depth_max = kJsonDepthMax);
  ~JsonDocument();

  // Parses `text`, which may be modified in place (see above) and must be followed by kJsonPadding
  // readable bytes. The error is the predicate of a sentence ("is not valid JSON: …", "is empty"),
  // to which the caller adds the subject. simdjson's DOM does not report the offset of an error.
  Result<void> parse(std::span<char> text);

  // The result of the last parse, which must have succeeded.
  simdjson::dom::element root() const;

 private:
  std::size_t size_max_;
  std::size_t depth_max_;
  std::unique_ptr<simdjson::dom::parser> parser_;
};

}  // namespace picortex
