#pragma once

#include <llhttp/llhttp.h>

#include <string_view>

#include "cli/http_client.h"

namespace picortex {

// Takes the bytes of one HTTP response with llhttp, in pieces of any size. Interim responses (1xx)
// are passed over. Immovable: llhttp points at it. Its owner bounds what it is fed.
class HttpReplyParser {
 public:
  HttpReplyParser() noexcept;
  HttpReplyParser(const HttpReplyParser&) = delete;
  HttpReplyParser& operator=(const HttpReplyParser&) = delete;

  // Empty `bytes` say that the server has closed, which completes a reply without a length. False
  // when these bytes are no HTTP response, or when it ends too early.
  bool feed(std::string_view bytes);

  bool is_complete() const noexcept { return is_complete_; }
  HttpReply take() noexcept { return std::move(reply_); }  // once it is complete

 private:
  static int on_body(llhttp_t* parser, const char* bytes, std::size_t size);
  static int on_message_complete(llhttp_t* parser);

  llhttp_settings_t settings_;
  llhttp_t parser_;
  HttpReply reply_;
  bool is_complete_ = false;
};

}  // namespace picortex
