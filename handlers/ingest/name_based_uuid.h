#pragma once

#include <string_view>

#include "base/uuid/uuid.h"

namespace picortex {

// Returns the UUID of a name, always the same: version 8 (RFC 9562, section 5.8), from its SHA-256.
// A name must begin with its kind, so that names of different kinds do not collide.
Uuid named_uuid(std::string_view name);

}  // namespace picortex
