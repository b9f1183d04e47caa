#include "handlers/http/chunked_decoder.h"

#include <algorithm>

#include "base/byte_set.h"
#include "handlers/http/token_characters.h"

namespace picortex::http {
namespace {

bool is_token(char c) noexcept { return kTokenCharacters.has(c); }
bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }
// What a field's value, a quoted-string or a quoted-pair may contain, including obs-text.
bool is_text(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return c == '\t' || (byte >= 0x20 && byte != 0x7f);
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

ChunkedDecoder::Progress ChunkedDecoder::decode(std::string_view bytes, std::string& body,
                                                std::size_t body_size_max) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (state_ == State::data) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - at));
      body.append(bytes.substr(at, size));
      at += size;
      left_ -= size;
      if (left_ == 0) state_ = State::data_cr;
      continue;
    }
    const Outcome outcome = take(bytes[at++]);
    if (outcome != Outcome::wants_more) return {outcome, at};
    const bool fits = state_ != State::data || left_ <= body_size_max - body.size();
    if (!fits || ++framing_size_ > kFramingSizeMax) return {Outcome::too_large, at};
  }
  return {Outcome::wants_more, at};
}

ChunkedDecoder::Outcome ChunkedDecoder::take(char c) noexcept {
  switch (state_) {
    case State::size_first:
    case State::size:
    case State::size_lf:
      return take_size(c);
    case State::data:
    case State::data_cr:
    case State::data_lf:
      return take_data_end(c);
    case State::trailer_first:
    case State::trailer_name:
    case State::trailer_value:
    case State::trailer_lf:
    case State::end_lf:
      return take_trailer(c);
    default:
      return take_extension(c);
  }
}

ChunkedDecoder::Outcome ChunkedDecoder::take_size(char c) noexcept {
  if (state_ == State::size_lf) {
    if (c != '\n') return Outcome::bad_size;
    return go(left_ > 0 ? State::data : State::trailer_first);
  }
  if (const int digit = hex_digit(c); digit >= 0) {
    if (left_ >> 60 != 0) return Outcome::bad_size;
    left_ = left_ << 4 | static_cast<std::uint64_t>(digit);
    return go(State::size);
  }
  if (state_ == State::size_first) return Outcome::bad_size;
  if (c == '\r') return go(State::size_lf);
  if (c == ';') return go(State::name_first);
  return is_blank(c) ? go(State::before_semicolon) : Outcome::bad_size;
}

ChunkedDecoder::Outcome ChunkedDecoder::take_extension(char c) noexcept {
  switch (state_) {
    case State::before_semicolon:
      if (c == ';') return go(State::name_first);
      return is_blank(c) ? go(state_) : Outcome::bad_extension;
    case State::name_first:
      if (is_blank(c)) return go(state_);
      return is_token(c) ? go(State::name) : Outcome::bad_extension;
    case State::name:
    case State::after_name:
      if (c == '=') return go(State::value_first);
      if (c == ';') return go(State::name_first);
      if (is_blank(c)) return go(State::after_name);
      if (state_ == State::name && c == '\r') return go(State::size_lf);
      return state_ == State::name && is_token(c) ? go(state_) : Outcome::bad_extension;
    case State::value_first:
      if (is_blank(c)) return go(state_);
      if (c == '"') return go(State::quoted);
      return is_token(c) ? go(State::value) : Outcome::bad_extension;
    case State::quoted:
      if (c == '"') return go(State::after_quoted);
      if (c == '\\') return go(State::quoted_pair);
      return is_text(c) ? go(state_) : Outcome::bad_extension;
    case State::quoted_pair:
      return is_text(c) ? go(State::quoted) : Outcome::bad_extension;
    default:  // value, after_quoted
      if (c == ';') return go(State::name_first);
      if (c == '\r') return go(State::size_lf);
      if (is_blank(c)) return go(State::before_semicolon);
      return state_ == State::value && is_token(c) ? go(state_) : Outcome::bad_extension;
  }
}

ChunkedDecoder::Outcome ChunkedDecoder::take_data_end(char c) noexcept {
  if (c != (state_ == State::data_cr ? '\r' : '\n')) return Outcome::bad_end;
  return go(state_ == State::data_cr ? State::data_lf : State::size_first);
}

ChunkedDecoder::Outcome ChunkedDecoder::take_trailer(char c) noexcept {
  switch (state_) {
    case State::trailer_first:
      if (c == '\r') return go(State::end_lf);
      return is_token(c) ? go(State::trailer_name) : Outcome::bad_trailer;
    case State::trailer_name:
      if (c == ':') return go(State::trailer_value);
      return is_token(c) ? go(state_) : Outcome::bad_trailer;
    case State::trailer_value:
      if (c == '\r') return go(State::trailer_lf);
      return is_text(c) ? go(state_) : Outcome::bad_trailer;
    case State::trailer_lf:
      return c == '\n' ? go(State::trailer_first) : Outcome::bad_trailer;
    default:  // end_lf
      return c == '\n' ? Outcome::complete : Outcome::bad_trailer;
  }
}

}  // namespace picortex::http
