#include "handlers/http/middleware/named_tokens.h"

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "tests/support/http_fixture.h"

using namespace picortex;
using http::Scope;

namespace {

struct TokensFixture {
  test::TemporaryDirectory directory;
  const std::string path = directory.path + "/tokens";

  void write(const std::string& text, mode_t mode = 0600) {
    std::ofstream(path) << text;
    chmod(path.c_str(), mode);
  }
  Result<void> add(const std::string& name) {
    return edit_named_tokens(directory.path, [&](std::vector<NamedToken>& tokens) -> Result<void> {
      tokens.push_back({name, {Scope::read}, 1'700'000'000'000, digest_of(name)});
      return {};
    });
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(named_tokens, TokensFixture)

BOOST_AUTO_TEST_CASE(no_file_is_no_tokens) {
  BOOST_TEST(load_named_tokens(directory.path)->empty());
}

BOOST_AUTO_TEST_CASE(what_was_written_is_read_and_is_no_secret) {
  const std::string secret = make_token_secret();
  BOOST_TEST(secret.starts_with("picortex_"));
  BOOST_TEST(secret.size() == 52u);
  BOOST_TEST(secret != make_token_secret());
  const auto edited =
      edit_named_tokens(directory.path, [&](std::vector<NamedToken>& tokens) -> Result<void> {
        tokens.push_back({"agent", {Scope::telemetry}, 1'700'000'000'123, digest_of(secret)});
        return {};
      });
  BOOST_REQUIRE(edited.has_value());
  const auto tokens = load_named_tokens(directory.path);
  BOOST_REQUIRE(tokens.has_value());
  BOOST_REQUIRE(tokens->size() == 1u);
  const NamedToken& token = tokens->front();
  BOOST_TEST(token.name == "agent");
  BOOST_TEST(token.scopes.text() == "telemetry");
  BOOST_TEST(token.created_ms == 1'700'000'000'123);
  BOOST_TEST((token.digest == digest_of(secret)));
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  BOOST_TEST(text.find(secret) == std::string::npos);
  struct stat status {};
  BOOST_REQUIRE(stat(path.c_str(), &status) == 0);
  BOOST_TEST((status.st_mode & 0777) == 0600u);
}

BOOST_AUTO_TEST_CASE(a_change_that_fails_writes_nothing) {
  BOOST_REQUIRE(add("one").has_value());
  const auto edited =
      edit_named_tokens(directory.path, [](std::vector<NamedToken>& tokens) -> Result<void> {
        tokens.clear();
        return failure("no");
      });
  BOOST_TEST(edited.error().what == "no");
  BOOST_TEST(load_named_tokens(directory.path)->size() == 1u);
}

BOOST_AUTO_TEST_CASE(changes_at_the_same_time_take_turns) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([this, i] {
      if (!add("t" + std::to_string(i))) std::abort();
    });
  }
  threads.clear();
  BOOST_TEST(load_named_tokens(directory.path)->size() == 16u);
}

BOOST_AUTO_TEST_CASE(a_file_that_says_something_else_is_an_error_that_names_the_line) {
  const std::string digest(64, 'a');
  const std::string good = "a read 2026-11-28T10:00:00.000Z " + digest + "\n";
  write("# comment\n\n" + good);
  BOOST_TEST(load_named_tokens(directory.path)->size() == 1u);
  for (const std::string& bad :
       {std::string("a\n"), "a read now " + digest + "\n",
        "a all 2026-11-28T10:00:00.000Z " + digest, "a/b read 2026-11-28T10:00:00.000Z " + digest,
        good.substr(0, good.size() - 2),
        "a read 2026-11-28T10:00:00.000Z " + std::string(64, 'g') + "\n"}) {
    write(good + bad);
    const auto loaded = load_named_tokens(directory.path);
    BOOST_REQUIRE_MESSAGE(!loaded, bad);
    BOOST_TEST(loaded.error().what.find("tokens:2 ") != std::string::npos, loaded.error().what);
  }
}

BOOST_AUTO_TEST_CASE(too_many_tokens_are_an_error) {
  std::string text;
  for (std::size_t i = 0; i <= kNamedTokensMax; ++i) {
    text +=
        "t" + std::to_string(i) + " read 2026-11-28T10:00:00.000Z " + std::string(64, '0') + "\n";
  }
  write(text);
  BOOST_TEST(load_named_tokens(directory.path).error().what.find("too many") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_file_that_others_may_read_is_rejected) {
  write("", 0640);
  BOOST_TEST(load_named_tokens(directory.path).error().what.find("chmod 600") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_bearer_is_taken_from_its_header) {
  BOOST_TEST(bearer_of("Bearer x") == "x");
  BOOST_TEST(bearer_of("bEARER   x y") == "x y");
  for (const char* header : {"", "Bearer", "Bearer ", "Basic x", "Bearerx"}) {
    BOOST_TEST(bearer_of(header).empty(), header);
  }
}

BOOST_AUTO_TEST_SUITE_END()
