#include "handlers/ingest/claude/telemetry_sender.h"

#include <simdjson.h>

#include "handlers/http/middleware/chat_key.h"
#include "storage/event.h"

namespace picortex {

std::optional<std::string> chat_of_sender(http::Exchange& exchange, const Token& token) {
  const http::Request& request = exchange.request();
  std::string chat = decode_chat(request.field("x-picortex-chat"));
  if (chat.empty()) return chat;
  if (chat.size() > kChatIdSizeMax || !simdjson::validate_utf8(chat.data(), chat.size())) {
    exchange.fail(400, "X-Picortex-Chat is not 1 to 256 bytes of UTF-8");
    return std::nullopt;
  }
  const bool is_proved = !exchange.scopes().are_claims() ||
                         is_chat_key(token.text(), chat, request.field("x-picortex-chat-key"));
  if (is_proved) return chat;
  exchange.fail(403,
                "X-Picortex-Chat-Key is not this chat's: start the agent with picortex run --chat, "
                "as a user who may read <data dir>/token");
  return std::nullopt;
}

}  // namespace picortex
