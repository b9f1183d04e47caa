// The DNS proxy's clients over TCP, on a kernel that the test controls.
#include "netfilter/dns/dns_proxy.h"

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <chrono>

#include "tests/support/scripted_loop.h"

using namespace picortex;
using test::Request;

namespace {

struct Judge final : NameJudge {
  bool serves(const DnsAsker&) noexcept override { return true; }
  NameRuling rule_on(const DnsAsker&, const HostName&, std::uint16_t) noexcept override {
    return NameRuling::name_error;
  }
  bool allow_answer(const DnsAsker&, const HostName&, const IpAddress&,
                    std::uint32_t) noexcept override {
    return false;
  }
};

struct ProxyFixture : test::ScriptedLoop {
  ProxyFixture() {
    for (int port = 30'000 + getpid() % 10'000; proxy == nullptr; ++port) {
      auto opened = DnsProxy::open(*reactor, static_cast<std::uint16_t>(port), judge);
      if (opened) proxy = std::move(*opened);
      BOOST_REQUIRE((opened || opened.error().code == EADDRINUSE));
    }
    proxy->start();
    reactor->iterate();
    listeners = accepts();
  }
  ~ProxyFixture() {
    proxy->stop();
    iterate_until([this] { return proxy->is_idle(); });
  }
  std::size_t accepts() const { return script.count(Request::Kind::accept); }
  void fail_accept(int error) {
    script.complete(Request::Kind::accept, -1, -error);
    reactor->iterate();
  }

  Judge judge;
  std::unique_ptr<DnsProxy> proxy;
  std::size_t listeners = 0;  // one for each family that this host has
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(dns_proxy_accepts, ProxyFixture)

BOOST_AUTO_TEST_CASE(without_a_descriptor_it_is_tried_again_later) {
  BOOST_REQUIRE(listeners > 0);
  fail_accept(EMFILE);
  iterate(10);
  BOOST_TEST(accepts() == listeners - 1);
  BOOST_TEST(proxy->stats().accept_failures == 1u);
  pass(DnsProxy::kAcceptRetryDelay - std::chrono::milliseconds(1));
  BOOST_TEST(accepts() == listeners - 1);
  pass(std::chrono::milliseconds(1));
  BOOST_TEST(accepts() == listeners);
}

BOOST_AUTO_TEST_CASE(a_client_that_gave_up_is_no_failure) {
  fail_accept(ECONNABORTED);
  BOOST_TEST(accepts() == listeners);
  BOOST_TEST(proxy->stats().accept_failures == 0u);
}

BOOST_AUTO_TEST_CASE(it_stops_while_it_waits_to_try_again) {
  fail_accept(EMFILE);
  proxy->stop();
  BOOST_TEST(iterate_until([this] { return proxy->is_idle(); }));
  pass(DnsProxy::kAcceptRetryDelay);
  BOOST_TEST(accepts() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
