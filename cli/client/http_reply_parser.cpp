#include "cli/client/http_reply_parser.h"

namespace picortex {

HttpReplyParser::HttpReplyParser() noexcept {
  llhttp_settings_init(&settings_);
  settings_.on_body = on_body;
  settings_.on_message_complete = on_message_complete;
  llhttp_init(&parser_, HTTP_RESPONSE, &settings_);
  parser_.data = this;
}

bool HttpReplyParser::feed(std::string_view bytes) {
  const llhttp_errno_t outcome = bytes.empty()
                                     ? llhttp_finish(&parser_)
                                     : llhttp_execute(&parser_, bytes.data(), bytes.size());
  // A completed reply pauses the parser, which ignores what follows it.
  return is_complete_ || (outcome == HPE_OK && !bytes.empty());
}

int HttpReplyParser::on_body(llhttp_t* parser, const char* bytes, std::size_t size) {
  static_cast<HttpReplyParser*>(parser->data)->reply_.body.append(bytes, size);
  return 0;
}

int HttpReplyParser::on_message_complete(llhttp_t* parser) {
  auto* self = static_cast<HttpReplyParser*>(parser->data);
  const int status = parser->status_code;
  if (status < 200) return 0;
  self->reply_.status = status;
  self->is_complete_ = true;
  return HPE_PAUSED;
}

}  // namespace picortex
