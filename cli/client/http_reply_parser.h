#pragma once

#include <llhttp/llhttp.h>

#include <string_view>

#include "cli/client/http_client.h"

namespace picortex {

// Parses one HTTP response with llhttp, fed in pieces of any size. Skips interim responses (1xx).
// Immovable, because llhttp points at it. The owner must bound how much it feeds.
class HttpReplyParser {
 public:
  HttpReplyParser() noexcept;
  HttpReplyParser(const HttpReplyParser&) = delete;
  HttpReplyParser& operator=(const HttpReplyParser&) = delete;

  // Empty `bytes` report that the server has closed the connection, which completes a reply without
  // a length. Returns false if the bytes are no HTTP response, or if it ends too early.
  bool feed(std::string_view bytes);

  bool is_complete() const noexcept { return is_complete_; }
  HttpReply take() noexcept { return std::move(reply_); }  // only once it is complete

 private:
  static int on_body(llhttp_t* parser, const char* bytes, std::size_t size);
  static int on_message_complete(llhttp_t* parser);

  llhttp_settings_t settings_;
  llhttp_t parser_;
  HttpReply reply_;
  bool is_complete_ = false;
};

}  // namespace picortex
