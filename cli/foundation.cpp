#include "cli/foundation.h"

#include <cstring>
#include <string>
#include <utility>

#include "base/check.h"
#include "cli/data_dir.h"

namespace picortex {
namespace {

Result<http::Listener> listen_on(const ListenAddress& address) {
  if (address.family() == AF_UNIX) return http::listen_unix(std::string(address.path()));
  sockaddr_storage storage{};
  std::memcpy(&storage, address.socket_address(), address.socket_address_size());
  const auto host = ClientAddress::from_socket(storage);
  CHECK(host.has_value());
  return http::listen_tcp(*host, address.port());
}

// The sockets that the service manager handed over, else those that the options name.
Result<std::vector<http::Listener>> open_listeners(const ServeOptions& options,
                                                   ServiceEnvironment& service) {
  std::vector<http::Listener> listeners;
  for (FileDescriptor& socket : service.sockets) {
    auto listener = http::adopt_listener(std::move(socket));
    if (!listener) return std::unexpected(listener.error());
    listeners.push_back(std::move(*listener));
  }
  if (!listeners.empty()) return listeners;
  for (const ListenAddress& address : options.listen) {
    auto listener = listen_on(address);
    if (!listener) return std::unexpected(listener.error());
    listeners.push_back(std::move(*listener));
  }
  return listeners;
}

}  // namespace

Result<Foundation> lay_foundation(const ServeOptions& options) {
  auto service = take_service_environment();
  if (!service) return std::unexpected(service.error());
  auto reactor = Reactor::open();
  if (!reactor) return std::unexpected(reactor.error());
  auto lock = claim_data_dir(options.data_dir);
  if (!lock) return std::unexpected(lock.error());
  auto token = Token::load_or_create(options.data_dir);
  if (!token) return std::unexpected(token.error());
  auto listeners = open_listeners(options, *service);
  if (!listeners) return std::unexpected(listeners.error());
  return Foundation{.service = std::move(*service),
                    .lock = std::move(*lock),
                    .token = std::move(*token),
                    .listeners = std::move(*listeners),
                    .reactor = std::move(*reactor)};
}

}  // namespace picortex
