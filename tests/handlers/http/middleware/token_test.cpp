#include "handlers/http/middleware/token.h"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace picortex;

namespace {

// A data directory of its own, gone at the end.
struct TokenFixture {
  std::filesystem::path dir;
  std::filesystem::path file;

  TokenFixture() {
    std::string name = (std::filesystem::temp_directory_path() / "picortex-token-XXXXXX").string();
    BOOST_REQUIRE(mkdtemp(name.data()) != nullptr);
    dir = name;
    file = dir / "token";
  }
  ~TokenFixture() { std::filesystem::remove_all(dir); }

  void write(std::string_view text, mode_t mode = 0600) {
    std::ofstream(file, std::ios::binary) << text;
    BOOST_REQUIRE(chmod(file.c_str(), mode) == 0);
  }

  Result<Token> load() { return Token::load_or_create(dir.string()); }

  // The token's text, or the error.
  std::string loaded() {
    const auto token = load();
    return token ? std::string(token->text()) : token.error().what;
  }
};

constexpr std::string_view kText = "0123456789abcdef";

}  // namespace

BOOST_FIXTURE_TEST_SUITE(token, TokenFixture)

BOOST_AUTO_TEST_CASE(the_first_start_makes_a_token_that_the_next_finds) {
  const auto text = loaded();
  BOOST_TEST(text.size() == 43u);
  BOOST_TEST(
      text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
      std::string::npos);
  BOOST_TEST(loaded() == text);
  struct stat status;
  BOOST_REQUIRE(stat(file.c_str(), &status) == 0);
  BOOST_TEST((status.st_mode & 07777) == 0600u);
  BOOST_TEST(std::distance(std::filesystem::directory_iterator(dir), {}) == 1);
  std::filesystem::remove(file);
  BOOST_TEST(loaded() != text);
}

BOOST_AUTO_TEST_CASE(what_a_crash_left_is_not_taken_for_a_token) {
  std::ofstream(dir / ".token.new") << "half";
  BOOST_TEST(loaded().size() == 43u);
  BOOST_TEST(!std::filesystem::exists(dir / ".token.new"));
}

BOOST_AUTO_TEST_CASE(an_owners_token_is_taken_with_or_without_its_newline) {
  for (const auto end : {"", "\n", "\r\n"}) {
    write(std::string(kText) + end);
    BOOST_TEST(loaded() == kText);
  }
  write(std::string(256, 'x') + "\r\n");
  BOOST_TEST(loaded() == std::string(256, 'x'));
}

BOOST_AUTO_TEST_CASE(texts_that_are_no_token_are_rejected) {
  for (const auto& text :
       {std::string(), std::string("\n"), std::string(15, 'x'), std::string(257, 'x'),
        std::string(100'000, 'x'), std::string("0123456789 abcdef"),
        std::string("0123456789abcdef\n\n"), std::string("0123456789abcdef\0", 17),
        std::string("0123456789äbcdef")}) {
    write(text);
    BOOST_TEST(loaded().find("must hold 16 to 256 visible ASCII characters") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(a_file_that_others_may_touch_is_rejected_with_the_remedy) {
  for (const mode_t mode : {0640, 0604, 0620, 0602}) {
    write(kText, mode);
    BOOST_TEST(loaded().find("chmod 600 " + file.string()) != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(a_file_of_another_user_is_rejected) {
  if (geteuid() != 0) {
    BOOST_TEST_MESSAGE("skipped: only root can give a file away");
    return;
  }
  write(kText);
  BOOST_REQUIRE(chown(file.c_str(), 65534, 65534) == 0);
  BOOST_TEST(loaded() == file.string() + " belongs to user 65534: chown 0 " + file.string());
}

BOOST_AUTO_TEST_CASE(only_a_regular_file_is_opened) {
  std::filesystem::create_directory(file);
  BOOST_TEST(loaded().find("is not a regular file") != std::string::npos);
  std::filesystem::remove(file);
  BOOST_REQUIRE(mkfifo(file.c_str(), 0600) == 0);
  BOOST_TEST(loaded().find("is not a regular file") != std::string::npos);
  std::filesystem::remove(file);
  std::ofstream(dir / "other") << kText;
  std::filesystem::create_symlink(dir / "other", file);
  BOOST_TEST(loaded().find("is a symbolic link") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_missing_directory_is_named) {
  const auto missing = (dir / "missing").string();
  const auto token = Token::load_or_create(missing);
  BOOST_REQUIRE(!token.has_value());
  BOOST_TEST(token.error().what.find(missing) != std::string::npos);
  BOOST_TEST(token.error().code == ENOENT);
}

BOOST_AUTO_TEST_CASE(only_bearer_and_the_whole_token_match) {
  write(kText);
  const Token token = *load();
  const std::string text(kText);
  for (const auto& good : {"Bearer " + text, "bearer " + text, "BEARER   " + text}) {
    BOOST_TEST(token.matches(good), good);
  }
  for (const auto& bad :
       {std::string(), std::string("Bearer"), std::string("Bearer "), text, "Basic " + text,
        "Bearer" + text, "Bearer " + text + "x", "Bearer " + text.substr(1),
        "Bearer " + text.substr(0, 15), "Bearer " + text + " ",
        "Bearer " + text + std::string(1, '\0'), "Bearer " + text + std::string(300, 'x'),
        std::string("Bearer 0123456789abcdeF")}) {
    BOOST_TEST(!token.matches(bad), bad);
  }
}

BOOST_AUTO_TEST_SUITE_END()
