#include "netfilter/wire/http_body.h"

#include <algorithm>

#include "base/ascii.h"

namespace picortex {
namespace {

constexpr int kDigitsMax = 15;

}  // namespace

HttpBodyReader::Run HttpBodyReader::read(std::span<const std::uint8_t> bytes) noexcept {
  if (bytes.empty() || at_end() || is_malformed()) return {};
  if (step_ == Step::data) {
    if (form_ == Form::endless) return {bytes.size(), true};
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
    left_ -= size;
    if (left_ == 0) step_ = form_ == Form::chunked ? Step::data_return : Step::end;
    return {size, true};
  }
  std::size_t size = 0;
  while (size < bytes.size() && step_ != Step::data && !at_end() && !is_malformed()) {
    step_ = read_frame(bytes[size++]);
  }
  return is_malformed() ? Run{} : Run{size, false};
}

HttpBodyReader::Step HttpBodyReader::read_frame(std::uint8_t byte) noexcept {
  switch (step_) {
    case Step::size:
      return read_size(byte);
    case Step::size_end:
      if (byte != '\n') return Step::malformed;
      digits_ = 0;
      return left_ == 0 ? Step::last_return : Step::data;
    case Step::data_return:
      return byte == '\r' ? Step::data_newline : Step::malformed;
    case Step::data_newline:
      return byte == '\n' ? Step::size : Step::malformed;
    case Step::last_return:
      return byte == '\r' ? Step::last_newline : Step::malformed;
    case Step::last_newline:
      return byte == '\n' ? Step::end : Step::malformed;
    case Step::data:
    case Step::end:
    case Step::malformed:
      break;
  }
  return Step::malformed;
}

HttpBodyReader::Step HttpBodyReader::read_size(std::uint8_t byte) noexcept {
  if (byte == '\r') return digits_ > 0 ? Step::size_end : Step::malformed;
  const int value = hex_value(static_cast<char>(byte));
  if (value < 0 || digits_ == kDigitsMax) return Step::malformed;
  if (digits_++ == 0) left_ = 0;
  left_ = left_ << 4 | static_cast<std::uint64_t>(value);
  return Step::size;
}

}  // namespace picortex
