#include "handlers/http/request_parser.h"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace picortex::http;

namespace {

struct ParserFixture {
  int parse(const std::string& text) {
    parser.reset();
    request.clear();
    body.clear();
    head = text;
    return parser.parse_head(head, request).status;
  }
  int parse_fields(const std::string& fields, const std::string& version = "1.1") {
    return parse("POST /x HTTP/" + version + "\r\nHost: a\r\n" + fields + "\r\n");
  }
  int parse_target(const std::string& target, const std::string& method = "GET") {
    return parse(method + " " + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  // The status of a chunked request's body; 0: taken whole, -1: more is wanted.
  int parse_chunked(const std::string& framed, std::size_t size_max = 100) {
    BOOST_REQUIRE(parse_fields("Transfer-Encoding: chunked\r\n") == 0);
    const auto progress = parser.parse_body(framed, body, size_max);
    consumed = progress.consumed;
    if (progress.rejection) return progress.rejection.status;
    return parser.is_complete() ? 0 : -1;
  }

  RequestParser parser;
  Request request;
  std::string head;
  std::string body;
  std::size_t consumed = 0;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(request_parser, ParserFixture)

BOOST_AUTO_TEST_CASE(reads_the_head_into_views) {
  BOOST_TEST(parse("PUT /a/b?c=d&e HTTP/1.1\r\nHost: example.com:80\r\nEmpty:\r\n"
                   "Padded: \t x y \t\r\n\r\n") == 0);
  BOOST_TEST((request.method == Method::put));
  BOOST_TEST(request.minor_version == 1);
  BOOST_TEST(request.target == "/a/b?c=d&e");
  BOOST_TEST(request.path == "/a/b");
  BOOST_TEST(request.query == "c=d&e");
  BOOST_TEST(request.host == "example.com:80");
  BOOST_TEST(request.field("PADDED") == "x y");
  BOOST_TEST(request.field("empty") == "");
  BOOST_TEST(request.fields.size() == 3u);
  BOOST_TEST(request.keep_alive);
  BOOST_TEST(!request.has_body);
  BOOST_TEST(parser.is_complete());
}

BOOST_AUTO_TEST_CASE(knows_every_form_of_target) {
  BOOST_TEST(parse_target("HTTP://b.example:1/p?q") == 0);
  BOOST_TEST(request.authority == "b.example:1");
  BOOST_TEST(request.host == "b.example:1");
  BOOST_TEST(request.path == "/p");
  BOOST_TEST(parse_target("http://b.example") == 0);
  BOOST_TEST(request.path == "/");
  BOOST_TEST(parse_target("http://b.example?q") == 0);
  BOOST_TEST(request.path == "/");
  BOOST_TEST(request.query == "q");
  BOOST_TEST(parse_target("*", "OPTIONS") == 0);
  for (const char* wrong : {"*", "ftp://a/", "http:///x", "http://u@a/", "/a#b", "a.example:1"}) {
    BOOST_TEST(parse_target(wrong) == 400, wrong);
  }
}

BOOST_AUTO_TEST_CASE(views_move_with_the_head_and_a_literal_path_stays) {
  for (const char* target : {"/a?b", "http://h", "http://h?q"}) {
    BOOST_REQUIRE(parse_target(target) == 0);
    const std::string path(request.path);
    std::string moved = head;
    request.move_views(head, moved.data());
    head.assign(head.size(), '#');
    BOOST_TEST(request.target == target);
    BOOST_TEST(request.path == path);
    BOOST_TEST(request.field("host") == "a");
  }
}

BOOST_AUTO_TEST_CASE(one_host_is_needed_and_well_formed) {
  BOOST_TEST(parse("GET / HTTP/1.1\r\n\r\n") == 400);
  BOOST_TEST(parse("GET / HTTP/1.0\r\n\r\n") == 0);
  BOOST_TEST(parse("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n") == 400);
  for (const char* wrong : {"a b", "a/b", "u@a", "a,b\"", "a\\b", "<a>"}) {
    BOOST_TEST(parse("GET / HTTP/1.1\r\nHost: " + std::string(wrong) + "\r\n\r\n") == 400, wrong);
  }
}

BOOST_AUTO_TEST_CASE(lengths_that_are_no_number_are_rejected) {
  for (const char* wrong : {"-1", "+1", "1 1", "0x1", "1,1", "", "99999999999999999999", "a"}) {
    BOOST_TEST(parse_fields("Content-Length: " + std::string(wrong) + "\r\n") == 400, wrong);
  }
  BOOST_TEST(parse_fields("Content-Length: 0\r\n") == 0);
  BOOST_TEST(!request.has_body);
  BOOST_TEST(parse_fields("Content-Length: 12\r\n") == 0);
  BOOST_TEST(request.has_body);
  BOOST_TEST(request.content_length.value() == 12u);
}

BOOST_AUTO_TEST_CASE(framing_that_contradicts_itself_is_rejected) {
  BOOST_TEST(parse_fields("Content-Length: 1\r\nContent-Length: 2\r\n") == 400);
  BOOST_TEST(parse_fields("Content-Length: 1\r\nContent-Length: 1\r\n") == 400);
  BOOST_TEST(parse_fields("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n") == 400);
  BOOST_TEST(parse_fields("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n") == 400);
  BOOST_TEST(parse_fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") != 0);
  BOOST_TEST(parse_fields("Transfer-Encoding: chunked\r\n", "1.0") == 400);
  for (const char* wrong : {"gzip", "chunked, gzip", "gzip, chunked", "xchunked", "chunked;a=b"}) {
    const int status = parse_fields("Transfer-Encoding: " + std::string(wrong) + "\r\n");
    BOOST_TEST((status == 400 || status == 501), wrong);
  }
  BOOST_TEST(parse_fields("Transfer-Encoding : chunked\r\n") == 400);
}

BOOST_AUTO_TEST_CASE(only_one_expectation_is_known) {
  BOOST_TEST(parse_fields("Expect: 100-Continue\r\nContent-Length: 1\r\n") == 0);
  BOOST_TEST(request.expects_continue);
  BOOST_TEST(parse_fields("Expect: 100-continue\r\nContent-Length: 1\r\n", "1.0") == 0);
  BOOST_TEST(!request.expects_continue);
  BOOST_TEST(parse_fields("Expect: 200-ok\r\n") == 417);
}

BOOST_AUTO_TEST_CASE(keep_alive_follows_version_and_connection) {
  BOOST_TEST(parse_fields("Connection: Close\r\n") == 0);
  BOOST_TEST(!request.keep_alive);
  BOOST_TEST(parse_fields("", "1.0") == 0);
  BOOST_TEST(!request.keep_alive);
  BOOST_TEST(parse_fields("Connection: keep-alive\r\n", "1.0") == 0);
  BOOST_TEST(request.keep_alive);
}

BOOST_AUTO_TEST_CASE(an_offer_to_upgrade_is_ignored) {
  BOOST_TEST(parse_fields("Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n") == 0);
  const auto progress = parser.parse_body("abcGET", body, 100);
  BOOST_TEST(!progress.rejection);
  BOOST_TEST(progress.consumed == 3u);
  BOOST_TEST(body == "abc");
}

BOOST_AUTO_TEST_CASE(a_body_ends_where_its_length_says) {
  BOOST_TEST(parse_fields("Content-Length: 5\r\n") == 0);
  BOOST_TEST(parser.parse_body("ab", body, 5).consumed == 2u);
  BOOST_TEST(!parser.is_complete());
  BOOST_TEST(parser.parse_body("cdeGET / HTTP/1.1", body, 5).consumed == 3u);
  BOOST_TEST(parser.is_complete());
  BOOST_TEST(body == "abcde");
}

BOOST_AUTO_TEST_CASE(chunks_are_put_together_without_their_framing) {
  const std::string framed = "3\r\nabc\r\nA;x=\"y\"\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n";
  BOOST_TEST(parse_chunked(framed + "GET /") == 0);
  BOOST_TEST(body == "abc0123456789");
  BOOST_TEST(consumed == framed.size());
  BOOST_TEST(request.field("trailer") == "");
}

BOOST_AUTO_TEST_CASE(bad_chunks_are_rejected) {
  for (const char* wrong :
       {"g\r\n", "-1\r\n", "3\nabc\r\n", "3\r\nabcd\r\n", "3\r\nabc\n0\r\n\r\n",
        "fffffffffffffffff\r\n", "3 \r\nabc\r\n", " 3\r\nabc\r\n", "0x3\r\nabc\r\n", "\r\n"}) {
    BOOST_TEST(parse_chunked(wrong) == 400, wrong);
  }
}

BOOST_AUTO_TEST_CASE(sizes_have_limits) {
  BOOST_TEST(parse_chunked("5\r\nabcde\r\n0\r\n\r\n", 5) == 0);
  BOOST_TEST(parse_chunked("6\r\nabcdef\r\n0\r\n\r\n", 5) == 413);
  std::string crumbs;
  while (crumbs.size() <= 2 * 65536) crumbs += "1;" + std::string(100, 'x') + "\r\na\r\n";
  BOOST_TEST(parse_chunked(crumbs, 1'000'000) == 413);
  BOOST_TEST(parse_chunked("0\r\nT: " + std::string(70'000, 'x') + "\r\n\r\n") == 413);
}

BOOST_AUTO_TEST_SUITE_END()
