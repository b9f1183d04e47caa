#include "cli/client/event_post.h"

#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "tests/cli/reply_server.h"

using namespace picortex;

BOOST_AUTO_TEST_SUITE(event_post)

namespace {

// What becomes of a post of some lines when the daemon answers so.
Result<PostAnswer> answered_by(const std::string& answer) {
  ReplyServer server([&answer](int connection, const std::string&) {
    ReplyServer::send_text(connection, answer);
  });
  return EventPost(server.address(), {"secret", getuid()}).post_partly("{}\n{}\n");
}

std::string reply(const std::string& status, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

}  // namespace

BOOST_AUTO_TEST_CASE(says_which_lines_were_rejected_and_why) {
  const auto none = answered_by(reply("200 OK", R"({"accepted":2,"duplicates":0,"rejected":[]})"));
  BOOST_REQUIRE(none.has_value());
  BOOST_TEST(none->rejected.empty());
  const auto one = answered_by(
      reply("200 OK", R"({"accepted":1,"duplicates":0,"rejected":[{"index":1,"reason":"bad"}]})"));
  BOOST_REQUIRE(one.has_value());
  BOOST_REQUIRE(one->rejected.size() == 1u);
  BOOST_TEST(one->rejected[0].index == 1u);
  BOOST_TEST(one->rejected[0].reason == "bad");
}

BOOST_AUTO_TEST_CASE(an_answer_that_does_not_say_what_is_stored_is_an_error) {
  for (const char* body :
       {"", "{}", "{\"rejected\":1}", "{\"rejected\":[{\"index\":-1}]}", "nonsense"}) {
    const auto answer = answered_by(reply("200 OK", body));
    BOOST_REQUIRE(!answer.has_value());
    BOOST_TEST(answer.error().what.find("did not say what it has stored") != std::string::npos,
               body);
  }
}

BOOST_AUTO_TEST_CASE(an_answer_that_is_no_success_is_an_error_with_its_status) {
  const auto answer = answered_by(reply("503 Service Unavailable", "{}"));
  BOOST_REQUIRE(!answer.has_value());
  BOOST_TEST(answer.error().what.find("503") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
