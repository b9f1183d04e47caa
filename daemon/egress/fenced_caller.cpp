#include "daemon/egress/fenced_caller.h"

#include "netfilter/wire/packet.h"

namespace picortex {

bool FencedCaller::is_sender_of(const http::Exchange& exchange) noexcept {
  if (fence_ == nullptr) return false;
  const auto uid = sender_uid(exchange);
  return uid && fence_->user().contains(*uid);
}

std::optional<std::uint32_t> FencedCaller::sender_uid(const http::Exchange& exchange) noexcept {
  if (const auto uid = exchange.peer().uid) return *uid;
  const auto ends = exchange.ends();
  if (!ends) return std::nullopt;
  sockets_.renew();
  const auto owner = sockets_.find({.protocol = kProtocolTcp,
                                    .source = ends->client.address(),
                                    .source_port = ends->client.port(),
                                    .destination = ends->server.address(),
                                    .destination_port = ends->server.port()});
  if (!owner) return std::nullopt;
  return owner->uid;
}

}  // namespace picortex
