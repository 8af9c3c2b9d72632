// SPDX-License-Identifier: Apache-2.0
// The public headers, as docs/headers.md lists them: each compiles alone.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "peal/testing.h"
#include "tests/support/program.h"
#include "tests/support/source_tree.h"

namespace peal {
namespace {

// The first column of the table.
std::vector<std::string> listed_headers() {
  std::vector<std::string> result;
  for (const std::string& line : lines_of(source_text("docs/headers.md"))) {
    if (line.starts_with("| `peal/")) result.push_back(parts_of(line, '`')[1]);
  }
  return result;
}

TEST(PublicHeaders, AreListed) {
  const std::vector<std::string> listed = listed_headers();
  const Names names(listed.begin(), listed.end());
  EXPECT_EQ(names.size(), listed.size());
  for (const char* header : {"peal/peal.h", "peal/testing.h"}) {
    EXPECT_TRUE(names.contains(header));
    for (const std::string& include : includes_of(source_text(header))) {
      if (include.starts_with("peal/launch/check_kernel")) continue;  // by peal/testing.h alone
      EXPECT_TRUE(names.contains(include)) << header << " includes " << include;
    }
  }
  for (const std::string& name : names) EXPECT_TRUE(source_paths().contains(name)) << name;
}

TEST(PublicHeaders, HaveWhatTestsNeed) {
  const Kernel idle{.name = "idle", .run = [](Device&, const KernelArguments&) {}};
  EXPECT_TRUE(check(idle, {.ranks = 2}).is_clean());
  EXPECT_TRUE(std::string_view(PEAL_VERSION).starts_with("0."));
}

TEST(LongPublicHeaders, CompileAlone) {
  for (const std::string& header : listed_headers()) {
    const Finished finished = run_program(
        "sh", fmt::format("-c 'echo \"#include \\\"{}\\\"\" | c++ -std=c++20 -Wall -Wextra -Werror "
                          "-fsyntax-only -I. -x c++ -'",
                          header));
    EXPECT_EQ(finished.code, 0) << header << ": " << finished.err;
  }
}

}  // namespace
}  // namespace peal
