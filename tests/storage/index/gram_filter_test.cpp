#include "storage/index/gram_filter.h"

#include <boost/test/unit_test.hpp>
#include <random>
#include <string>
#include <vector>

using namespace picortex;

namespace {

std::string_view view(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

constexpr std::string_view kWordLetters = "ghijklmnopqrstuvwxyz";

std::string random_text(std::mt19937& random, std::string_view letters, std::size_t size) {
  std::string text;
  while (text.size() < size) text += letters[random() % letters.size()];
  return text;
}

// A filter of 512 texts, each with some of a few words and a random ID.
GramFilter filter_of_rows(std::mt19937& random, const std::vector<std::string>& words,
                          std::string_view id_letters) {
  GramFilter filter;
  for (int row = 0; row < 512; ++row) {
    std::string text = R"({"id":")" + random_text(random, id_letters, 32) + R"(","text":")";
    for (int word = 0; word < 8; ++word) text += words[random() % words.size()] + ' ';
    filter.add(text + "\"}");
  }
  return filter;
}

std::vector<std::string> random_words(std::mt19937& random) {
  std::vector<std::string> words;
  while (words.size() < 40) words.push_back(random_text(random, kWordLetters, 3 + random() % 6));
  return words;
}

// Of 1,000 texts of `size` letters that are nowhere those that are taken for possible.
int taken_for_possible(GramFilter& filter, std::mt19937& random, std::size_t size) {
  const auto bits = view(filter.bytes());
  int count = 0;
  for (int i = 0; i < 1000; ++i) {
    count += GramPlaces(random_text(random, kWordLetters, size)).are_in(bits);
  }
  return count;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(gram_filter)

BOOST_AUTO_TEST_CASE(has_every_part_of_what_was_added) {
  std::mt19937 random(1);
  for (const std::string_view letters : {"0123456789abcdef-.:", "xyz\xc3\xa9 ABC09", "{}\": g7"}) {
    GramFilter filter;
    std::vector<std::string> texts;
    for (int i = 0; i < 300; ++i) {
      texts.push_back(random_text(random, letters, random() % 200));
      filter.add(texts.back());
    }
    const auto bits = view(filter.bytes());
    for (const std::string& text : texts) {
      const std::size_t from = text.empty() ? 0 : random() % text.size();
      BOOST_TEST(GramPlaces(text.substr(from, random() % 40)).are_in(bits));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_word_of_four_letters_that_is_nowhere_is_found_to_be_so) {
  std::mt19937 random(2);
  const auto words = random_words(random);
  GramFilter filter = filter_of_rows(random, words, "0123456789abcdef");
  BOOST_TEST(filter.bytes().back() == GramFilter::kPlacesMax);
  BOOST_TEST(taken_for_possible(filter, random, 4) < 20);
  BOOST_TEST(taken_for_possible(filter, random, 8) == 0);
}

BOOST_AUTO_TEST_CASE(random_ids_of_letters_leave_half_of_the_bits_free) {
  std::mt19937 random(3);
  const auto words = random_words(random);
  GramFilter filter = filter_of_rows(random, words, "0123456789abcdefghijklmnopqrstuvwxyz");
  BOOST_TEST(filter.bytes().back() < GramFilter::kPlacesMax);
  BOOST_TEST(taken_for_possible(filter, random, 4) < 500);
  BOOST_TEST(taken_for_possible(filter, random, 8) < 50);
}

// What earlier versions wrote: one place for each gram, and no last byte.
BOOST_AUTO_TEST_CASE(reads_a_filter_with_one_place_for_each_gram) {
  std::mt19937 random(4);
  GramFilter filter;
  while (view(filter.bytes()).back() != 1) filter.add(random_text(random, kWordLetters, 5000));
  filter.add("what was received");
  const auto bits = view(filter.bytes());
  const auto old = bits.substr(0, bits.size() - 1);
  BOOST_TEST(GramPlaces("was received").are_in(old));
  GramFilter empty;
  const auto nothing = view(empty.bytes());
  BOOST_TEST(!GramPlaces("was received").are_in(nothing.substr(0, nothing.size() - 1)));
}

BOOST_AUTO_TEST_CASE(what_is_no_filter_may_have_anything) {
  GramFilter filter;
  std::string bits(view(filter.bytes()));
  const GramPlaces places("word");
  BOOST_TEST(!places.are_in(bits));
  for (const char none : {'\0', '\5', '\xff'}) {
    bits.back() = none;
    BOOST_TEST(places.are_in(bits));
  }
  BOOST_TEST(places.are_in(""));
  BOOST_TEST(places.are_in(bits.substr(1, 100)));
}

BOOST_AUTO_TEST_SUITE_END()
