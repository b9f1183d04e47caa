#include "daemon/startup_resources.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <utility>

#include "base/check.h"
#include "daemon/config/data_dir.h"
#include "daemon/descriptor_limit.h"

namespace picortex {
namespace {

// How long an address may still belong to a daemon that has just ended: after SIGKILL the kernel
// takes some milliseconds to free the ring, and with it the listening socket.
constexpr std::chrono::seconds kAddressWait{1};
constexpr std::chrono::milliseconds kAddressRetryDelay{10};

Result<http::Listener> listen_once(const ListenAddress& address) {
  if (address.family() == AF_UNIX) return http::listen_unix(std::string(address.path()));
  sockaddr_storage storage{};
  std::memcpy(&storage, address.socket_address(), address.socket_address_size());
  const auto host = ClientAddress::from_socket(storage);
  CHECK(host.has_value());
  return http::listen_tcp(*host, address.port());
}

Result<http::Listener> listen_on(const ListenAddress& address) {
  const auto end = std::chrono::steady_clock::now() + kAddressWait;
  while (true) {
    auto listener = listen_once(address);
    const bool is_in_use = !listener && listener.error().code == EADDRINUSE;
    if (!is_in_use || std::chrono::steady_clock::now() >= end) return listener;
    std::this_thread::sleep_for(kAddressRetryDelay);
  }
}

// Returns the sockets that the service manager passed, else opens those that the options name.
Result<std::vector<http::Listener>> open_listeners(const ServeOptions& options,
                                                   ServiceEnvironment& service) {
  std::vector<http::Listener> listeners;
  for (FileDescriptor& socket : service.sockets) {
    listeners.push_back(TRY(http::adopt_listener(std::move(socket))));
  }
  if (!listeners.empty()) return listeners;
  for (const ListenAddress& address : options.listen) {
    listeners.push_back(TRY(listen_on(address)));
  }
  return listeners;
}

}  // namespace

Result<StartupResources> lay_foundation(const ServeOptions& options) {
  auto service = TRY(take_service_environment());
  const std::size_t listeners_count =
      service.sockets.empty() ? options.listen.size() : service.sockets.size();
  const std::size_t connections_max = TRY(fit_connections(options, listeners_count));
  auto reactor = TRY(Reactor::open());
  auto lock = TRY(claim_data_dir(options.data_dir));
  auto token = TRY(Token::load_or_create(options.data_dir));
  auto listeners = TRY(open_listeners(options, service));
  auto store_worker = TRY(Worker::start(*reactor));
  auto query_worker = TRY(Worker::start(*reactor));
  auto turns_worker = TRY(Worker::start(*reactor));
  auto decode_worker = TRY(Worker::start(*reactor));
  return StartupResources{.service = std::move(service),
                          .connections_max = connections_max,
                          .lock = std::move(lock),
                          .token = std::move(token),
                          .listeners = std::move(listeners),
                          .reactor = std::move(reactor),
                          .store_worker = std::move(store_worker),
                          .query_worker = std::move(query_worker),
                          .turns_worker = std::move(turns_worker),
                          .decode_worker = std::move(decode_worker)};
}

}  // namespace picortex
