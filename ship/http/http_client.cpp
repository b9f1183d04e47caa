#include "ship/http/http_client.h"

#include <algorithm>
#include <optional>

#include "base/ascii.h"
#include "base/check.h"
#include "base/terminal.h"
#include "base/text.h"
#include "base/version.h"
#include "ship/http/curl_library.h"

namespace picortex::shipping {
namespace {

using Clock = std::chrono::steady_clock;

constexpr long kConnectTimeoutMs = 10'000;
// A transfer that moves less than a byte a second for so long is given up: a server may think for
// a while, and a connection may be cut without a word.
constexpr long kStallSeconds = 60;
constexpr std::chrono::seconds kStopGrace{3};

struct SlistDeleter {
  void operator()(curl_slist* list) const noexcept { CurlLibrary::get().slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, SlistDeleter>;

void add(HeaderList& list, const std::string& line) {
  curl_slist* const longer = CurlLibrary::get().slist_append(list.get(), line.c_str());
  CHECK(longer != nullptr);
  (void)list.release();
  list.reset(longer);
}

// What one transfer writes to.
struct Transfer {
  HttpAnswer answer;
  CURL* handle = nullptr;
  const HttpRequest& request;
  const std::atomic<bool>& stop;
  std::optional<Clock::time_point> stopped_at = {};
};

std::size_t on_body(char* bytes, std::size_t, std::size_t size, void* data) {
  auto& transfer = *static_cast<Transfer*>(data);
  long status = 0;
  CurlLibrary::get().easy_getinfo(transfer.handle, CURLINFO_RESPONSE_CODE, &status);
  if (transfer.request.on_bytes && status == 200) {
    return transfer.request.on_bytes({bytes, size}) ? size : 0;
  }
  std::string& body = transfer.answer.body;
  body.append(bytes, std::min(size, HttpClient::kAnswerSizeMax - body.size()));
  return size;
}

std::size_t on_header(char* bytes, std::size_t, std::size_t size, void* data) {
  auto& answer = static_cast<Transfer*>(data)->answer;
  const std::string_view line = trimmed({bytes, size}, " \t\r\n");
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return size;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (value.size() > 200) return size;
  if (equals_ignoring_case(name, "retry-after")) answer.retry_after = value;
  if (equals_ignoring_case(name, "x-clickhouse-exception-code")) answer.clickhouse_code = value;
  return size;
}

int on_progress(void* data, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& transfer = *static_cast<Transfer*>(data);
  if (!transfer.stop.load(std::memory_order_relaxed)) return 0;
  if (!transfer.stopped_at) transfer.stopped_at = Clock::now();
  return Clock::now() - *transfer.stopped_at > kStopGrace ? 1 : 0;
}

}  // namespace

struct HttpClient::Handle {
  CURL* curl = CurlLibrary::get().easy_init();
  HeaderList headers;
  char error[CURL_ERROR_SIZE] = {};

  Handle() { CHECK(curl != nullptr); }
  ~Handle() { CurlLibrary::get().easy_cleanup(curl); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
};

Result<void> HttpClient::prepare_process() { return CurlLibrary::load(); }

HttpClient::HttpClient(const ShipTarget& target, const std::atomic<bool>& stop)
    : target_(target), stop_(stop), handle_(std::make_unique<Handle>()) {
  CURL* const curl = handle_->curl;
  const auto set = CurlLibrary::get().easy_setopt;
  set(curl, CURLOPT_ERRORBUFFER, handle_->error);
  set(curl, CURLOPT_NOSIGNAL, 1L);
  set(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  set(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  set(curl, CURLOPT_USERAGENT, ("picortex/" + std::string(kVersion)).c_str());
  set(curl, CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  set(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(curl, CURLOPT_LOW_SPEED_TIME, kStallSeconds);
  set(curl, CURLOPT_TCP_KEEPALIVE, 1L);
  set(curl, CURLOPT_WRITEFUNCTION, on_body);
  set(curl, CURLOPT_HEADERFUNCTION, on_header);
  set(curl, CURLOPT_NOPROGRESS, 0L);
  set(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  if (!target.ca_file.empty()) set(curl, CURLOPT_CAINFO, target.ca_file.c_str());
  if (!target.user.empty()) {
    set(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    set(curl, CURLOPT_USERNAME, target.user.c_str());
    set(curl, CURLOPT_PASSWORD, target.password.c_str());
  }
}

HttpClient::~HttpClient() = default;

Result<HttpAnswer> HttpClient::post(const HttpRequest& request) {
  CURL* const curl = handle_->curl;
  const CurlLibrary& library = CurlLibrary::get();
  const auto set = library.easy_setopt;
  Transfer transfer{.answer = {}, .handle = curl, .request = request, .stop = stop_};
  HeaderList headers;
  add(headers, "Content-Type: " + std::string(request.content_type));
  add(headers, "Expect:");  // do not ask whether a body is welcome
  for (const std::string& line : target_.headers) add(headers, line);
  set(curl, CURLOPT_URL, request.url.c_str());
  set(curl, CURLOPT_HTTPHEADER, headers.get());
  set(curl, CURLOPT_POST, 1L);
  set(curl, CURLOPT_POSTFIELDS, request.body.data());
  set(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  set(curl, CURLOPT_WRITEDATA, &transfer);
  set(curl, CURLOPT_HEADERDATA, &transfer);
  set(curl, CURLOPT_XFERINFODATA, &transfer);
  handle_->error[0] = '\0';
  const CURLcode done = library.easy_perform(curl);
  set(curl, CURLOPT_HTTPHEADER, nullptr);
  if (done != CURLE_OK) {
    const std::string_view said = handle_->error[0] == '\0'
                                      ? std::string_view(library.easy_strerror(done))
                                      : std::string_view(handle_->error);
    std::string what;
    for (const char c : said.substr(0, 300)) what += is_control(c) ? ' ' : c;
    return failure("no answer from " + target_.origin + ": " + what);
  }
  long status = 0;
  library.easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  transfer.answer.status = static_cast<int>(status);
  return std::move(transfer.answer);
}

}  // namespace picortex::shipping
