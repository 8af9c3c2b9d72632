// SPDX-License-Identifier: Apache-2.0
#include "peal/pto/load/kernel_cache.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "peal/base/error.h"
#include "peal/pto/load/compiler.h"
#include "tests/support/environment_variable.h"
#include "tests/support/program.h"

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

std::string compiled(const std::string& source) {
  return compile_source(source, KernelLanguage::pto, {}).path;
}

TEST_F(KernelCache, CompilingCleansAndUsingCountsAsUse) {
  const TemporaryFolder sources;
  std::ofstream(sources.path("a.cpp")) << "int a;\n";
  std::ofstream(sources.path("b.cpp")) << "int b;\n";
  const EnvironmentVariable cache("PEAL_CACHE_DIR", folder_.path(""));
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

// Kernels in a folder of their own, and a cache of their own beside.
class KernelObjects : public testing::Test {
 protected:
  void save(const std::string& text) const { std::ofstream(source_) << text; }
  [[nodiscard]] std::string object() const { return compiled(source_); }
  // Runs `peal check` on a kernel that does nothing, with that before the command.
  [[nodiscard]] Finished check(const std::string& environment) const {
    return run_program("/usr/bin/env", environment + " '" PEAL_BINARY "' check " + source_ +
                                           " -n 1 --arg 'in f32[8] fill=i'");
  }
  static std::string held(const std::string& object) {
    const std::string text = file_text(object);
    return text.substr(0, text.rfind("\npeal object "));
  }

  TemporaryFolder sources_, folder_;
  const std::string source_ = sources_.path("k.cpp");
  const std::string cache_ = folder_.path("cache");
  const EnvironmentVariable in_use_{"PEAL_CACHE_DIR", cache_};
  static constexpr const char* kernel_ =
      "#include <pto/pto-inst.hpp>\n"
      "extern \"C\" __aicore__ void kernel_entry(__gm__ int64_t*) {}\n";
};

TEST_F(KernelObjects, LieInAFolderOfTheUsersOwn) {
  save("int a;\n");
  const std::string path = object();
  EXPECT_EQ(fs::status(cache_).permissions(), fs::perms::owner_all);
  for (const auto& entry : fs::directory_iterator(cache_)) {
    EXPECT_EQ(entry.status().permissions(), fs::perms::owner_read | fs::perms::owner_write)
        << entry.path();
  }
  EXPECT_TRUE(fs::exists(path));
}

TEST_F(KernelObjects, AreMadeAgainWhereTheyAreDamagedOrForeign) {
  save("int a = 5;\n");
  const std::string path = object(), whole = held(path);
  const auto remade = [&](const char* how) {
    EXPECT_EQ(object(), path) << how;
    EXPECT_EQ(held(path), whole) << how;
  };
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, whole.size() / 2, whole.size()}) {
    fs::resize_file(path, size);
    remade("truncated");
  }
  std::ofstream(path) << "no object";
  remade("text");
  fs::remove(path);
  fs::copy_file("/bin/true", path);
  remade("another program");
  std::string other_machine = file_text(path);
  other_machine[18] = static_cast<char>(other_machine[18] ^ 0x40);  // e_machine
  std::ofstream(path, std::ios::binary) << other_machine;
  remade("another machine's");
  fs::create_hard_link(path, folder_.path("other_name"));
  remade("with another name");
  EXPECT_EQ(fs::hard_link_count(path), 1u);
  fs::permissions(path, fs::perms::all);
  remade("that others may write");
  fs::rename(path, folder_.path("moved"));
  fs::create_symlink(folder_.path("moved"), path);
  remade("a link");
  EXPECT_FALSE(fs::is_symlink(path));
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(path.c_str(), 12345, 12345), 0);
    remade("another user's");
  }
}

TEST_F(KernelObjects, SurviveTheirEvictionWhileTheyAreInUse) {
  save("int a;\n");
  const KernelObject used = compile_source(source_, KernelLanguage::pto, {});
  fs::last_write_time(used.path, fs::file_time_type::clock::now() - hours(1000 * 24));
  clean_cache(cache_, "", {.size_bytes = 0});
  EXPECT_TRUE(fs::exists(used.path));
  const std::string path = [&] { return compile_source(source_, KernelLanguage::pto, {}).path; }();
  EXPECT_EQ(path, used.path);
}

TEST_F(KernelObjects, LeaveNothingElseBehind) {
  save("int a;\n");
  static_cast<void>(object());
  save("this is wrong\n");
  EXPECT_THROW(static_cast<void>(object()), QuotedError);
  // A manifest, the kernel's object and that of the callbacks.
  EXPECT_EQ(std::distance(fs::directory_iterator(cache_), fs::directory_iterator()), 3);
}

TEST_F(KernelObjects, ShareTheObjectOfTheCallbacks) {
  const auto callbacks = [&] {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(cache_)) {
      if (entry.path().extension() == ".o") found.push_back(entry.path());
    }
    return found;
  };
  save("int a = 5;\n");
  const std::string path = object(), whole = held(path);
  ASSERT_EQ(callbacks().size(), 1u);
  const fs::path shared = callbacks().front();
  fs::last_write_time(shared, fs::file_time_type::clock::now() - hours(24));
  save("int a = 6;\n");
  EXPECT_NE(object(), path);
  EXPECT_EQ(callbacks(), std::vector<fs::path>{shared});
  EXPECT_GT(fs::last_write_time(shared), fs::file_time_type::clock::now() - hours(1));
  // Damaged or foreign, it is made again.
  for (const char* how : {"damaged", "removed"}) {
    if (how == std::string("damaged")) {
      std::ofstream(shared) << "no object";
    } else {
      fs::remove(shared);
    }
    fs::remove(path);
    save("int a = 5;\n");
    EXPECT_EQ(object(), path) << how;
    EXPECT_EQ(held(path), whole) << how;
    EXPECT_EQ(callbacks(), std::vector<fs::path>{shared}) << how;
  }
  fs::last_write_time(shared, fs::file_time_type::clock::now() - hours(40 * 24));
  fs::remove(path);
  clean_cache(cache_, "", {});
  EXPECT_FALSE(fs::exists(shared));
}

TEST_F(KernelObjects, OfInterruptedCompilationsAreRemoved) {
  save("int a;\n");
  static_cast<void>(object());
  fs::create_directory(cache_ + "/build-abcdef");
  std::ofstream(cache_ + "/build-abcdef/object.o") << "half";
  const BuildFolder running(cache_);
  save("int b;\n");
  static_cast<void>(object());
  EXPECT_FALSE(fs::exists(cache_ + "/build-abcdef"));
  EXPECT_TRUE(fs::exists(running.file("")));
}

// A compiler that takes its time: the source is saved anew while it runs.
class SlowCompiler {
 public:
  SlowCompiler(const std::string& script, const std::string& before_it_runs,
               const std::string& after_it_has_run) {
    std::ofstream(script) << "#!/bin/sh\n"
                          << before_it_runs << "\ng++ \"$@\"; code=$?\n"
                          << after_it_has_run << "\nexit $code\n";
    fs::permissions(script, fs::perms::owner_all);
    ::setenv("CXX", script.c_str(), 1);
  }
  ~SlowCompiler() { ::unsetenv("CXX"); }
  SlowCompiler(const SlowCompiler&) = delete;
  SlowCompiler& operator=(const SlowCompiler&) = delete;
};

TEST_F(KernelObjects, AreOfWhatWasReadWhenTheSourceIsSavedMeanwhile) {
  const std::string other = sources_.path("other");
  std::ofstream(other) << "char kernel[] = \"the second\";\n";
  const std::string once = sources_.path("once");
  const std::string save_other =
      "[ -e " + once + " ] || { cp " + other + " " + source_ + "; : >" + once + "; }";
  for (const bool before : {false, true}) {
    fs::remove(once);
    save("char kernel[] = \"the first\";\n");
    const SlowCompiler slow(sources_.path(before ? "cxx1" : "cxx2"), before ? save_other : "",
                            before ? "" : save_other);
    const auto says = [](const std::string& path, const char* what) {
      return file_text(path).find(what) != std::string::npos;
    };
    const std::string first = object();
    EXPECT_NE(says(first, "the first"), says(first, "the second"));
    EXPECT_TRUE(says(object(), "the second")) << "what is on disk now is what counts now";
    save("char kernel[] = \"the first\";\n");
    EXPECT_TRUE(says(object(), "the first"));
  }
}

TEST_F(KernelObjects, AreMadeAgainWhenAHeaderChangesOrStandsBeforeAnother) {
  fs::create_directory(sources_.path("include"));
  std::ofstream(sources_.path("include/part.h")) << "#define PART \"include\"\n";
  save("#include \"part.h\"\nchar kernel[] = \"of \" PART;\n");
  const auto says = [&](const char* what) {
    const std::string path = compile_source(source_, KernelLanguage::pto,
                                            {.include_folders = {sources_.path("include")}})
                                 .path;
    return file_text(path).find(what) != std::string::npos;
  };
  EXPECT_TRUE(says("of include"));
  std::ofstream(sources_.path("include/part.h")) << "#define PART \"changed\"\n";
  EXPECT_TRUE(says("of changed"));
  std::ofstream(sources_.path("part.h")) << "#define PART \"beside\"\n";
  EXPECT_TRUE(says("of beside"));
  fs::remove(sources_.path("part.h"));
  EXPECT_TRUE(says("of changed"));
}

TEST_F(KernelObjects, NeedACompilerAndSayWhichIsMissing) {
  save(kernel_);
  const std::pair<const char*, const char*> compilers[] = {
      {"true", "compiler `true` writes nothing; install g++"},
      {"false", "compiler `false` fails at kernel"},
      {"/no/such/compiler", "compiler `/no/such/compiler` cannot be started: No such file"},
      {"no_such_compiler", "compiler `no_such_compiler` cannot be started: No such file"},
      {"/tmp", "compiler `/tmp` cannot be started"}};
  for (const auto& [compiler, part] : compilers) {
    const Finished run = check(std::string("CXX=") + compiler);
    EXPECT_EQ(run.code, 2) << compiler;
    EXPECT_NE(run.err.find(part), std::string::npos) << run.err;
    EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
  }
  EXPECT_EQ(check("'CXX=g++ -DNDEBUG'").code, 0);
}

TEST_F(KernelObjects, NeedACacheAndSayWhatIsWrongWithIt) {
  save(kernel_);
  const auto expect = [&](const std::string& environment, const std::string& part) {
    const Finished run = check(environment);
    EXPECT_EQ(run.code, 2) << environment;
    EXPECT_NE(run.err.find(part), std::string::npos) << run.err;
    EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
  };
  const std::string home = "-u PEAL_CACHE_DIR -u XDG_CACHE_HOME HOME=";
  expect(home + "/proc/no/such", "cache folder `/proc/no/such/.cache/peal` cannot be made");
  expect("PEAL_CACHE_DIR=/dev/null", "cache folder `/dev/null` is no folder");
  fs::create_directory(folder_.path("open"));
  fs::permissions(folder_.path("open"), fs::perms::all);
  expect("PEAL_CACHE_DIR=" + folder_.path("open"), "may be written by others: its mode is 0777");
  if (::geteuid() == 0) {
    fs::create_directory(folder_.path("theirs"));
    ASSERT_EQ(::chown(folder_.path("theirs").c_str(), 12345, 12345), 0);
    expect("PEAL_CACHE_DIR=" + folder_.path("theirs"), "belongs to user 12345, not to you");
    fs::create_directory(cache_);
    fs::create_directory_symlink(cache_, folder_.path("link"));
    ASSERT_EQ(::lchown(folder_.path("link").c_str(), 12345, 12345), 0);
    expect("PEAL_CACHE_DIR=" + folder_.path("link"), "belongs to user 12345, not to you");
  }
}

TEST_F(KernelObjects, LieInTheFolderOfTheFirstVariableThatNamesOne) {
  save("int a;\n");
  const EnvironmentVariable no_own("PEAL_CACHE_DIR", std::nullopt);
  const EnvironmentVariable no_all("XDG_CACHE_HOME", std::nullopt);
  const EnvironmentVariable home("HOME", folder_.path("home"));
  EXPECT_EQ(fs::path(object()).parent_path(), folder_.path("home/.cache/peal"));
  const EnvironmentVariable all("XDG_CACHE_HOME", folder_.path("all"));
  EXPECT_EQ(fs::path(object()).parent_path(), folder_.path("all/peal"));
  const EnvironmentVariable own("PEAL_CACHE_DIR", folder_.path("own"));
  EXPECT_EQ(fs::path(object()).parent_path(), folder_.path("own"));
}

TEST_F(KernelObjects, LieInATemporaryFolderWhereThereIsNoHome) {
  save(kernel_);
  const std::string temporary = folder_.path("temporary");
  fs::create_directory(temporary);
  for (const char* home : {"-u HOME", "HOME=", "HOME=relative"}) {
    const Finished run =
        check(std::string("-u PEAL_CACHE_DIR -u XDG_CACHE_HOME ") + home + " TMPDIR=" + temporary);
    EXPECT_EQ(run.code, 0) << run.err;
    EXPECT_TRUE(fs::is_empty(temporary)) << home;
  }
  EXPECT_FALSE(fs::exists("relative"));
}

// What the compiler says is passed on as it is.
TEST_F(KernelObjects, ThatDoNotCompileSayWhyInTheCompilersLines) {
  save(std::string(kernel_) + "int wrong = no_such_name;\n");
  const Finished run = check("LC_ALL=C");
  EXPECT_EQ(run.code, 2);
  EXPECT_TRUE(run.err.starts_with("peal: kernel `" + source_ + "` does not compile:\n" + source_ +
                                  ":3:13: error: 'no_such_name' was not declared in this scope\n"
                                  "    3 | int wrong = no_such_name;\n"
                                  "      |             ^~~~~~~~~~~~\n"))
      << run.err;
}

}  // namespace
}  // namespace peal
