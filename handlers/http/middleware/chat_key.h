#pragma once

#include <string>
#include <string_view>

namespace picortex {

// The proof that a process was started for a chat: an HMAC-SHA256 of the chat's ID under the secret
// of `<data dir>/token`, 64 hex digits. `picortex run`, which may read the secret, gives it to the
// agent, which may not: so an agent can speak for its own chat and for no other.
std::string chat_key(std::string_view token, std::string_view chat_id);

// The token that `picortex run` gives to what it starts: it follows from the secret of `<data
// dir>/token` too, has the scope telemetry, and is another one once that secret is replaced.
std::string telemetry_token(std::string_view token);

// In a time that says nothing about how much of it was right.
bool is_chat_key(std::string_view token, std::string_view chat_id, std::string_view key);

// A chat's ID in a header or an environment variable: bytes other than visible ASCII, "%", "," and
// "=" are written %XX. Decoding takes anything, and leaves a "%" that begins no such code as it is.
std::string encode_chat(std::string_view chat_id);
std::string decode_chat(std::string_view text);

}  // namespace picortex
