#include "cli/run/secret_mask.h"

#include <boost/test/unit_test.hpp>
#include <vector>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(secret_mask)

namespace {

// The arguments with a bar between them.
std::string masked(const std::vector<std::string>& arguments) {
  SecretMask mask;
  std::string out;
  for (const std::string& argument : arguments)
    out += (out.empty() ? "" : "|") + mask.mask(argument);
  return out;
}

}  // namespace

BOOST_AUTO_TEST_CASE(values_of_options_and_variables_with_reporting_names) {
  BOOST_TEST(masked({"run", "--password", "hunter2", "x"}) == "run|--password|***|x");
  BOOST_TEST(masked({"run", "--api-key=abc", "x"}) == "run|--api-key=***|x");
  BOOST_TEST(masked({"env", "GITHUB_TOKEN=abc", "DB_PASSWORD=x y", "true"}) ==
             "env|GITHUB_TOKEN=***|DB_PASSWORD=*** y|true");
  BOOST_TEST(masked({"run", "--client_secret", "s", "--auth", "a"}) ==
             "run|--client_secret|***|--auth|***");
  BOOST_TEST(masked({"run", "--token", "--verbose"}) == "run|--token|--verbose");
}

BOOST_AUTO_TEST_CASE(headers_and_urls) {
  BOOST_TEST(masked({"curl", "-H", "Authorization: Bearer abc", "https://h/"}) ==
             "curl|-H|Authorization: Bearer ***|https://h/");
  BOOST_TEST(masked({"curl", "-H", "X-Api-Key:abc", "-H", "Cookie: a=1"}) ==
             "curl|-H|X-Api-Key:***|-H|Cookie: ***");
  BOOST_TEST(masked({"curl", "-u", "me:pass", "--user", "you:pass"}) ==
             "curl|-u|me:***|--user|you:***");
  BOOST_TEST(masked({"git", "clone", "https://me:pass@example.org/x:y@z"}) ==
             "git|clone|https://me:***@example.org/x:y@z");
  BOOST_TEST(masked({"git", "clone", "https://tok@example.org/"}) ==
             "git|clone|https://***@example.org/");
  BOOST_TEST(masked({"psql", "--dbname=postgres://me:pass@h/db"}) ==
             "psql|--dbname=postgres://me:***@h/db");
  BOOST_TEST(masked({"curl", "https://h/a?x=1&access_token=abc&y=2"}) ==
             "curl|https://h/a?x=1&access_token=***&y=2");
}

BOOST_AUTO_TEST_CASE(forms_of_well_known_tokens) {
  for (const char* token :
       {"sk-made-up-0123456789abcdef", "ghp_0123456789abcdefghij", "AKIAIOSFODNN7EXAMPLE",
        "xoxb-123456789012-abcdef", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdef-_123",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY12"}) {
    BOOST_TEST(masked({"run", token}) == "run|***", token);
    BOOST_TEST(masked({"run", "--x=" + std::string(token)}) == "run|--x=***", token);
  }
}

BOOST_AUTO_TEST_CASE(scripts_in_one_argument) {
  BOOST_TEST(
      masked({"sh", "-c", "export API_TOKEN='abc'; curl -H \"Authorization: Bearer x\" h"}) ==
      "sh|-c|export API_TOKEN='***'; curl -H \"Authorization: Bearer ***\" h");
  BOOST_TEST(masked({"sh", "-c", "login --password\nls -l"}) == "sh|-c|login --password\nls -l");
}

BOOST_AUTO_TEST_CASE(what_is_no_secret_stays) {
  for (const char* plain :
       {"make", "-j2", "--max-tokens=100", "--tokenizer=x", "--password-file=/run/x",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", "01a22379-65bb-761c-8d1d-6f6fc2c6e099",
        "/usr/lib/x86_64-linux-gnu/libPicortexVersion2.so", "https://example.org/a/b?x=1", "a:b",
        "", "--author=me", "claude-3-5-sonnet-20241022", "=", "a=b=c",
        "12345678901234567890123456"}) {
    BOOST_TEST(masked({"run", plain}) == "run|" + std::string(plain), plain);
  }
}

BOOST_AUTO_TEST_SUITE_END()
