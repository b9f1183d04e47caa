#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "handlers/http/server.h"
#include "handlers/ops/health_endpoint.h"
#include "tests/real_ring/ring_fixture.h"
#include "tests/support/allocation_counter.h"

using namespace picortex;

namespace {

constexpr std::string_view kRequest = "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

// The daemon's own parts around /health, and a client on a real socket.
struct HealthFixture : test::RingFixture {
  HealthFixture() {
    if (reactor == nullptr) return;
    BOOST_REQUIRE(mkdtemp(directory.data()) != nullptr);
    output = std::make_unique<Output>(*reactor, STDOUT_FILENO, 65536);
    log = std::make_unique<Log>(*reactor, *output, Log::Settings{.level = Level::fatal});
    feed = std::make_unique<EventFeed>(*reactor);
    worker = std::move(*Worker::start(*reactor));
    writer =
        std::make_unique<EventWriter>(*reactor, *log, *feed, *worker, directory, Durability::power);
    writer->open();
    probe = std::make_unique<TmuxProbe>(*reactor, *log, "");
    health = std::make_unique<HealthEndpoint>(*reactor, *writer, *probe, "1", "c");
    router.add({http::Method::get, "/health", http::Access::anyone, 0, true,
                http::Endpoint::to<&HealthEndpoint::health>(*health)});
    access = std::make_unique<AccessControl>(AllowedHosts(), *Token::load_or_create(directory));
    server = std::move(*http::Server::create(*reactor, *log, router, *access, proxies, {}));
    auto listener = http::listen_tcp(*ClientAddress::parse("127.0.0.1"), 0);
    BOOST_REQUIRE(listener.has_value());
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(listener->port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->listen(std::move(*listener));
    client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    BOOST_REQUIRE(iterate_until([&] { return server->stats().connections == 1; }));
  }

  ~HealthFixture() {
    if (reactor == nullptr) return;
    ::close(client);
    server->drain();
    BOOST_TEST(iterate_until([&] { return server->is_idle() && writer->is_idle(); }));
    writer->close();
    BOOST_TEST(iterate_until([&] { return writer->is_closed(); }));
    std::filesystem::remove_all(directory);
  }

  // Sends the request and turns the loop until the answer is there; false when it is no 200.
  bool ask() {
    if (send(client, kRequest.data(), kRequest.size(), 0) !=
        static_cast<ssize_t>(kRequest.size())) {
      return false;
    }
    ssize_t size = -1;
    iterate_until([&] {
      if (size <= 0) size = recv(client, answer, sizeof answer, 0);
      return size > 0;
    });
    return size > 0 && std::string_view(answer, 15) == "HTTP/1.1 200 OK";
  }

  std::string directory = (std::filesystem::temp_directory_path() / "picortex-XXXXXX").string();
  std::unique_ptr<Output> output;
  std::unique_ptr<Log> log;
  std::unique_ptr<EventFeed> feed;
  std::unique_ptr<Worker> worker;
  std::unique_ptr<EventWriter> writer;
  std::unique_ptr<TmuxProbe> probe;
  std::unique_ptr<HealthEndpoint> health;
  http::Router router;
  std::unique_ptr<AccessControl> access;
  TrustedProxies proxies;
  std::unique_ptr<http::Server> server;
  int client = -1;
  char answer[4096];
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(health_endpoint, HealthFixture)

BOOST_AUTO_TEST_CASE(the_counter_counts) {
  const std::uint64_t before = test::allocations();
  // Kept in a volatile, so that the compiler cannot leave it out.
  void* volatile block = std::malloc(1);
  std::free(block);
  delete new std::string(100, directory[0]);
  BOOST_TEST(test::allocations() >= before + 3);
}

BOOST_AUTO_TEST_CASE(a_kept_connection_asks_ten_thousand_times_without_an_allocation) {
  if (reactor == nullptr) return;
  for (int i = 0; i < 100; ++i) BOOST_REQUIRE(ask());
  const std::uint64_t before = test::allocations();
  int answered = 0;
  while (answered < 10'000 && ask()) ++answered;
  const std::uint64_t after = test::allocations();
  BOOST_TEST(answered == 10'000);
  BOOST_TEST(after - before == 0u);
}

BOOST_AUTO_TEST_CASE(the_body_is_rendered_once_for_each_change) {
  if (reactor == nullptr) return;
  BOOST_REQUIRE(ask());
  const std::uint64_t renderings = health->renderings();
  const Instant begin = reactor->now();
  for (int i = 0; i < 1000; ++i) BOOST_REQUIRE(ask());
  // Nothing changes here but the seconds of the uptime.
  const auto seconds =
      static_cast<std::uint64_t>((reactor->now() - begin) / std::chrono::seconds(1));
  BOOST_TEST(health->renderings() <= renderings + seconds + 1);
}

BOOST_AUTO_TEST_SUITE_END()
