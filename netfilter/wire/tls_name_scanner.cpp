#include "netfilter/wire/tls_name_scanner.h"

#include <algorithm>

#include "netfilter/wire/tls_protocol.h"

namespace picortex {
namespace {

constexpr std::size_t kRandomSize = 32;
constexpr std::size_t kNameListHeadSize = 5;

}  // namespace

std::size_t TlsNameScanner::size_of(Field field) noexcept {
  switch (field) {
    case Field::message_type:
    case Field::session_size:
    case Field::compressions_size:
      return 1;
    case Field::ciphers_size:
    case Field::extensions_size:
    case Field::extension_type:
    case Field::extension_size:
      return 2;
    case Field::fixed_part:
    case Field::name_list:
      return kNameListHeadSize;
    case Field::name:
      break;
  }
  return 0;
}

void TlsNameScanner::feed(std::span<const std::uint8_t> bytes) noexcept {
  while (!bytes.empty() && !is_malformed_) {
    if (skip_ > 0) {
      const std::size_t skipped = std::min(skip_, bytes.size());
      skip_ -= skipped;
      bytes = bytes.subspan(skipped);
      continue;
    }
    if (field_ == Field::name) {
      bytes = take_name(bytes);
      continue;
    }
    value_ = value_ << 8 | bytes.front();
    bytes = bytes.subspan(1);
    if (++have_ == size_of(field_)) end_field();
  }
}

// The extensions after the name are scanned too: a second name must not leave either.
std::span<const std::uint8_t> TlsNameScanner::take_name(
    std::span<const std::uint8_t> bytes) noexcept {
  const std::size_t taken = std::min<std::size_t>(name_size_ - begun_size_, bytes.size());
  std::copy_n(bytes.begin(), taken, name_.begin() + begun_size_);
  begun_size_ = static_cast<std::uint16_t>(begun_size_ + taken);
  if (begun_size_ == name_size_) skip_to(Field::extension_type, 0);
  return bytes.subspan(taken);
}

void TlsNameScanner::skip_to(Field field, std::size_t size) noexcept {
  field_ = field;
  skip_ = size;
  have_ = 0;
  value_ = 0;
}

void TlsNameScanner::end_field() noexcept {
  switch (field_) {
    case Field::message_type:
      is_malformed_ = value_ != kTlsClientHello;
      return skip_to(Field::fixed_part, 0);
    case Field::fixed_part:
      is_malformed_ = (value_ >> 8 & 0xff) != kTlsMajorVersion;
      return skip_to(Field::session_size, kRandomSize);
    case Field::session_size:
      return skip_to(Field::ciphers_size, value_);
    case Field::ciphers_size:
      return skip_to(Field::compressions_size, value_);
    case Field::compressions_size:
      return skip_to(Field::extensions_size, value_);
    case Field::extensions_size:
      return skip_to(Field::extension_type, 0);
    case Field::extension_type:
      extension_type_ = static_cast<std::uint16_t>(value_);
      return skip_to(Field::extension_size, 0);
    case Field::extension_size:
      return end_extension_size();
    case Field::name_list:
      return end_name_list();
    case Field::name:
      return;
  }
}

void TlsNameScanner::end_extension_size() noexcept {
  extension_size_ = static_cast<std::uint16_t>(value_);
  if (extension_type_ != kTlsExtensionServerName) {
    return skip_to(Field::extension_type, extension_size_);
  }
  is_malformed_ = name_size_ != 0 || extension_size_ <= kNameListHeadSize ||
                  extension_size_ > kNameListHeadSize + kNameSizeMax;
  skip_to(Field::name_list, 0);
}

// One name of type 0 that fills its list, which fills the extension.
void TlsNameScanner::end_name_list() noexcept {
  const std::uint64_t size = extension_size_ - kNameListHeadSize;
  is_malformed_ = value_ != ((size + 3) << 24 | size);
  if (!is_malformed_) name_size_ = static_cast<std::uint16_t>(size);
  skip_to(Field::name, 0);
}

}  // namespace picortex
