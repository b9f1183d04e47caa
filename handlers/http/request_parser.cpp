#include "handlers/http/request_parser.h"

#include <strings.h>

#include <algorithm>

#include "base/byte_set.h"
#include "base/check.h"

namespace picortex::http {
namespace {

RequestParser& self(llhttp_t* parser) noexcept {
  return *static_cast<RequestParser*>(parser->data);
}

Method method_of(std::uint8_t method) noexcept {
  switch (method) {
    case HTTP_GET:
      return Method::get;
    case HTTP_HEAD:
      return Method::head;
    case HTTP_POST:
      return Method::post;
    case HTTP_PUT:
      return Method::put;
    case HTTP_DELETE:
      return Method::delete_;
    case HTTP_OPTIONS:
      return Method::options;
    case HTTP_PATCH:
      return Method::patch;
    default:
      return Method::trace;
  }
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// Accepts origin-form, absolute-form and asterisk-form (RFC 9112, section 3.2).
bool split_target(Request& request) noexcept {
  std::string_view rest = request.target;
  if (rest.find('#') != std::string_view::npos) return false;
  if (rest == "*") {
    request.path = rest;
    return request.method == Method::options;
  }
  if (!rest.starts_with('/')) {
    const std::size_t scheme_end = rest.find("://");
    if (scheme_end == std::string_view::npos) return false;
    const std::string_view scheme = rest.substr(0, scheme_end);
    if (!equal_ignoring_case(scheme, "http") && !equal_ignoring_case(scheme, "https")) return false;
    rest.remove_prefix(scheme_end + 3);
    const std::size_t authority_end = std::min(rest.find_first_of("/?"), rest.size());
    request.authority = rest.substr(0, authority_end);
    rest.remove_prefix(authority_end);
    if (request.authority.empty() || request.authority.find('@') != std::string_view::npos) {
      return false;
    }
  }
  const std::size_t query_start = std::min(rest.find('?'), rest.size());
  request.path = rest.substr(0, query_start);
  if (request.path.empty()) request.path = "/";
  if (query_start < rest.size()) request.query = rest.substr(query_start + 1);
  return true;
}

constexpr ByteSet kHostCharacters = ByteSet().add_range('!', '~').remove("\"#/<>?@\\^`{|}");

// Checks the meaning of fields, as far as llhttp leaves that open.
Rejection check_fields(Request& request) noexcept {
  int host_count = 0;
  int transfer_encoding_count = 0;
  for (const Field& field : request.fields) {
    if (field.is_named("host")) {
      ++host_count;
      request.host = field.value;
    } else if (field.is_named("transfer-encoding")) {
      ++transfer_encoding_count;
      if (request.minor_version == 0) {
        return {400, "Transfer-Encoding is not part of HTTP/1.0"};
      }
      if (!equal_ignoring_case(field.value, "chunked")) {
        return {501, "Only the transfer coding chunked is supported"};
      }
    } else if (field.is_named("expect")) {
      if (!equal_ignoring_case(field.value, "100-continue")) {
        return {417, "Only the expectation 100-continue is supported"};
      }
      request.expects_continue = request.minor_version == 1;
    }
  }
  if (host_count > 1) return {400, "Duplicate Host header"};
  if (host_count == 0 && request.minor_version == 1) return {400, "Missing Host header"};
  if (!kHostCharacters.has_all(request.host)) return {400, "Malformed Host header"};
  if (transfer_encoding_count > 1) return {400, "Duplicate Transfer-Encoding header"};
  if (!request.authority.empty()) request.host = request.authority;
  return {};
}

}  // namespace

llhttp_settings_t RequestParser::make_settings() noexcept {
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  settings.on_url = &RequestParser::on_url;
  settings.on_header_field = &RequestParser::on_field_name;
  settings.on_header_value = &RequestParser::on_field_value;
  settings.on_headers_complete = &RequestParser::on_headers_complete;
  settings.on_body = &RequestParser::on_body;
  settings.on_message_complete = &RequestParser::on_message_complete;
  return settings;
}

RequestParser::RequestParser() noexcept { reset(); }

void RequestParser::reset() noexcept {
  static const llhttp_settings_t settings = make_settings();
  llhttp_init(&parser_, HTTP_REQUEST, &settings);
  parser_.data = this;
  chunks_.reset();
  is_chunked_ = too_large_ = complete_ = false;
}

Rejection RequestParser::parse_head(std::string_view head, Request& request) noexcept {
  request_ = &request;
  const llhttp_errno_t error = llhttp_execute(&parser_, head.data(), head.size());
  request_ = nullptr;
  if (error != HPE_OK && error != HPE_PAUSED) return rejection_of(error);
  if (!split_target(request)) return {400, "The request target is malformed"};
  return check_fields(request);
}

RequestParser::Progress RequestParser::parse_body(std::string_view bytes, std::string& body,
                                                  std::size_t body_size_max) {
  CHECK(!complete_);
  if (is_chunked_) return parse_chunks(bytes, body, body_size_max);
  body_ = &body;
  body_size_max_ = body_size_max;
  const llhttp_errno_t error = llhttp_execute(&parser_, bytes.data(), bytes.size());
  body_ = nullptr;
  std::size_t consumed = bytes.size();
  if (error == HPE_PAUSED) {
    consumed = static_cast<std::size_t>(llhttp_get_error_pos(&parser_) - bytes.data());
  } else if (error != HPE_OK) {
    return {consumed,
            too_large_ ? Rejection{413, "Request body is too large"} : rejection_of(error)};
  }
  return {consumed, {}};
}

RequestParser::Progress RequestParser::parse_chunks(std::string_view bytes, std::string& body,
                                                    std::size_t body_size_max) {
  using Outcome = ChunkedDecoder::Outcome;
  const auto [outcome, consumed] = chunks_.decode(bytes, body, body_size_max);
  switch (outcome) {
    case Outcome::complete:
      complete_ = true;
      return {consumed, {}};
    case Outcome::wants_more:
      return {consumed, {}};
    case Outcome::bad_size:
      return {consumed, {400, "A chunk's size is malformed"}};
    case Outcome::bad_extension:
      return {consumed, {400, "A chunk's extension is malformed"}};
    case Outcome::bad_end:
      return {consumed, {400, "A chunk's data does not end where its size says"}};
    case Outcome::bad_trailer:
      return {consumed, {400, "A trailer field is malformed"}};
    case Outcome::too_large:
      return {consumed, {413, "Request body is too large"}};
  }
  return {consumed, {400, "The request is malformed"}};
}

Rejection RequestParser::rejection_of(llhttp_errno_t error) const noexcept {
  switch (error) {
    case HPE_UNEXPECTED_CONTENT_LENGTH:
      return {400, "Content-Length and Transfer-Encoding contradict each other"};
    case HPE_INVALID_CONTENT_LENGTH:
      return {400, "Content-Length is malformed"};
    case HPE_INVALID_TRANSFER_ENCODING:
      return {400, "Transfer-Encoding is malformed"};
    case HPE_INVALID_HEADER_TOKEN:
      return {400, "A header is malformed"};
    default:
      return {400, "The request is malformed"};
  }
}

int RequestParser::on_url(llhttp_t* parser, const char* at, std::size_t size) noexcept {
  self(parser).request_->target = {at, size};
  return 0;
}

int RequestParser::on_field_name(llhttp_t* parser, const char* at, std::size_t size) noexcept {
  self(parser).request_->fields.push_back({{at, size}, {}});
  return 0;
}

int RequestParser::on_field_value(llhttp_t* parser, const char* at, std::size_t size) noexcept {
  Request* request = self(parser).request_;
  std::string_view value{at, size};
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  request->fields.back().value = value;
  return 0;
}

int RequestParser::on_headers_complete(llhttp_t* parser) noexcept {
  Request& request = *self(parser).request_;
  request.method = method_of(parser->method);
  request.minor_version = parser->http_minor;
  request.keep_alive = llhttp_should_keep_alive(parser) != 0;
  if ((parser->flags & F_CONTENT_LENGTH) != 0) request.content_length = parser->content_length;
  self(parser).is_chunked_ = (parser->flags & F_CHUNKED) != 0;
  request.has_body = (parser->flags & F_CHUNKED) != 0 || parser->content_length > 0;
  // No other protocol is offered here: RFC 9110, section 7.8 lets a server ignore Upgrade.
  parser->upgrade = 0;
  return 0;
}

int RequestParser::on_body(llhttp_t* parser, const char* at, std::size_t size) noexcept {
  RequestParser& it = self(parser);
  if (it.body_->size() + size > it.body_size_max_) {
    it.too_large_ = true;
    return HPE_USER;
  }
  it.body_->append(at, size);
  return 0;
}

int RequestParser::on_message_complete(llhttp_t* parser) noexcept {
  self(parser).complete_ = true;
  return HPE_PAUSED;
}

}  // namespace picortex::http
