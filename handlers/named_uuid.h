#pragma once

#include <string_view>

#include "base/uuid.h"

namespace picortex {

// The UUID that a name always has: version 8 (RFC 9562, section 5.8), of its SHA-256. Names begin
// with what they are the names of, so that those of different kinds do not meet.
Uuid named_uuid(std::string_view name);

}  // namespace picortex
