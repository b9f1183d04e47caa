#include "handlers/http/head_scanner.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

using namespace picortex::http;
using Answer = HeadScanner::Answer;
using Kind = Answer::Kind;

BOOST_AUTO_TEST_SUITE(head_scanner)

namespace {

struct Case {
  std::string head;
  int status;  // 0: complete, -1: incomplete
};

std::string repeat(std::string_view text, std::size_t times) {
  std::string result;
  while (times-- > 0) result += text;
  return result;
}

std::string with_fields(const std::string& fields) {
  return "GET / HTTP/1.1\r\n" + fields + "\r\n";
}

// "GET /xxx HTTP/1.1" of that size, its CRLF not counted.
std::string line_of(std::size_t size) {
  return "GET /" + std::string(size - 14, 'x') + " HTTP/1.1\r\n";
}

// A whole head of that size.
std::string head_of(std::size_t size) {
  return with_fields("a: " + std::string(size - 23, 'x') + "\r\n");
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
      {"GET / HTTP/1.1\r\n\r\n", 0},
      {"OPTIONS * HTTP/1.0\r\nA:\tb\r\n\r\n", 0},
      {"\r\n\r\nGET / HTTP/1.1\r\n\r\n", 0},
      {repeat("\r\n", 50) + "GET / HTTP/1.1\r\n\r\n", 0},
      {repeat("\r\n", 51) + "GET / HTTP/1.1\r\n\r\n", 400},
      {with_fields("A: \xc3\xa9\xff\r\n"), 0},
      {line_of(8191) + "\r\n", 0},
      {line_of(8192) + "\r\n", 414},
      {std::string(9000, 'G'), 414},
      {head_of(16384), 0},
      {head_of(16390), 431},
      {with_fields(repeat("a:b\r\n", 100)), 0},
      {with_fields(repeat("a:b\r\n", 101)), 431},
      {"GET / HTTP/1.1", -1},
      {"GET / HTTP/1.1\r\nHost: a\r\n", -1},
      {"GET / HTTP/1.1\r", -1},
      {"", -1},
      {"GET / HTTP/1.1\nHost: a\n\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", 400},
      {"GET /\tx HTTP/1.1\r\n\r\n", 400},
      {std::string("GET /\0 HTTP/1.1\r\n\r\n", 19), 400},
      {with_fields(std::string("A: \0\r\n", 6)), 400},
      {with_fields("A: \x7f\r\n"), 400},
      {with_fields("A: b\r\n folded\r\n"), 400},
      {with_fields("A: b\r\n\tfolded\r\n"), 400},
      {with_fields(" A: b\r\n"), 400},
      {"GET /\xc3\xa9 HTTP/1.1\r\n\r\n", 400},
      {"GET  / HTTP/1.1\r\n\r\n", 400},
      {"GET / x HTTP/1.1\r\n\r\n", 400},
      {"GET /\r\n\r\n", 400},
      {"GET\r\n\r\n", 400},
      {" GET / HTTP/1.1\r\n\r\n", 400},
      {"G(T / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1 \r\n\r\n", 400},
      {"GET / http/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.10\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\n\r\n", 505},
      {"GET / HTTP/0.9\r\n\r\n", 505},
      {"BREW / HTTP/1.1\r\n\r\n", 501},
      {"get / HTTP/1.1\r\n\r\n", 501},
      {"CONNECT a:1 HTTP/1.1\r\n\r\n", 501},
      {"PRI * HTTP/2.0\r\n\r\n", 505},
  };
  return all;
}

void expect(const Answer& answer, const Case& wanted) {
  const int status = answer.kind == Kind::complete   ? 0
                     : answer.kind == Kind::rejected ? answer.status
                                                     : -1;
  BOOST_TEST(status == wanted.status, wanted.head.substr(0, 80));
  if (answer.kind == Kind::complete) BOOST_TEST(answer.size == wanted.head.size());
  if (answer.kind == Kind::rejected) BOOST_TEST(std::string(answer.reason) != "");
}

}  // namespace

BOOST_AUTO_TEST_CASE(says_of_each_head_what_it_is) {
  for (const Case& each : cases()) expect(HeadScanner().scan(each.head), each);
}

BOOST_AUTO_TEST_CASE(says_the_same_wherever_the_head_is_cut) {
  for (const Case& each : cases()) {
    const std::size_t step = each.head.size() > 1000 ? 61 : 1;
    for (std::size_t cut = 0; cut < each.head.size(); cut += step) {
      HeadScanner scanner;
      const Answer first = scanner.scan(std::string_view(each.head).substr(0, cut));
      // An early rejection has the same status.
      expect(first.kind == Kind::incomplete ? scanner.scan(each.head) : first, each);
    }
  }
}

BOOST_AUTO_TEST_CASE(says_the_same_byte_by_byte) {
  for (const Case& each : cases()) {
    HeadScanner scanner;
    Answer answer{.kind = Kind::incomplete};
    for (std::size_t size = 1; size <= each.head.size() && answer.kind == Kind::incomplete;
         ++size) {
      answer = scanner.scan(std::string_view(each.head).substr(0, size));
    }
    expect(answer, each);
  }
}

BOOST_AUTO_TEST_CASE(takes_nothing_after_the_head) {
  const std::string head = "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
  HeadScanner scanner;
  const Answer answer = scanner.scan(head + "\x01\nbody");
  BOOST_TEST((answer.kind == Kind::complete));
  BOOST_TEST(answer.size == head.size());
  BOOST_TEST(scanner.start() == 2u);
}

BOOST_AUTO_TEST_SUITE_END()
