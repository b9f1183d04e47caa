#include "ship/batch_sender.h"

#include <boost/test/unit_test.hpp>
#include <functional>
#include <string>
#include <vector>

#include "ship/encode/json_encoders.h"

namespace picortex::shipping {
namespace {

using Outcome = BatchSender::Outcome;

// A target whose answers a test chooses, and an owner that notes what it gets.
struct Scripted final : Poster, SenderHost {
  std::function<Result<HttpAnswer>(std::string_view)> answer = [](std::string_view) {
    return HttpAnswer{.status = 200, .body = {}, .retry_after = {}, .clickhouse_code = {}};
  };
  std::vector<std::string> bodies;
  std::vector<std::size_t> progress;
  std::vector<std::string> rejected;
  std::vector<std::string> failures;
  std::vector<std::chrono::milliseconds> waits;
  std::size_t waits_max = 1000;

  Result<HttpAnswer> post(const HttpRequest& request) override {
    bodies.emplace_back(request.body);
    return answer(request.body);
  }
  Result<void> note_progress(std::size_t records) override {
    progress.push_back(records);
    return {};
  }
  void note_rejected(std::string_view record, const std::string&) override {
    rejected.emplace_back(record);
  }
  void note_partly_rejected(std::int64_t, const std::string&) override {}
  void note_failure(const std::string& why, std::int64_t) override { failures.push_back(why); }
  bool wait(std::chrono::milliseconds time) override {
    waits.push_back(time);
    return waits.size() < waits_max;
  }
  std::int64_t now_s() const override { return 0; }
  std::uint32_t random() override { return 0; }
};

HttpAnswer status(int number, std::string retry_after = {}) {
  return {.status = number,
          .body = "said",
          .retry_after = std::move(retry_after),
          .clickhouse_code = {}};
}

FrozenBatch batch_of(std::string_view letters, std::vector<std::size_t> groups = {0}) {
  FrozenBatch batch;
  for (const char letter : letters) batch.append(std::string(1, letter));
  batch.groups = std::move(groups);
  return batch;
}

struct SenderFixture {
  ShipTarget target{*ShipTarget::parse("ndjson+http://h/")};
  NdjsonEncoder encoder{"h"};
  Scripted peer;
  BatchSender sender{target, "http://h/", encoder, peer, peer};

  Outcome send(const FrozenBatch& batch, std::size_t done = 0) {
    const auto outcome = sender.send(batch, done);
    BOOST_REQUIRE(outcome);
    return *outcome;
  }
  auto rejects(std::string_view letters) {
    return [letters](std::string_view body) {
      return status(body.find_first_of(letters) == std::string_view::npos ? 200 : 400);
    };
  }
};

using Texts = std::vector<std::string>;

BOOST_FIXTURE_TEST_SUITE(batch_sender, SenderFixture)

BOOST_AUTO_TEST_CASE(a_group_is_a_request) {
  BOOST_TEST((send(batch_of("abcde", {0, 2})) == Outcome::done));
  BOOST_TEST((peer.bodies == Texts{"ab", "cde"}));
  BOOST_TEST((peer.progress == std::vector<std::size_t>{2}));
}

BOOST_AUTO_TEST_CASE(a_failed_request_is_sent_again_with_the_same_bytes) {
  int tries = 0;
  peer.answer = [&](std::string_view) -> Result<HttpAnswer> {
    ++tries;
    if (tries == 1) return failure("cut");
    return tries == 2 ? status(503) : status(200);
  };
  BOOST_TEST((send(batch_of("abc")) == Outcome::done));
  BOOST_TEST((peer.bodies == Texts{"abc", "abc", "abc"}));
  BOOST_TEST(peer.failures.size() == 2);
  BOOST_TEST((peer.waits[1] > peer.waits[0]));
}

BOOST_AUTO_TEST_CASE(retry_after_is_kept) {
  int tries = 0;
  peer.answer = [&](std::string_view) { return ++tries == 1 ? status(429, "7") : status(200); };
  send(batch_of("a"));
  BOOST_TEST((peer.waits.at(0) >= std::chrono::seconds(7)));
}

BOOST_AUTO_TEST_CASE(too_large_a_request_is_halved_until_it_fits) {
  peer.answer = [](std::string_view body) { return status(body.size() > 2 ? 413 : 204); };
  BOOST_TEST((send(batch_of("abcdefg")) == Outcome::done));
  BOOST_TEST((peer.bodies == Texts{"abcdefg", "abc", "a", "bc", "defg", "de", "fg"}));
  BOOST_TEST(peer.rejected.empty());
}

BOOST_AUTO_TEST_CASE(a_poison_event_is_isolated_and_the_others_are_accepted) {
  peer.answer = rejects("dg");
  BOOST_TEST((send(batch_of("abcdefgh")) == Outcome::done));
  BOOST_TEST((peer.rejected == Texts{"d", "g"}));
  std::string accepted;
  for (const std::string& body : peer.bodies) {
    if (body.find_first_of("dg") == std::string::npos) accepted += body;
  }
  BOOST_TEST(accepted == "abcefh");
}

BOOST_AUTO_TEST_CASE(a_poison_event_that_comes_first_waits_for_proof_that_others_pass) {
  peer.answer = rejects("a");
  BOOST_TEST((send(batch_of("abc")) == Outcome::done));
  BOOST_TEST((peer.rejected == Texts{"a"}));
}

BOOST_AUTO_TEST_CASE(nothing_is_rejected_while_the_target_has_accepted_nothing) {
  peer.answer = [](std::string_view) { return status(400); };
  BOOST_TEST((send(batch_of("a")) == Outcome::all_rejected));
  BOOST_TEST((send(batch_of(std::string(1000, 'x'))) == Outcome::all_rejected));
  BOOST_TEST(peer.rejected.empty());
  BOOST_TEST(peer.bodies.size() < 120);
  BOOST_TEST(sender.objection() == "the server answers 400: said");
}

BOOST_AUTO_TEST_CASE(a_process_that_goes_on_sends_the_requests_of_the_one_before) {
  // Every place at which the process may have ended: what is sent after it was sent before, too.
  peer.answer = [](std::string_view body) { return status(body.size() > 2 ? 413 : 200); };
  const FrozenBatch batch = batch_of("abcdefghijk", {0, 4});
  send(batch);
  const Texts all = peer.bodies;
  const std::vector<std::size_t> places = peer.progress;
  BOOST_TEST(places.size() > 3);
  for (const std::size_t done : places) {
    peer.bodies.clear();
    BOOST_TEST((send(batch, done) == Outcome::done));
    std::string accepted;
    for (const std::string& body : peer.bodies) {
      BOOST_TEST((std::ranges::find(all, body) != all.end()), body);
      if (body.size() <= 2) accepted += body;
    }
    BOOST_TEST(accepted == batch.records.substr(done));
  }
}

BOOST_AUTO_TEST_CASE(the_end_of_the_process_ends_the_retries) {
  peer.answer = [](std::string_view) -> Result<HttpAnswer> { return failure("away"); };
  peer.waits_max = 3;
  BOOST_TEST((send(batch_of("abc")) == Outcome::stopped));
  BOOST_TEST(peer.bodies.size() == 3);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace picortex::shipping
