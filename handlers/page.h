#pragma once

#include <string>

#include "handlers/http/exchange.h"

namespace picortex {

// GET /: the page, whole in one answer. It holds nothing of anyone's and asks for the token itself,
// so anyone may have it. Its policy (CSP level 3) lets exactly its own script and style run, by
// their hashes, and lets it talk to the daemon alone. Made at the first request.
class PageEndpoint {
 public:
  void get(http::Exchange& exchange) noexcept;

 private:
  void make();

  std::string body_;
  std::string fields_;
};

}  // namespace picortex
