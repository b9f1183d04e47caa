#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "handlers/http/exchange.h"
#include "netfilter/fence.h"
#include "netfilter/kernel/sock_diag_query.h"

namespace picortex {

// Recognises the fenced user among the senders of requests, without a token: by the credentials of
// a Unix socket's peer, or by the owner of the client's socket on this host. Both come from the
// kernel; nothing that a request says counts.
class FencedCaller {
 public:
  // `fence` must outlive this object; null while there is no fence.
  FencedCaller(const std::unique_ptr<Fence>& fence, SockDiagQuery sockets)
      : fence_(fence), sockets_(std::move(sockets)) {}

  bool is_sender_of(const http::Exchange& exchange) noexcept;

 private:
  std::optional<std::uint32_t> sender_uid(const http::Exchange& exchange) noexcept;

  const std::unique_ptr<Fence>& fence_;
  SockDiagQuery sockets_;
};

}  // namespace picortex
