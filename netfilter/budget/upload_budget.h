#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace picortex {

// How much the fenced user may send by one rule of the allowlist: bytes of data in TCP segments,
// without headers, and with what is sent again.
//
//   upload  = size "/" window     in any stretch of time as long as the window, all connections
//                                 of the rule together
//           | size "/conn"        on one connection
//           | "unlimited"         no limit, not even the default one
//   size    = number ["K" | "M" | "G" | "T"]    powers of 1024, from 1K to 1024T
//   window  = number ("m" | "h" | "d")          from 1m to 30d
struct UploadBudget {
  std::int64_t window_bytes = 0;  // 0: no limit by time
  std::int64_t window_ms = 0;
  std::int64_t connection_bytes = 0;  // 0: no limit for one connection
  bool is_unlimited = false;

  bool is_limit() const noexcept { return window_bytes != 0 || connection_bytes != 0; }
  // The rule has said something: the default does not apply to it.
  bool is_given() const noexcept { return is_unlimited || is_limit(); }
  bool operator==(const UploadBudget&) const = default;
};

// Adds one `upload` to the budget. Returns why it is none, or null. A form that is there already is
// an error, and so is any other one together with "unlimited".
const char* add_upload(std::string_view text, UploadBudget& budget) noexcept;

// "20M/1h" and "1M/conn": the limits as add_upload() reads them.
std::string window_limit_text(const UploadBudget& budget);
std::string connection_limit_text(const UploadBudget& budget);
// All of them, with a comma in between; "unlimited" if that was given.
std::string upload_text(const UploadBudget& budget);

}  // namespace picortex
