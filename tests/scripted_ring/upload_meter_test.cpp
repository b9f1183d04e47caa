// Upload budgets whose sums are kept, on a disk that the test controls.
#include "netfilter/budget/upload_meter.h"

#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <string>

#include "tests/cli/temporary_directory.h"
#include "tests/support/scripted_loop.h"

using namespace picortex;
using test::Request;
using State = RecordLog::State;

namespace {

constexpr std::int64_t kM = 1 << 20;

// A daemon's life with one connection to a host with a budget.
struct Life : test::ScriptedLoop {
  explicit Life(const std::string& path, bool enforces = true) : meter(enforces) {
    BOOST_REQUIRE(list.add("a.test upload=1M/1h\n", RuleSource::list).empty());
    meter.adopt(list, {}, clock.unix_ms());
    BOOST_REQUIRE(meter.keep_in(*reactor, path, clock.unix_ms()));
    meter.open(kFlow,
               {.action = Action::judge,
                .denied = false,
                .evidence = Evidence::sni,
                .reason = Reason::permitted,
                .host = *HostName::parse("a.test"),
                .rule = RuleIndex{0}},
               clock.unix_ms());
    write_all();
  }
  ~Life() {
    if (script.is_asked(Request::Kind::write)) end_write(-ECANCELED);
  }

  void write_one() {
    const Request& request = script.request(Request::Kind::write);
    end_write(static_cast<int>(::write(request.file, request.bytes.data(), request.bytes.size())));
  }
  void write_all() {
    reactor->iterate();
    while (script.is_asked(Request::Kind::write)) write_one();
  }
  void end_write(int result) {
    script.complete(Request::Kind::write, -1, result);
    reactor->iterate();
  }
  UploadCharge send(std::int64_t bytes) { return *meter.charge(kFlow, bytes, clock.unix_ms()); }
  std::int64_t used() { return meter.use_of(0, clock.unix_ms())->bytes; }
  void tick() {
    meter.tick(clock.unix_ms());
    reactor->iterate();
  }

  inline static const FlowKey kFlow{.source = *parse_ip_address("192.0.2.1"),
                                    .destination = *parse_ip_address("203.0.113.5"),
                                    .source_port = 1,
                                    .destination_port = 443};
  Allowlist list;
  UploadMeter meter;
};

struct KeptFixture {
  std::int64_t restored() const { return Life(path).used(); }

  TemporaryDirectory directory;
  std::string path = directory.path() + "/uploads";
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(kept_uploads, KeptFixture)

BOOST_AUTO_TEST_CASE(a_packet_waits_for_the_record_that_counts_it) {
  Life life(path);
  const UploadCharge first = life.send(1000);
  const UploadCharge second = life.send(500);
  BOOST_TEST((life.meter.state_of(first.record) == State::pending));
  life.reactor->iterate();
  // Both are one line of one write; what arrives meanwhile is in the next one.
  const std::string bytes = life.script.request(Request::Kind::write).bytes;
  BOOST_TEST(std::ranges::count(bytes, '\n') == 1);
  BOOST_TEST(bytes.find(" 1500 a.test:443 ") != bytes.npos);
  const UploadCharge third = life.send(1);
  life.reactor->iterate();
  BOOST_TEST(life.script.count(Request::Kind::write) == 1u);
  life.write_one();
  BOOST_TEST((life.meter.state_of(first.record) == State::written));
  BOOST_TEST((life.meter.state_of(second.record) == State::written));
  BOOST_TEST((life.meter.state_of(third.record) == State::pending));
  life.write_one();
  BOOST_TEST((life.meter.state_of(third.record) == State::written));
  // An acknowledgement waits for nothing.
  BOOST_TEST(life.send(0).record == 0u);
}

BOOST_AUTO_TEST_CASE(a_denial_waits_for_what_was_counted_before) {
  Life life(path);
  const UploadCharge last = life.send(kM);
  const UploadCharge denial = life.send(1);
  BOOST_TEST((denial.reason == Reason::upload_budget_spent));
  BOOST_TEST(denial.record == last.record);
  // And one for another reason.
  BOOST_TEST(life.meter.record_of(Life::kFlow) == last.record);
  life.write_all();
  BOOST_TEST((life.meter.state_of(life.send(1).record) == State::written));
}

// Whatever had left by then is counted after SIGKILL, at any packet, and nothing else.
BOOST_AUTO_TEST_CASE(no_more_has_left_than_is_restored) {
  for (int packets = 1; packets < 200; packets += 7) {
    const std::string own = path + std::to_string(packets);
    std::int64_t left = 0;
    {
      Life life(own);
      for (int i = 0; i < packets; ++i) {
        const UploadCharge charge = life.send(1448);
        // Every third packet finds the disk idle.
        if (i % 3 == 0) life.write_all();
        if (life.meter.state_of(charge.record) == State::written) left = life.used();
        if (i % 50 == 49) life.tick();
      }
    }
    BOOST_TEST(Life(own).used() == left);
  }
}

BOOST_AUTO_TEST_CASE(what_a_full_disk_cannot_record_is_denied_by_name_and_not_counted) {
  Life life(path);
  const UploadCharge lost = life.send(1000);
  life.reactor->iterate();
  life.end_write(-ENOSPC);
  BOOST_TEST((life.meter.state_of(lost.record) == State::lost));
  for (int i = 0; i < 100; ++i) {
    BOOST_TEST((life.send(1000).reason == Reason::upload_not_recorded));
  }
  BOOST_TEST((life.meter.bill(0, 10, life.clock.unix_ms()).reason == Reason::upload_not_recorded));
  BOOST_TEST(life.used() == 1000);
  // A retry alone permits nothing.
  life.tick();
  BOOST_TEST((life.send(1000).reason == Reason::upload_not_recorded));
  life.end_write(-ENOSPC);
  // There is room again.
  life.tick();
  life.write_all();
  const UploadCharge later = life.send(1000);
  BOOST_TEST((later.reason == Reason::permitted));
  life.write_all();
  BOOST_TEST((life.meter.state_of(later.record) == State::written));
  BOOST_TEST(restored() == 2000);
}

BOOST_AUTO_TEST_CASE(what_a_frozen_disk_does_not_record_is_denied_by_name_and_not_counted) {
  Life life(path);
  life.send(1000);
  life.reactor->iterate();
  const UploadCharge waiting = life.send(1000);
  life.pass(RecordLog::kAnswerMax - std::chrono::milliseconds(1));
  life.tick();
  BOOST_TEST((life.meter.state_of(waiting.record) == State::pending));
  life.pass(std::chrono::milliseconds(1));
  life.tick();
  BOOST_TEST((life.meter.state_of(waiting.record) == State::lost));
  BOOST_TEST((life.send(1).reason == Reason::upload_not_recorded));
  BOOST_TEST(life.used() == 2000);
  // The disk answers: what was counted is written.
  life.write_all();
  BOOST_TEST((life.send(1).reason == Reason::permitted));
  BOOST_TEST(restored() == 2000);
}

BOOST_AUTO_TEST_CASE(learn_mode_waits_for_nothing_and_denies_nothing) {
  Life life(path, false);
  BOOST_TEST(life.send(1000).record == 0u);
  life.reactor->iterate();
  life.end_write(-EIO);
  const UploadCharge charge = life.send(kM / 2);
  BOOST_TEST((charge.reason == Reason::permitted));
  BOOST_TEST(charge.record == 0u);
  // The next generation has what was counted meanwhile.
  life.tick();
  life.write_all();
  BOOST_TEST(restored() == kM / 2 + 1000);
}

BOOST_AUTO_TEST_CASE(an_orderly_end_keeps_the_sum_of_all_that_was_judged) {
  {
    Life life(path);
    const UploadCharge out = life.send(1000);
    life.reactor->iterate();
    const UploadCharge waiting = life.send(500);
    life.meter.stop();
    life.reactor->iterate();
    for (const std::uint64_t record : {out.record, waiting.record}) {
      BOOST_TEST((life.meter.state_of(record) == State::pending));
      BOOST_TEST(!life.meter.is_idle());
      life.write_one();
      BOOST_TEST((life.meter.state_of(record) == State::written));
    }
    BOOST_TEST(life.meter.is_idle());
  }
  BOOST_TEST(restored() == 1500);
}

BOOST_AUTO_TEST_CASE(an_end_does_not_wait_for_a_disk_that_fails) {
  Life life(path);
  life.send(1000);
  life.reactor->iterate();
  life.send(1000);
  life.meter.stop();
  life.end_write(-EIO);
  BOOST_TEST(life.meter.is_idle());
}

BOOST_AUTO_TEST_SUITE_END()
