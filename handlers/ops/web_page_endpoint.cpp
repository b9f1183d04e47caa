#include "handlers/ops/web_page_endpoint.h"

#include <openssl/evp.h>

#include <array>
#include <string_view>

#include "base/check.h"
#include "handlers/ops/web_files.h"

namespace picortex {
namespace {

constexpr std::string_view kStyleMark = "<!-- style -->";
constexpr std::string_view kScriptMark = "<!-- script -->";

// Returns 'sha256-…' of an element's text, as a policy names it (CSP level 3, section 2.3.1).
std::string hash_source(std::string_view text) {
  std::array<unsigned char, 32> digest{};
  unsigned size = 0;
  CHECK(EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1);
  CHECK(size == digest.size());
  std::array<unsigned char, 45> base64{};
  const int length = EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(size));
  return "'sha256-" + std::string(base64.begin(), base64.begin() + length) + "'";
}

}  // namespace

void WebPageEndpoint::get(http::Exchange& exchange) noexcept {
  if (body_.empty()) make();
  exchange.respond({.content_type = "text/html; charset=utf-8", .body = body_, .fields = fields_});
}

void WebPageEndpoint::make() {
  const std::size_t style_at = kIndexHtml.find(kStyleMark);
  const std::size_t script_at = kIndexHtml.find(kScriptMark);
  CHECK(style_at < script_at && script_at != std::string_view::npos);
  std::string style(kUplotCss);
  style.append("\n").append(kPageCss);
  std::string script(kUplotJs);
  script.append("\n").append(kPageJs);
  const std::size_t between = style_at + kStyleMark.size();
  body_.append(kIndexHtml.substr(0, style_at));
  body_.append("<style>").append(style).append("</style>");
  body_.append(kIndexHtml.substr(between, script_at - between));
  body_.append("<script type=\"module\">").append(script).append("</script>");
  body_.append(kIndexHtml.substr(script_at + kScriptMark.size()));
  fields_ = "Content-Security-Policy: default-src 'none'; script-src " + hash_source(script) +
            "; style-src " + hash_source(style) +
            "; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none';"
            " frame-ancestors 'none'\r\n"
            "Referrer-Policy: no-referrer\r\nCross-Origin-Opener-Policy: same-origin\r\n"
            "Cross-Origin-Resource-Policy: same-origin\r\n";
}

}  // namespace picortex
