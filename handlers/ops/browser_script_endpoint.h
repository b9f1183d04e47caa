#pragma once

#include "handlers/http/exchange.h"
#include "handlers/ops/web_files.h"

namespace picortex {

// GET /picortex.js: the script with which a page of the bot reports its errors to
// /api/frontend-log. A page whose policy (CSP) allows scripts and connections of its own origin
// needs no more than <script src>.
class BrowserScriptEndpoint {
 public:
  void get(http::Exchange& exchange) noexcept {
    exchange.respond({.content_type = "text/javascript; charset=utf-8", .body = kPicortexJs});
  }
};

}  // namespace picortex
