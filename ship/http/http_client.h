#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ship/ship_target.h"

namespace picortex::shipping {

struct HttpAnswer {
  int status = 0;
  std::string body;             // at most kAnswerSizeMax bytes of it
  std::string retry_after;      // the header's value
  std::string clickhouse_code;  // of X-ClickHouse-Exception-Code
};

struct HttpRequest {
  std::string url;
  std::string_view content_type;
  std::string_view body;
  // Instead of HttpAnswer::body, if it is set and the status is 200; false ends the transfer.
  std::function<bool(std::string_view)> on_bytes = {};
};

// Sends requests to a target, one at a time.
class Poster {
 public:
  virtual ~Poster() = default;
  // Blocks until there is an answer. The error says why there is none: then it is unknown whether
  // the server has done what was asked.
  virtual Result<HttpAnswer> post(const HttpRequest& request) = 0;
};

// The same with libcurl: HTTP/1.1, over TLS HTTP/2 where the server has it, the proxies of the
// environment, and one connection that is kept. Not thread-safe.
class HttpClient final : public Poster {
 public:
  static constexpr std::size_t kAnswerSizeMax = 64 * 1024;

  // Must have succeeded once, while there is one thread. The error says what to install.
  static Result<void> prepare_process();

  // `target` must outlive this object. While `stop` is true a request has kStopGrace to end.
  HttpClient(const ShipTarget& target, const std::atomic<bool>& stop);
  ~HttpClient() override;

  Result<HttpAnswer> post(const HttpRequest& request) override;

 private:
  struct Handle;

  const ShipTarget& target_;
  const std::atomic<bool>& stop_;
  std::unique_ptr<Handle> handle_;
};

}  // namespace picortex::shipping
