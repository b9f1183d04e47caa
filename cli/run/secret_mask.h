#pragma once

#include <string>
#include <string_view>

namespace picortex {

// Replaces what looks like a secret in the arguments of a command by "***", for a record that
// others may read:
//   --password X, --api-key=X, TOKEN=X     the value of an option or variable with such a name
//   Authorization: Bearer X, Cookie: X     the value of such a header
//   https://user:X@host, ?token=X          credentials in a URL, and user:X of curl's -u
//   sk-…, ghp_…, AKIA…, eyJ….….…           the forms of well-known tokens, and long random texts
// also within one argument that is a script. It does not find everything: `mysql -pX` stays, and so
// does a short password that nothing announces.
//
// Pass the arguments in their order, since a name may announce the argument after it.
class SecretMask {
 public:
  std::string mask(std::string_view argument);

 private:
  void append_word(std::string& out, std::string_view word);
  bool append_announced(std::string& out, std::string_view word);
  bool append_named(std::string& out, std::string_view word, char separator);
  void append_value(std::string& out, std::string_view value);

  bool next_is_secret_ = false;  // the previous word announced it
  bool next_is_user_ = false;    // user:password follows
};

}  // namespace picortex
