#include "handlers/http/server.h"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/support/http_fixture.h"

using namespace picortex;
using test::HttpFixture;
using test::Request;

namespace {

constexpr int kClient = 100'000;

}  // namespace

BOOST_AUTO_TEST_SUITE(server)

BOOST_AUTO_TEST_CASE(the_longest_idle_client_makes_room) {
  HttpFixture it({.connections_max = 2});
  it.connect(kClient);
  it.connect(kClient + 1);
  it.receive(kClient, HttpFixture::get("/at-once"));
  it.read_all(kClient);
  it.connect(kClient + 2);
  it.reactor->turn();
  BOOST_TEST(it.script.is_closed(kClient + 1));
  BOOST_TEST(it.server->figures().evicted == 1u);
  BOOST_TEST(it.server->figures().connections == 2u);
}

BOOST_AUTO_TEST_CASE(busy_clients_are_not_evicted_and_a_limit_holds_for_good) {
  HttpFixture it({.connections_max = 2});
  const int most = 2 + static_cast<int>(http::kConnectionsOverMax);
  for (int round = 0; round < 2; ++round) {
    const int first = kClient + 1000 * round;
    for (int i = 0; i < most; ++i) {
      it.connect(first + i);
      it.receive(first + i, "G");
    }
    it.connect(first + most);
    BOOST_TEST(it.script.is_closed(first + most));
    for (int i = 0; i < most; ++i) it.end_receive(first + i, -ECONNRESET);
    it.reactor->turn();
    BOOST_TEST(it.server->figures().connections == 0u);
  }
  // The slots that a burst has made do not raise the limit.
  for (int i = 0; i < 10; ++i) it.connect(kClient + 5000 + i);
  it.reactor->turn();
  BOOST_TEST(it.server->figures().connections == 2u);
}

BOOST_AUTO_TEST_CASE(no_descriptor_left_makes_room_and_accepts_again_later) {
  HttpFixture it;
  it.connect(kClient);
  it.script.complete(Request::Kind::accept, it.listener, -EMFILE);
  it.reactor->turn();
  it.reactor->turn();
  BOOST_TEST(it.script.is_closed(kClient));
  BOOST_TEST(!it.script.is_asked(Request::Kind::accept));
  BOOST_TEST(it.server->figures().accept_failures == 1u);
  usleep(110'000);
  it.reactor->turn();
  BOOST_TEST(it.script.is_asked(Request::Kind::accept));
}

BOOST_AUTO_TEST_CASE(a_client_that_gave_up_is_no_failure) {
  HttpFixture it;
  it.script.complete(Request::Kind::accept, it.listener, -ECONNABORTED);
  it.reactor->turn();
  BOOST_TEST(it.script.is_asked(Request::Kind::accept));
  BOOST_TEST(it.server->figures().accept_failures == 0u);
}

BOOST_AUTO_TEST_CASE(bodies_of_all_clients_together_are_bounded) {
  HttpFixture it({.bodies_size_max = 10});
  it.connect(kClient);
  it.connect(kClient + 1);
  it.receive(kClient, HttpFixture::post("/later", "12345678"));
  BOOST_TEST(it.server->figures().body_bytes == 8u);
  it.receive(kClient + 1, HttpFixture::post("/later", "1234"));
  BOOST_TEST(it.read_all(kClient + 1).starts_with("HTTP/1.1 503 "));
  it.answer_kept("done");
  BOOST_TEST(it.server->figures().body_bytes == 0u);
}

BOOST_AUTO_TEST_CASE(a_drain_ends_idle_clients_and_lets_the_others_finish) {
  HttpFixture it;
  const int busy = kClient + 1;
  it.connect(kClient);
  it.receive(kClient, HttpFixture::get("/at-once"));
  it.read_all(kClient);
  it.connect(busy);
  it.receive(busy, HttpFixture::post("/later", "x"));
  it.server->drain();
  it.reactor->turn();
  BOOST_TEST(it.script.is_closed(kClient));
  BOOST_TEST(!it.script.is_closed(busy));
  BOOST_TEST(!it.server->is_idle());
  it.answer_kept("last");
  BOOST_TEST(it.read_all(busy).find("\r\nConnection: close\r\n") != std::string::npos);
  it.end_receive(busy, 0);
  it.reactor->turn();
  BOOST_TEST(it.server->is_idle());
}

BOOST_AUTO_TEST_CASE(a_drain_waits_for_the_first_request_of_who_has_just_connected) {
  HttpFixture it;
  const int silent = kClient + 1;
  it.connect(kClient);
  it.connect(silent);
  it.server->drain();
  it.reactor->turn();
  BOOST_TEST(!it.script.is_closed(kClient));
  it.receive(kClient, HttpFixture::get("/at-once"));
  BOOST_TEST(it.read_all(kClient).find("\r\nConnection: close\r\n") != std::string::npos);
  it.end_receive(kClient, 0);
  it.server->lingers().expire_first();
  it.reactor->turn();
  BOOST_TEST(it.script.is_closed(silent));
  BOOST_TEST(it.server->is_idle());
}

BOOST_AUTO_TEST_CASE(a_drain_lets_an_answer_under_way_be_read) {
  HttpFixture it;
  it.connect(kClient);
  it.receive(kClient, HttpFixture::get("/at-once"));
  it.server->drain();
  it.reactor->turn();
  BOOST_TEST(it.read_all(kClient) != "");
  BOOST_TEST(!it.script.is_closed(kClient));
  BOOST_TEST(!it.server->lingers().is_empty());
}

BOOST_AUTO_TEST_SUITE_END()
