// SPDX-License-Identifier: Apache-2.0
// The folders of platform files: which file of a name is taken.
#include "peal/launch/platforms.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "peal/base/error.h"
#include "peal/launch/launch.h"
#include "tests/support/environment_variable.h"
#include "tests/support/program.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

class PlatformFolders : public testing::Test {
 protected:
  // Two folders with platform files, each with a description that says which one it is.
  void SetUp() override {
    for (const char* name :
         {"first/of_both", "first/of_first", "second/of_both", "second/of_second", "second/a2a3"}) {
      fs::create_directories(fs::path(folder_.path(name)).parent_path());
      std::string text = file_text(PEAL_SOURCE_DIR "/platforms/a2a3.toml");
      const std::size_t at = text.find("description = \"");
      ASSERT_NE(at, std::string::npos);
      text.replace(at, text.find('\n', at) - at, std::string("description = \"") + name + "\"");
      std::ofstream(folder_.path(std::string(name) + ".toml")) << text;
    }
  }
  // Paths of the folders, "1" and "2" in `pattern`.
  [[nodiscard]] std::string path(const std::string& pattern) const {
    std::string result;
    for (const char c : pattern) {
      result += c == '1'   ? folder_.path("first")
                : c == '2' ? folder_.path("second")
                           : std::string{c};
    }
    return result;
  }
  // The description of the file that is taken for a target, or why none is.
  [[nodiscard]] std::string taken(const std::string& pattern, const std::string& target) const {
    const EnvironmentVariable folders("PEAL_PLATFORM_PATH", path(pattern));
    try {
      return load_platform(target).description;
    } catch (const UsageError& error) {
      return error.what();
    }
  }
  [[nodiscard]] std::vector<std::string> names(const std::string& pattern) const {
    const EnvironmentVariable folders("PEAL_PLATFORM_PATH", path(pattern));
    return target_names();
  }
  static std::string missing(const std::string& target) {
    return "platform file `" + target + ".toml` is not found; set PEAL_PLATFORM_PATH to its folder";
  }

  TemporaryFolder folder_;
  const EnvironmentVariable no_root_{"PEAL_ROOT", std::nullopt};
};

TEST_F(PlatformFolders, TheFirstThatHoldsAFileOfTheNameWins) {
  EXPECT_EQ(taken("1:2", "of_both"), "first/of_both");
  EXPECT_EQ(taken("2:1", "of_both"), "second/of_both");
  EXPECT_EQ(taken("1:2", "of_first"), "first/of_first");
  EXPECT_EQ(taken("1:2", "of_second"), "second/of_second");
  EXPECT_EQ(taken("1", "of_second"), missing("of_second"));
}

TEST_F(PlatformFolders, ThoseOfTheVariableComeBeforeTheInstalledOnes) {
  EXPECT_EQ(taken("1:2", "a2a3"), "second/a2a3");
  EXPECT_TRUE(taken("1", "a2a3").starts_with("Ascend A2/A3"));
  EXPECT_TRUE(taken("1:2", "a5").starts_with("Ascend")) << taken("1:2", "a5");
}

TEST_F(PlatformFolders, AllNamesAreListedOnceInOrder) {
  const std::vector<std::string> usual = names("");
  EXPECT_TRUE(std::find(usual.begin(), usual.end(), "a2a3") != usual.end());
  std::vector<std::string> expected = usual;
  for (const char* name : {"of_both", "of_first", "of_second"}) expected.emplace_back(name);
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(names("1:2"), expected);
  EXPECT_EQ(names("2:1:2"), expected);
}

// An empty entry is not the current folder, as it is in PATH.
TEST_F(PlatformFolders, EmptyEntriesAndWhatIsNoFolderAreSkipped) {
  std::ofstream(folder_.path("file")) << "no folder";
  for (const char* pattern : {"1", ":1", "1:", "::1::", "/no/such/folder:1"}) {
    EXPECT_EQ(taken(pattern, "of_first"), "first/of_first") << pattern;
    EXPECT_EQ(names(pattern), names("1")) << pattern;
  }
  EXPECT_EQ(taken(folder_.path("file") + ":2", "of_both"), "second/of_both");
  for (const char* pattern : {"", ":", "/no/such/folder"}) {
    EXPECT_EQ(names(pattern), names("")) << pattern;
    EXPECT_EQ(taken(pattern, "of_first"), missing("of_first")) << pattern;
    EXPECT_EQ(code_of_child([&] {
                fs::current_path(folder_.path("first"));
                return taken(pattern, "of_first") == missing("of_first") ? 7 : 1;
              }),
              7)
        << pattern;
  }
}

TEST_F(PlatformFolders, ATargetIsANameAndNoPath) {
  const EnvironmentVariable folders("PEAL_PLATFORM_PATH", path("1"));
  EXPECT_TRUE(is_target("of_first"));
  EXPECT_FALSE(is_target("of_second"));
  EXPECT_FALSE(is_target("../second/of_second"));
  EXPECT_FALSE(is_target("of_firstsim"));
  EXPECT_EQ(platform_meant("of_first"), "of_firstsim");
  EXPECT_EQ(simulated_target("of_firstsim").description, "first/of_first");
  EXPECT_EQ(load_platform(folder_.path("second/of_second.toml")).description, "second/of_second");
}

}  // namespace
}  // namespace peal
