#pragma once

#include <fcntl.h>
#include <stdlib.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "handlers/http/server.h"
#include "tests/support/scripted_loop.h"

namespace picortex::test {

// A directory of its own for each test.
struct TemporaryDirectory {
  TemporaryDirectory() {
    path = (std::filesystem::temp_directory_path() / "picortex-XXXXXX").string();
    BOOST_REQUIRE(mkdtemp(path.data()) != nullptr);
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path); }

  std::string path;
};

// A server on the scripted ring, with a route that answers at once, one that keeps its exchange
// until the test answers, and one that wants the token.
struct HttpFixture : ScriptedLoop {
  explicit HttpFixture(const http::ServerLimits& limits = {})
      : output(*reactor, 1, 1024 * 1024),
        log(*reactor, output, {.level = Level::info}),
        access(own_names(), std::move(*Token::load_or_create(directory.path))) {
    router.add({http::Method::get, "/at-once", http::Access::anyone, 0, false,
                http::Endpoint::to<&HttpFixture::answer_at_once>(*this)});
    router.add({http::Method::post, "/at-once", http::Access::anyone, 1000, false,
                http::Endpoint::to<&HttpFixture::answer_at_once>(*this)});
    router.add({http::Method::get, "/poll", http::Access::anyone, 0, true,
                http::Endpoint::to<&HttpFixture::answer_at_once>(*this)});
    router.add({http::Method::post, "/later", http::Access::anyone, 100'000, false,
                http::Endpoint::to<&HttpFixture::keep>(*this)});
    router.add({http::Method::get, "/stream", http::Access::anyone, 0, false,
                http::Endpoint::to<&HttpFixture::keep>(*this)});
    router.add({http::Method::post, "/secret", http::Access::write, 1000, false,
                http::Endpoint::to<&HttpFixture::answer_at_once>(*this)});
    server = std::move(*http::Server::create(*reactor, log, router, access, proxies, limits));
    http::Listener door;
    door.socket.reset(open("/dev/null", O_RDONLY | O_CLOEXEC));
    listener = door.socket.number();
    server->listen(std::move(door));
  }

  ~HttpFixture() {
    server->drain();
    server->terminate();
    while (!kept.empty()) answer_kept("late");
    output.abandon();
    iterate(3);
    BOOST_TEST(server->is_idle());
    BOOST_TEST(server->stats().body_bytes == 0u);
    BOOST_TEST(server->stats().answer_bytes == 0u);
    BOOST_TEST(server->stats().input_bytes == 0u);
  }

  static AllowedHosts own_names() {
    AllowedHosts names;
    BOOST_REQUIRE(names.add_hosts("picortex.test").has_value());
    return names;
  }

  void answer_at_once(http::Exchange& exchange) noexcept {
    bodies.emplace_back(exchange.body().data(), exchange.body().size());
    exchange.respond({.body = "done " + std::string(exchange.request().target)});
  }
  void keep(http::Exchange& exchange) noexcept { kept.push_back(&exchange); }

  void answer_kept(const std::string& body) {
    http::Exchange* exchange = kept.front();
    kept.erase(kept.begin());
    bodies.emplace_back(exchange->body().data(), exchange->body().size());
    exchange->respond({.body = body + " " + std::string(exchange->request().target)});
  }

  // A client whose socket has that number; there is no such descriptor.
  void connect(int socket) {
    script.complete(Request::Kind::accept, listener, socket);
    reactor->iterate();
  }
  void receive(int socket, std::string_view bytes) {
    script.receive(socket, bytes);
    reactor->iterate();
  }
  void end_receive(int socket, int result) {
    script.complete(Request::Kind::receive, socket, result);
    reactor->iterate();
  }

  bool is_sending(int socket) { return script.is_asked(Request::Kind::send, socket); }
  std::string being_sent(int socket) { return script.request(Request::Kind::send, socket).bytes; }
  void end_send(int socket, int result) {
    script.complete(Request::Kind::send, socket, result);
    reactor->iterate();
  }
  // Everything that the server sends now, as a client that reads it all gets it.
  std::string read_all(int socket) {
    std::string text;
    while (is_sending(socket)) {
      const std::string part = being_sent(socket);
      text += part;
      end_send(socket, static_cast<int>(part.size()));
    }
    return text;
  }

  static std::string get(std::string_view target) {
    return "GET " + std::string(target) + " HTTP/1.1\r\nHost: picortex.test\r\n\r\n";
  }
  static std::string post(std::string_view target, std::string_view body,
                          std::string_view fields = {}) {
    return "POST " + std::string(target) + " HTTP/1.1\r\nHost: picortex.test\r\n" +
           std::string(fields) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           std::string(body);
  }

  TemporaryDirectory directory;
  Output output;
  Log log;
  http::Router router;
  AccessControl access;
  TrustedProxies proxies;
  std::unique_ptr<http::Server> server;
  int listener = -1;
  std::vector<http::Exchange*> kept;
  std::vector<std::string> bodies;
};

}  // namespace picortex::test
