#include "handlers/http/response.h"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace picortex;
using namespace picortex::http;

namespace {

struct ResponseFixture {
  std::string render(const Response& response, ResponseFrame frame) {
    std::string out;
    append_response(out, response, frame);
    return out;
  }
  ResponseFrame frame() const { return {.request_id = id, .date = "DATE"}; }

  Uuid id = *parse_uuid("01890a5d-ac96-774b-bcce-b302099a8057");
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(response, ResponseFixture)

BOOST_AUTO_TEST_CASE(is_rendered_whole) {
  BOOST_TEST(render({.status = 503, .body = "{}", .fields = "Retry-After: 1\r\n"}, frame()) ==
             "HTTP/1.1 503 Service Unavailable\r\nDate: DATE\r\n"
             "X-Request-ID: 01890a5d-ac96-774b-bcce-b302099a8057\r\n"
             "Content-Type: application/json; charset=utf-8\r\nContent-Length: 2\r\n"
             "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nRetry-After: 1\r\n"
             "\r\n{}");
}

BOOST_AUTO_TEST_CASE(a_204_has_no_length_and_no_body) {
  const std::string text = render({.status = 204}, frame());
  BOOST_TEST(text.find("\r\nContent-") == std::string::npos);
  BOOST_TEST(text.ends_with("\r\n\r\n"));
}

BOOST_AUTO_TEST_CASE(closing_wins_over_keep_alive) {
  ResponseFrame last = frame();
  last.close = last.keep_alive_10 = true;
  const std::string text = render({}, last);
  BOOST_TEST(text.find("Connection: close\r\n") != std::string::npos);
  BOOST_TEST(text.find("keep-alive") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_error_has_the_body_of_fastify) {
  std::string out;
  append_error_body(out, 404, "Route GET:/\"x\n not found", id);
  BOOST_TEST(out ==
             R"({"statusCode":404,"error":"Not Found","message":"Route GET:/\"x\n not found",)"
             R"("request_id":"01890a5d-ac96-774b-bcce-b302099a8057"})");
}

BOOST_AUTO_TEST_CASE(the_date_follows_the_clock) {
  HttpDate date;
  BOOST_TEST(date.at(784'111'777'000) == "Sun, 06 Nov 1994 08:49:37 GMT");
  BOOST_TEST(date.at(784'111'777'999) == "Sun, 06 Nov 1994 08:49:37 GMT");
  BOOST_TEST(date.at(784'111'778'000) == "Sun, 06 Nov 1994 08:49:38 GMT");
}

BOOST_AUTO_TEST_SUITE_END()
