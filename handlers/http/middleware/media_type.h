#pragma once

#include <string_view>

namespace picortex {

// Returns whether a Content-Type header names `type` ("application/json"), in any case and with any
// parameters (RFC 9110, section 8.3.1).
bool is_media_type(std::string_view content_type, std::string_view type) noexcept;

}  // namespace picortex
