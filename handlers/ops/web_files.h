#pragma once

#include <string_view>

namespace picortex {

// The files of web/ and clients/browser/ as of this build. CMake generates the source
// (cmake/embed.cmake).
extern const std::string_view kIndexHtml;
extern const std::string_view kPageCss;
extern const std::string_view kPageJs;  // the modules of web/js/, joined
extern const std::string_view kPicortexJs;
extern const std::string_view kUplotCss;
extern const std::string_view kUplotJs;

}  // namespace picortex
