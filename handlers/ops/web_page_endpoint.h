#pragma once

#include <string>

#include "handlers/http/exchange.h"

namespace picortex {

// GET /: the web page, complete in one answer. It contains no data and asks for the token itself,
// so it is public. Its policy (CSP level 3) allows exactly its own script and style, by their
// hashes, and connections to the daemon only. Built at the first request.
class WebPageEndpoint {
 public:
  void get(http::Exchange& exchange) noexcept;

 private:
  void make();

  std::string body_;
  std::string fields_;
};

}  // namespace picortex
