#pragma once

#include <string_view>

namespace picortex {

// The files of web/, as they were when this was built. CMake makes the source (cmake/embed.cmake).
extern const std::string_view kIndexHtml;
extern const std::string_view kPageCss;
extern const std::string_view kPageJs;
extern const std::string_view kUplotCss;
extern const std::string_view kUplotJs;

}  // namespace picortex
