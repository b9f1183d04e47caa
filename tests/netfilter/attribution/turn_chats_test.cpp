#include "netfilter/attribution/turn_chats.h"

#include <boost/test/unit_test.hpp>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(turn_chats)

namespace {

Uuid id(std::uint32_t number) {
  Uuid uuid;
  for (int i = 0; i < 4; ++i) uuid.bytes[12 + i] = static_cast<std::uint8_t>(number >> 8 * i);
  uuid.bytes[0] = 1;
  return uuid;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_turns_chat_is_the_one_noted_last) {
  TurnChats chats;
  chats.note(id(1), "a");
  chats.note(id(1), "");  // an event without a chat changes nothing
  chats.note({}, "none");
  BOOST_TEST(chats.find(id(1)) == "a");
  chats.note(id(1), "b");
  BOOST_TEST(chats.find(id(1)) == "b");
  BOOST_TEST(chats.find(id(2)) == "");
  BOOST_TEST(chats.find({}) == "");
  BOOST_TEST(chats.size() == 1u);
}

BOOST_AUTO_TEST_CASE(the_oldest_turn_makes_room) {
  TurnChats chats;
  for (std::uint32_t i = 0; i <= TurnChats::kTurnsMax; ++i) chats.note(id(i), "c");
  BOOST_TEST(chats.size() == TurnChats::kTurnsMax);
  BOOST_TEST(chats.find(id(0)) == "");
  BOOST_TEST(chats.find(id(1)) == "c");
}

BOOST_AUTO_TEST_SUITE_END()
