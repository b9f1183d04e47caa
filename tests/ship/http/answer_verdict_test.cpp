#include "ship/http/answer_verdict.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "ship/http/backoff.h"

namespace picortex::shipping {

BOOST_AUTO_TEST_SUITE(answer_verdict)

namespace {

using Kind = AnswerVerdict::Kind;
using Target = ShipTarget::Kind;

AnswerVerdict verdict(Target target, int status, std::string body = {},
                      std::string retry_after = {}, std::int64_t now_s = 0) {
  return judge(HttpAnswer{.status = status,
                          .body = std::move(body),
                          .retry_after = std::move(retry_after),
                          .clickhouse_code = {}},
               target, now_s);
}

BOOST_AUTO_TEST_CASE(statuses_mean_what_http_says) {
  for (const int status : {200, 201, 202, 204}) {
    BOOST_TEST((verdict(Target::ndjson, status).kind == Kind::accepted));
  }
  for (const int status : {400, 413, 422}) {
    BOOST_TEST((verdict(Target::ndjson, status).kind == Kind::halve));
  }
  for (const int status : {100, 301, 401, 403, 404, 408, 429, 500, 502, 503, 504}) {
    BOOST_TEST((verdict(Target::ndjson, status).kind == Kind::retry));
  }
  BOOST_TEST((judge(failure("cut"), Target::ndjson, 0).kind == Kind::retry));
}

BOOST_AUTO_TEST_CASE(a_receiver_of_lines_says_how_many_it_did_not_take) {
  const auto some = verdict(Target::ndjson, 200,
                            R"({"ingested":2,"failed": 3,"failures":[{"error":"no room"},{"err)");
  BOOST_TEST((some.kind == Kind::accepted));
  BOOST_TEST(some.rejected == 3);
  BOOST_TEST(some.what == "no room");
  for (const char* const body : {R"({"ingested":5,"failed":0,"failures":[]})", "", "OK",
                                 R"({"failed":"3"})", R"({"failed":-3})", R"({"failed":)"}) {
    BOOST_TEST(verdict(Target::ndjson, 200, body).rejected == 0);
    BOOST_TEST(verdict(Target::ndjson, 200, body).what == "");
  }
  BOOST_TEST(verdict(Target::clickhouse, 200, R"({"failed":3})").rejected == 0);
}

BOOST_AUTO_TEST_CASE(a_clickhouse_exception_about_a_value_differs_from_others) {
  // As 18.16 answers, with 500 for some of them.
  const auto is_halved = [](int status, const char* body) {
    return verdict(Target::clickhouse, status, body).kind == Kind::halve;
  };
  BOOST_TEST(is_halved(400, "Code: 26, e.displayText() = DB::Exception: Cannot parse JSON string"));
  BOOST_TEST(is_halved(500, "Code: 117, e.displayText() = DB::Exception: Incorrect data"));
  BOOST_TEST(!is_halved(500, "Code: 117, e.displayText() = DB::Exception: Unknown field found"));
  BOOST_TEST(!is_halved(404, "Code: 60, e.displayText() = DB::Exception: Table doesn't exist."));
  BOOST_TEST(!is_halved(400, "Code: 62, e.displayText() = DB::Exception: Syntax error"));
  BOOST_TEST(!is_halved(500, "Code: 252, e.displayText() = DB::Exception: Too many parts"));
  BOOST_TEST(!is_halved(500, "Code: 243, e.displayText() = DB::Exception: Cannot reserve"));
  BOOST_TEST(is_halved(413, ""));
  BOOST_TEST(is_halved(400, "a proxy's own page"));
  // As later versions answer.
  const auto later =
      judge(HttpAnswer{.status = 400, .body = "x", .retry_after = {}, .clickhouse_code = "27"},
            Target::clickhouse, 0);
  BOOST_TEST((later.kind == Kind::halve));
}

BOOST_AUTO_TEST_CASE(retry_after_is_seconds_or_a_date_and_bounded) {
  using namespace std::chrono_literals;
  BOOST_TEST((verdict(Target::otlp, 503, {}, "12").retry_after == 12s));
  BOOST_TEST((verdict(Target::otlp, 503, {}, "999999").retry_after == 3600s));
  BOOST_TEST(
      (verdict(Target::otlp, 503, {}, "Thu, 01 Jan 1970 00:01:40 GMT", 40).retry_after == 60s));
  BOOST_TEST(
      (verdict(Target::otlp, 503, {}, "Thu, 01 Jan 1970 00:00:10 GMT", 40).retry_after == 0s));
  BOOST_TEST((!verdict(Target::otlp, 503, {}, "soon").retry_after));
  BOOST_TEST((!verdict(Target::otlp, 503, {}, "-5").retry_after));
  BOOST_TEST((!verdict(Target::otlp, 503).retry_after));
}

BOOST_AUTO_TEST_CASE(a_partial_success_counts_what_was_not_taken) {
  // partial_success { rejected_log_records: 3, error_message: "no" }
  const std::string body("\x0a\x06\x08\x03\x12\x02no", 8);
  const auto partial = verdict(Target::otlp, 200, body);
  BOOST_TEST((partial.kind == Kind::accepted));
  BOOST_TEST(partial.rejected == 3);
  BOOST_TEST(partial.what == "no");
  BOOST_TEST(verdict(Target::otlp, 200, "").rejected == 0);
  BOOST_TEST(verdict(Target::otlp, 200, "{}").rejected == 0);
  BOOST_TEST(verdict(Target::otlp, 200, "\x0a\xff\xff").rejected == 0);
  BOOST_TEST(verdict(Target::ndjson, 200, body).rejected == 0);
}

BOOST_AUTO_TEST_CASE(what_the_server_says_is_one_harmless_line) {
  const auto said = verdict(Target::ndjson, 500, "a\x1b[2Jb\nsecond");
  BOOST_TEST(said.what == "the server answers 500: a\\u001b[2Jb");
  BOOST_TEST(verdict(Target::ndjson, 500, std::string(10'000, 'x')).what.size() < 400);
}

BOOST_AUTO_TEST_CASE(waits_double_up_to_a_minute_with_a_random_half) {
  Backoff least;
  Backoff most;
  std::chrono::milliseconds last{0};
  for (int i = 0; i < 20; ++i) {
    last = least.next(std::chrono::milliseconds(0), 0);
    const auto high = most.next(std::chrono::milliseconds(0), 1023);
    BOOST_TEST((high > last));
    BOOST_TEST((high <= Backoff::kLast));
  }
  BOOST_TEST((last == Backoff::kLast / 2));
  BOOST_TEST(least.failures() == 20);
  least.reset();
  BOOST_TEST((least.next(std::chrono::milliseconds(0), 0) == Backoff::kFirst / 2));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace picortex::shipping
