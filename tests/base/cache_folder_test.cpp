// SPDX-License-Identifier: Apache-2.0
#include "peal/base/cache_folder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <string>

#include "tests/support/environment_variable.h"
#include "tests/support/program.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

// The variables that name the folder, in the order in which they are asked; std::nullopt: not set.
struct FolderVariables {
  std::optional<std::string> peal, xdg, home;
};

template <class Function>
auto with_variables(const FolderVariables& variables, const Function& function) {
  const EnvironmentVariable peal("PEAL_CACHE_DIR", variables.peal);
  const EnvironmentVariable xdg("XDG_CACHE_HOME", variables.xdg);
  const EnvironmentVariable home("HOME", variables.home);
  return function();
}

std::string folder_with(const FolderVariables& variables) {
  return with_variables(variables, cache_folder).value_or("none").string();
}

TEST(CacheFolder, IsThatOfTheFirstVariableThatNamesOne) {
  EXPECT_EQ(folder_with({.peal = "/p", .xdg = "/x", .home = "/h"}), "/p");
  EXPECT_EQ(folder_with({.peal = "/p", .xdg = {}, .home = {}}), "/p");
  EXPECT_EQ(folder_with({.peal = {}, .xdg = "/x", .home = "/h"}), "/x/peal");
  EXPECT_EQ(folder_with({.peal = {}, .xdg = "/x", .home = {}}), "/x/peal");
  EXPECT_EQ(folder_with({.peal = {}, .xdg = {}, .home = "/h"}), "/h/.cache/peal");
  EXPECT_EQ(folder_with({}), "none");
}

TEST(CacheFolder, AnEmptyVariableNamesNone) {
  EXPECT_EQ(folder_with({.peal = "", .xdg = "/x", .home = "/h"}), "/x/peal");
  EXPECT_EQ(folder_with({.peal = "", .xdg = "", .home = "/h"}), "/h/.cache/peal");
  EXPECT_EQ(folder_with({.peal = "", .xdg = "", .home = ""}), "none");
}

// The kernels' compiler and the ranks may run in other folders than the caller.
TEST(CacheFolder, ARelativePathIsMadeAbsoluteInPealsVariableAndIgnoredInTheOthers) {
  EXPECT_EQ(folder_with({.peal = "p/q", .xdg = "/x", .home = "/h"}),
            (fs::current_path() / "p/q").string());
  EXPECT_EQ(folder_with({.peal = {}, .xdg = "x", .home = "/h"}), "/h/.cache/peal");
  EXPECT_EQ(folder_with({.peal = {}, .xdg = "x", .home = "h"}), "none");
}

// All folders above it are made, too; a slash at the end makes no difference.
TEST(CacheFolder, IsMadeForTheUserAlone) {
  const TemporaryFolder folder;
  const auto expect_made = [&](const FolderVariables& variables, const std::string& expected) {
    EXPECT_FALSE(fs::exists(expected));
    EXPECT_EQ(with_variables(variables, made_cache_folder), expected);
    EXPECT_EQ(fs::status(expected).permissions(), fs::perms::owner_all);
    EXPECT_EQ(with_variables(variables, made_cache_folder), expected);
  };
  expect_made({.peal = {}, .xdg = {}, .home = folder.path("home")},
              folder.path("home/.cache/peal"));
  expect_made({.peal = {}, .xdg = folder.path("x/y"), .home = folder.path("home")},
              folder.path("x/y/peal"));
  expect_made({.peal = folder.path("own/"), .xdg = folder.path("x/y"), .home = {}},
              folder.path("own"));
}

// Its removal at the process's end is tested with `peal` (kernel_cache_test.cpp).
TEST(CacheFolder, IsATemporaryOneOfTheProcessWhereNoneIsNamed) {
  const TemporaryFolder folder;
  const EnvironmentVariable temporary("TMPDIR", folder.path("."));
  EXPECT_EQ(code_of_child([&] {
              const fs::path made = with_variables({}, made_cache_folder);
              if (!fs::equivalent(made.parent_path(), folder.path("."))) return 1;
              if (fs::status(made).permissions() != fs::perms::owner_all) return 2;
              return with_variables({}, made_cache_folder) == made ? 7 : 3;
            }),
            7);
}

}  // namespace
}  // namespace peal
