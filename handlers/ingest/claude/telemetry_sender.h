#pragma once

#include <optional>
#include <string>

#include "handlers/http/exchange.h"
#include "handlers/http/middleware/token.h"

namespace picortex {

// What the headers of telemetry say about the chat that it comes from:
//
//   X-Picortex-Chat      the chat's ID, as encode_chat() writes it
//   X-Picortex-Chat-Key  its chat_key(), needed from a sender whose scopes make it a claim
//
// Returns the chat that the sender may speak for; empty: it names none. None: it has been answered
// with 400 or 403.
std::optional<std::string> chat_of_sender(http::Exchange& exchange, const Token& token);

}  // namespace picortex
