#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace picortex {

// Finds the end of an HTTP/1 request's body (RFC 9112, sections 6 and 7), in one of its three
// forms. Chunks are read much more strictly than a server would: sizes without extensions, CRLF
// only, no trailers. Keeps only its position.
//
//   chunked = *(size CRLF data CRLF) "0" CRLF CRLF        size = 1*15 hexadecimal digits
class HttpBodyReader {
 public:
  enum class Form : std::uint8_t { sized, chunked, endless };

  HttpBodyReader() = default;  // an empty body
  explicit HttpBodyReader(Form form, std::uint64_t size = 0) noexcept
      : step_(form == Form::chunked ? Step::size : Step::data), form_(form), left_(size) {
    if (form == Form::sized && size == 0) step_ = Step::end;
  }

  bool at_end() const noexcept { return step_ == Step::end; }
  bool is_malformed() const noexcept { return step_ == Step::malformed; }

  // The next part of `bytes`: a run of data, or a run of the frames around it. Empty at the end, if
  // malformed, and for no bytes.
  struct Run {
    std::size_t size = 0;
    bool is_data = false;
  };
  Run read(std::span<const std::uint8_t> bytes) noexcept;

 private:
  enum class Step : std::uint8_t {
    size,          // digits, then CR
    size_end,      // LF
    data,          //
    data_return,   // CR after a chunk's data
    data_newline,  // LF
    last_return,   // CR after the chunk of size 0, where a trailer would begin
    last_newline,  // LF
    end,
    malformed,
  };
  Step read_frame(std::uint8_t byte) noexcept;
  Step read_size(std::uint8_t byte) noexcept;

  Step step_ = Step::end;
  Form form_ = Form::sized;
  int digits_ = 0;
  std::uint64_t left_ = 0;  // of the body, or of the chunk
};

}  // namespace picortex
