// Prints a page that is made from the declarations of options: see reference_page.h.
#include <cstdio>
#include <string>
#include <string_view>

#include "daemon/config/reference_page.h"

int main(int count, char** arguments) {
  const std::string_view wanted = count == 2 ? arguments[1] : "";
  std::string page;
  if (wanted == "configuration.md") page = picortex::configuration_page();
  if (wanted == "picortex.conf.5") page = picortex::configuration_man_page();
  if (page.empty()) {
    std::fputs("usage: generate_reference configuration.md|picortex.conf.5\n", stderr);
    return 2;
  }
  return std::fwrite(page.data(), 1, page.size(), stdout) == page.size() ? 0 : 1;
}
