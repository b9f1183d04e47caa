#include "netfilter/wire/http_host.h"

#include <boost/test/unit_test.hpp>

#include "tests/netfilter/bytes.h"

using namespace picortex;
using namespace picortex::test;

BOOST_AUTO_TEST_SUITE(http_host)

using enum picortex::HttpHeadStatus;

namespace {

HttpHeadStatus read_whole(const std::string& stream, HttpHead& head) {
  HttpHeadReader reader;
  return reader.read(bytes_of(stream), head);
}

HttpHeadStatus status_of(const std::string& stream) {
  HttpHead head;
  return read_whole(stream, head);
}

}  // namespace

BOOST_AUTO_TEST_CASE(finds_the_host_and_the_ends_of_head_and_body) {
  const std::string text =
      "POST /a?b HTTP/1.1\r\nhOST: \tExample.COM:80 \r\nContent-Length: 5\r\nX: \r\n\r\n";
  HttpHead head;
  BOOST_TEST((read_whole(text + "helloGET / ", head) == host));
  BOOST_TEST(head.host.view() == "example.com");
  BOOST_TEST(head.port == 80);
  BOOST_TEST(head.head_size == text.size());
  BOOST_TEST(head.content_size == 5u);
}

BOOST_AUTO_TEST_CASE(reads_a_head_that_arrives_byte_by_byte) {
  const std::string text = "GET http://example.com/x HTTP/1.1\r\nHost: example.com\r\n\r\n";
  HttpHeadReader reader;
  HttpHead head;
  for (std::size_t size = 0; size < text.size(); ++size) {
    BOOST_TEST((reader.read(bytes_of(text).first(size), head) == need_more), size);
  }
  BOOST_TEST((reader.read(bytes_of(text), head) == host));
  BOOST_TEST(head.host.view() == "example.com");
}

BOOST_AUTO_TEST_CASE(takes_the_forms_of_target_that_are_not_a_way_around) {
  for (const char* target :
       {"/", "*", "http://example.com", "HTTP://EXAMPLE.com/", "http://example.com?x"}) {
    const std::string text =
        std::string("GET ") + target + " HTTP/1.1\r\nHost: example.com\r\n\r\n";
    BOOST_TEST((status_of(text) == host), target);
  }
  for (const char* target :
       {"http://evil.test/", "http://example.com@evil.test/", "https://example.com/",
        "http://example.com:81/", "http://", "http:///", "example.com:80", "x",
        "http://example.com\\evil.test/", "http://example.com evil"}) {
    const std::string text =
        std::string("GET ") + target + " HTTP/1.1\r\nHost: example.com\r\n\r\n";
    BOOST_TEST((status_of(text) == malformed), target);
  }
  BOOST_TEST(
      (status_of("CONNECT example.com:80 HTTP/1.1\r\nHost: example.com\r\n\r\n") == malformed));
}

BOOST_AUTO_TEST_CASE(says_when_there_is_no_host) {
  BOOST_TEST((status_of("GET / HTTP/1.0\r\n\r\n") == none));
  BOOST_TEST((status_of("GET http://example.com/ HTTP/1.1\r\n\r\n") == malformed));
}

BOOST_AUTO_TEST_CASE(denies_what_two_parsers_may_read_in_two_ways) {
  for (const std::string_view fields :
       {"Host: a.b\r\nHost: a.b\r\n",
        "Host: a.b\r\nhost: evil.test\r\n",
        "Host : a.b\r\n",
        "Host: a.b\r\n folded\r\n",
        " Host: a.b\r\n",
        "Host: a.b\nX: y\r\n",
        "Host: a.b\rX: y\r\n",
        "Host: a.b, evil.test\r\n",
        "Host: a.b evil.test\r\n",
        "Host: a.b:x\r\n",
        "Host: a.b:\r\n",
        "Host: a.b:0\r\n",
        "Host: a.b:99999\r\n",
        "Host:\r\n",
        "Host: u@a.b\r\n",
        "Host: a.b/evil\r\n",
        ": x\r\nHost: a.b\r\n",
        "x\r\nHost: a.b\r\n",
        "Host: a.b\r\nContent-Length: 1\r\nContent-Length: 1\r\n",
        "Host: a.b\r\nContent-Length: -1\r\n",
        "Host: a.b\r\nContent-Length: +1\r\n",
        "Host: a.b\r\nContent-Length: 1,1\r\n",
        "Host: a.b\r\nContent-Length:\r\n",
        "Host: a.b\r\nContent-Length: 99999999999999999999\r\n",
        "Host: a.b\r\nTransfer-Encoding: gzip, chunked\r\n",
        "Host: a.b\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n",
        "Host: a.b\r\ntransfer-encoding:\r\n",
        "Host: a.b\r\nX: \x01\r\n",
        "Host: a.b\r\nX\xc3\xa9: y\r\n"}) {
    BOOST_TEST((status_of("GET / HTTP/1.1\r\n" + std::string(fields) + "\r\n") == malformed),
               fields);
  }
  BOOST_TEST((status_of(std::string("GET / HTTP/1.1\r\nHost: a.b\0.c\r\n\r\n", 33)) == malformed));
  for (const char* line :
       {"GET  / HTTP/1.1", "GET /", "GET / HTTP/0.9", "GET / HTTP/2.0", "GET / http/1.1",
        "GET\t/ HTTP/1.1", " GET / HTTP/1.1", "G@T / HTTP/1.1", "GET / HTTP/1.1 ",
        "GET / x HTTP/1.1", "PRI * HTTP/2.0", "\r\nGET / HTTP/1.1"}) {
    BOOST_TEST((status_of(std::string(line) + "\r\nHost: a.b\r\n\r\n") == malformed), line);
  }
}

BOOST_AUTO_TEST_CASE(reports_an_address_where_it_is_one) {
  for (const std::string host : {"1.2.3.4", "1.2.3.4:80", "[2001:db8::1]", "[::1]:8080"}) {
    BOOST_TEST((status_of("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n") == address), host);
    BOOST_TEST((status_of("GET / HTTP/1.1\r\nhost:" + host + "\r") == address), host);
  }
  for (const std::string host : {"1.2.3", "[", "[]", "[1.2.3.4", "[a.b]", ":80", "2001:db8::1"}) {
    BOOST_TEST((status_of("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n") != address), host);
  }
  // Named a second time, and in the target.
  BOOST_TEST((status_of("GET / HTTP/1.1\r\nHost: a.b\r\nHost: 1.2.3.4\r\n\r\n") == malformed));
  BOOST_TEST((status_of("GET http://1.2.3.4/ HTTP/1.1\r\nHost: 1.2.3.4\r\n\r\n") == malformed));
}

BOOST_AUTO_TEST_CASE(knows_by_the_first_bytes_what_is_not_http) {
  for (const std::string text : {"\x16\x03\x01", " ", "SSH-2.0-OpenSSH_9.2\r\n", "\n"}) {
    BOOST_TEST((status_of(text) == malformed), text);
  }
  BOOST_TEST((status_of(std::string(33, 'A')) == malformed));
  BOOST_TEST((status_of("") == need_more));
}

BOOST_AUTO_TEST_CASE(names_the_host_before_the_head_is_whole) {
  for (const char* text : {"GET / HTTP/1.1\r\nHost: evil.test\r", "GET http://evil.test/",
                           "GET http://evil.test HTTP/1.1\r\nX: ",
                           "POST / HTTP/1.0\r\nX: y\r\nhost:evil.test\r\nEndless: "}) {
    HttpHead head;
    HttpHeadReader reader;
    BOOST_TEST((reader.read(bytes_of(text), head) == need_more), text);
    BOOST_TEST(head.host.view() == "evil.test", text);
    BOOST_TEST((reader.read(bytes_of(text), head) == need_more), text);
    BOOST_TEST(head.host.empty(), text);
  }
  HttpHead head;
  BOOST_TEST((read_whole("GET http://evil.test", head) == need_more));
  BOOST_TEST((read_whole("GET / HTTP/1.1\r\nHost: evil.test", head) == need_more));
  BOOST_TEST(head.host.empty());
}

BOOST_AUTO_TEST_CASE(waits_for_nothing_that_cannot_become_a_head) {
  const std::string line = "GET / HTTP/1.1\r\n";
  for (const std::string& text :
       {std::string("text of any kind"), std::string("GET / text"), std::string("GET text"),
        std::string("GET  "), std::string("CONNECT "), std::string("GET http://a.b:x/"),
        std::string("GET / HTTP/2"), line + "two words", line + "X\x80",
        line + std::string(257, 'x'), line + "Host: " + std::string(600, 'x'),
        line + "Host: a.b\r\nHost: a.b\r", std::string("GET http://a.b/ HTTP/1.1\r\nHost: c.d\r"),
        "GET /" + std::string(kHttpRequestLineSizeMax, 'x'),
        "GET http://" + std::string(300, 'x')}) {
    BOOST_TEST((status_of(text) == malformed), text);
  }
  for (const std::string& text :
       {std::string("GET"), std::string("GET "), std::string("GET h"), std::string("GET HTTP:/"),
        std::string("GET /a HTT"), line + "X", line + "Host: " + std::string(200, 'x')}) {
    BOOST_TEST((status_of(text) == need_more), text);
  }
}

BOOST_AUTO_TEST_CASE(waits_for_no_more_than_16_kib) {
  const std::string start = "GET / HTTP/1.1\r\nHost: a.b\r\nX: ";
  const std::string fitting = start + std::string(kHttpHeadSizeMax - start.size() - 4, 'x');
  BOOST_TEST((status_of(fitting + "\r\n\r\n") == host));
  BOOST_TEST((status_of(fitting + "\r\n\r") == need_more));
  BOOST_TEST((status_of(fitting + "x\r\n\r\n") == malformed));
  BOOST_TEST((status_of(fitting + "xxxx") == malformed));
}

BOOST_AUTO_TEST_SUITE_END()
