#pragma once

#include "base/byte_set.h"

namespace picortex::http {

// tchar: RFC 9110, section 5.6.2
inline constexpr ByteSet kTokenCharacters =
    ByteSet("!#$%&'*+-.^_`|~").add_range('0', '9').add_range('A', 'Z').add_range('a', 'z');

}  // namespace picortex::http
