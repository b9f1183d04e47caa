#include "reactor/signals.h"

#include <unistd.h>

#include <csignal>
#include <vector>

#include "tests/real_ring/ring_fixture.h"

using namespace picortex;

namespace {

struct SignalsFixture : test::RingFixture {
  SignalsFixture() { pthread_sigmask(SIG_SETMASK, nullptr, &mask_before); }
  ~SignalsFixture() { pthread_sigmask(SIG_SETMASK, &mask_before, nullptr); }

  void on_signal(int signal) noexcept { arrived.push_back(signal); }
  Callback<int> note_arrival() noexcept {
    return Callback<int>::to<&SignalsFixture::on_signal>(*this);
  }

  sigset_t mask_before;
  std::vector<int> arrived;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(signals, SignalsFixture)

BOOST_AUTO_TEST_CASE(each_signal_reaches_the_handler_until_stop) {
  if (reactor == nullptr) return;
  auto opened = Signals::open(*reactor, {SIGUSR1, SIGUSR2}, note_arrival());
  BOOST_REQUIRE(opened.has_value());
  Signals& listening = **opened;
  kill(getpid(), SIGUSR1);
  BOOST_TEST(iterate_until([&] { return arrived.size() == 1; }));
  kill(getpid(), SIGUSR2);
  BOOST_TEST(iterate_until([&] { return arrived.size() == 2; }));
  BOOST_TEST(arrived == (std::vector{SIGUSR1, SIGUSR2}), boost::test_tools::per_element());
  BOOST_TEST(!listening.is_idle());
  listening.stop();
  BOOST_TEST(iterate_until([&] { return listening.is_idle(); }));
}

BOOST_AUTO_TEST_SUITE_END()
