// SPDX-License-Identifier: Apache-2.0
#include "peal/pto/kernel_cache.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "peal/pto/compiler.h"
#include "tests/program.h"

namespace peal {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;

constexpr const char* hash = "0123456789abcdef";

class KernelCache : public testing::Test {
 protected:
  // A file of that size that was used so long ago.
  std::string add(const std::string& name, std::size_t size_bytes, hours ago) {
    const std::string path = folder_.path(name);
    std::ofstream(path) << std::string(size_bytes, 'x');
    fs::last_write_time(path, fs::file_time_type::clock::now() - ago);
    return path;
  }
  static std::string object(int number) { return fmt::format("{}-{:016x}.so", hash, number); }

  TemporaryFolder folder_;
};

TEST_F(KernelCache, DropsWhatNobodyHasUsedForLong) {
  const std::string old = add(object(1), 10, hours(31 * 24));
  const std::string manifest = add(fmt::format("{}.manifest", hash), 10, hours(31 * 24));
  const std::string left_behind = add(fmt::format("{}.4711.o", hash), 10, hours(31 * 24));
  const std::string used = add(object(2), 10, hours(29 * 24));
  clean_cache(folder_.path(""), used, {});
  EXPECT_FALSE(fs::exists(old));
  EXPECT_FALSE(fs::exists(manifest));
  EXPECT_FALSE(fs::exists(left_behind));
  EXPECT_TRUE(fs::exists(used));
}

TEST_F(KernelCache, DropsTheLeastRecentlyUsedBeyondItsSize) {
  std::string paths[6];
  for (int i = 0; i < 6; ++i) paths[i] = add(object(i), 100, hours(10 - i));
  touch_cache_entry(paths[0]);
  clean_cache(folder_.path(""), paths[5], {.size_bytes = 350});
  for (int i : {0, 4, 5}) EXPECT_TRUE(fs::exists(paths[i])) << i;
  for (int i : {1, 2, 3}) EXPECT_FALSE(fs::exists(paths[i])) << i;
}

TEST_F(KernelCache, KeepsWhatIsNewHoweverLargeAndWhatIsNoEntry) {
  const std::string kept = add(object(1), 1000, hours(0));
  std::vector<std::string> others;
  for (const char* name : {"notes.txt", "{}.txt", "{}", "x{}.manifest", "{}-short.so"}) {
    others.push_back(add(fmt::format(fmt::runtime(name), hash), 1000, hours(1000 * 24)));
  }
  clean_cache(folder_.path(""), kept, {.size_bytes = 10});
  EXPECT_TRUE(fs::exists(kept));
  for (const std::string& other : others) EXPECT_TRUE(fs::exists(other)) << other;
  clean_cache(folder_.path("none"), kept, {});  // nothing to clean is no mistake
}

// Sets PEAL_CACHE_DIR while it lives.
class CacheFolder {
 public:
  explicit CacheFolder(const std::string& folder) {
    if (const char* before = std::getenv("PEAL_CACHE_DIR")) before_ = before;
    ::setenv("PEAL_CACHE_DIR", folder.c_str(), 1);
  }
  ~CacheFolder() {
    if (before_) {
      ::setenv("PEAL_CACHE_DIR", before_->c_str(), 1);
    } else {
      ::unsetenv("PEAL_CACHE_DIR");
    }
  }
  CacheFolder(const CacheFolder&) = delete;
  CacheFolder& operator=(const CacheFolder&) = delete;

 private:
  std::optional<std::string> before_;
};

std::string compiled(const std::string& source) {
  return compile_source(source, KernelLanguage::pto, {});
}

TEST_F(KernelCache, CompilingCleansAndUsingCountsAsUse) {
  const TemporaryFolder sources;
  std::ofstream(sources.path("a.cpp")) << "int a;\n";
  std::ofstream(sources.path("b.cpp")) << "int b;\n";
  const CacheFolder cache(folder_.path(""));
  const std::string old = add(object(1), 10, hours(40 * 24));
  const std::string first = compiled(sources.path("a.cpp"));
  EXPECT_FALSE(fs::exists(old));
  fs::last_write_time(first, fs::file_time_type::clock::now() - hours(40 * 24));
  EXPECT_EQ(compiled(sources.path("a.cpp")), first);
  EXPECT_GT(fs::last_write_time(first), fs::file_time_type::clock::now() - hours(1));
  fs::last_write_time(first, fs::file_time_type::clock::now() - hours(40 * 24));
  const std::string second = compiled(sources.path("b.cpp"));
  EXPECT_FALSE(fs::exists(first));
  EXPECT_TRUE(fs::exists(second));
  EXPECT_EQ(compiled(sources.path("a.cpp")), first);  // made again
  EXPECT_TRUE(fs::exists(first));
}

}  // namespace
}  // namespace peal
