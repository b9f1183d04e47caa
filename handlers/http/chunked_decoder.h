#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace picortex::http {

// Removes the framing of a chunked body (RFC 9112, section 7.1):
//
//   chunked-body = *chunk last-chunk *( field-line CRLF ) CRLF
//   chunk        = 1*HEXDIG chunk-ext CRLF data CRLF             a size of zero: the last chunk
//   chunk-ext    = *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] )
//
// Extensions and trailer fields are checked and ignored. llhttp 8.1 rejects a quoted-pair within an
// extension's value, which RFC 9110, section 5.6.4 allows. Every line ends with CRLF: no bare LF,
// no bare CR, no control character, no folding, so that no proxy can see another framing.
//
// Reads every byte once, in order: the outcome does not depend on how the network split the body.
class ChunkedDecoder {
 public:
  enum class Outcome : std::uint8_t {
    wants_more,
    complete,
    bad_size,
    bad_extension,
    bad_end,  // the chunk's data is not followed by CRLF
    bad_trailer,
    too_large,  // the body would exceed its limit, or the framing kFramingSizeMax
  };

  // Sizes, extensions and trailers are overhead that a client could send without end.
  static constexpr std::uint64_t kFramingSizeMax = 65536;

  struct Progress {
    Outcome outcome;
    std::size_t consumed;  // of the bytes; nothing after the body's end
  };
  // Appends data to `body`, up to `body_size_max`; rejects a chunk that cannot fit by its size.
  Progress decode(std::string_view bytes, std::string& body, std::size_t body_size_max);

  void reset() noexcept { *this = {}; }

 private:
  enum class State : std::uint8_t {
    size_first,  // no digit of a size yet
    size,
    before_semicolon,  // BWS was read, so an extension must follow
    name_first,
    name,
    after_name,
    value_first,
    value,
    quoted,
    quoted_pair,
    after_quoted,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_first,
    trailer_name,
    trailer_value,
    trailer_lf,
    end_lf,
  };

  // Each takes one byte and returns wants_more, or why the byte is wrong.
  Outcome take(char c) noexcept;
  Outcome take_size(char c) noexcept;
  Outcome take_extension(char c) noexcept;
  Outcome take_data_end(char c) noexcept;
  Outcome take_trailer(char c) noexcept;
  Outcome go(State next) noexcept {
    state_ = next;
    return Outcome::wants_more;
  }

  State state_ = State::size_first;
  std::uint64_t left_ = 0;  // of the chunk's data; while its size is being read, the size so far
  std::uint64_t framing_size_ = 0;
};

}  // namespace picortex::http
