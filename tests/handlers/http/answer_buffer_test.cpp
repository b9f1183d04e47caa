#include "handlers/http/answer_buffer.h"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace picortex;
using http::AnswerBuffer;

BOOST_AUTO_TEST_SUITE(answer_buffer)

BOOST_AUTO_TEST_CASE(what_gathers_during_a_send_leaves_with_the_next) {
  AnswerBuffer answers;
  answers.gathering() += "one";
  BOOST_TEST(answers.begin_sending() == "one");
  answers.gathering() += "two";
  BOOST_TEST(answers.unsent_size() == 6u);
  BOOST_TEST(answers.gathered_size() == 3u);
  BOOST_TEST(answers.note_sent(3).empty());
  BOOST_TEST(answers.unsent_size() == 3u);
  BOOST_TEST(answers.begin_sending() == "two");
}

BOOST_AUTO_TEST_CASE(a_short_send_leaves_the_rest) {
  AnswerBuffer answers;
  answers.gathering() += "abcdef";
  answers.begin_sending();
  BOOST_TEST(answers.note_sent(1) == "bcdef");
  BOOST_TEST(answers.note_sent(4) == "f");
  BOOST_TEST(answers.unsent_size() == 1u);
  BOOST_TEST(answers.note_sent(1).empty());
  BOOST_TEST(answers.unsent_size() == 0u);
}

BOOST_AUTO_TEST_CASE(a_large_buffer_counts_whole_until_it_is_reset) {
  AnswerBuffer answers;
  answers.gathering() += "small";
  BOOST_TEST(answers.held() == 5u);
  answers.gathering().append(2 * http::kKeptCapacity, 'x');
  answers.begin_sending();
  const std::size_t size = answers.unsent_size();
  BOOST_TEST(answers.note_sent(size).empty());
  // It is sent, and its memory still there.
  BOOST_TEST(answers.held() >= size);
  answers.reset();
  BOOST_TEST(answers.held() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
