// SPDX-License-Identifier: Apache-2.0
// Files that can be read and ask for more than there is: one sentence, at once.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "peal/base/error.h"
#include "peal/base/memory/machine_memory.h"
#include "peal/base/toml_file.h"
#include "peal/collectives/tuning/measured_choices.h"
#include "peal/tools/tune_memory.h"
#include "tests/support/program.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

class InputLimits : public testing::Test {
 protected:
  [[nodiscard]] std::string save(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.path(name)) << text;
    return folder_.path(name);
  }
  // A case of a kernel that is never called, with this in place of its numbers.
  [[nodiscard]] std::string a_case(const std::string& calls, const std::string& count,
                                   const std::string& more = "") const {
    static_cast<void>(save("k.cpp",
                           "#include <pto/pto-inst.hpp>\n"
                           "extern \"C\" __aicore__ void kernel_entry(__gm__ int64_t*) {}\n"));
    return save("case.toml", fmt::format("ranks = [2]\ncalls = {}\n{}\n"
                                         "args = [{{ in = \"f32[{}]\", fill = \"i\" }}]\n"
                                         "[[kernel]]\nid = 0\nfile = \"k.cpp\"\n",
                                         calls, more, count));
  }

  TemporaryFolder folder_;
};

TEST_F(InputLimits, OfCases) {
  for (const char* command : {"run ", "check "}) {
    expect_misuse(command + a_case("1000000000", "1"), "it must be from 1 to 1000000");
    expect_misuse(command + a_case("1e9", "1"), "must be a whole number");
    expect_misuse(command + a_case("1000000", "1"), "1000000 calls on 2 ranks are more than");
    expect_misuse(command + a_case("1", "9223372036854775807"), "it must be from 0 to");
    expect_misuse(command + a_case("1", "100000000000"), "bytes of memory of this machine");
    expect_misuse(command + a_case("1000", "1000000000"), "bytes of memory of this machine");
    expect_misuse(command + a_case("1", "1", "blocks = 1000000000"), "it must be from 1 to 4096");
    expect_misuse(command + a_case("1", "1", "cores = 4096") + " -n 60000",
                  "a run has at most 131072 cores");
    expect_misuse(command + a_case("1", std::string(100, '(') + "1" + std::string(100, ')')),
                  "nested deeper than 64 levels");
  }
}

TEST_F(InputLimits, OfGraphs) {
  const auto graph = [this](const std::string& count, const std::string& window) {
    return "graph " +
           save("g.toml", fmt::format("devices = \"0-1\"\n[callable.sum]\n"
                                      "collective = \"all_reduce\"\n"
                                      "[domain.d]\ndevices = \"0-1\"\nwindow_bytes = {1}\n"
                                      "[buffer.x]\ndevices = \"0-1\"\n"
                                      "array = \"f32[{0}]\"\nfill = \"i\"\n"
                                      "[[task]]\nrun = \"sum\"\ndevices = \"0-1\"\n"
                                      "args = [{{ inout = \"x\" }}, {{ context = \"d\" }}]\n",
                                      count, window));
  };
  expect_misuse(graph("100000000000", "64"), "bytes of memory of this machine");
  expect_misuse(graph("9000000000000000000", "64"), "it must be from 0 to");
  const Finished window = run_peal(graph("8", "9000000000000000000"));
  EXPECT_NE(window.code, 0);
  EXPECT_EQ(window.err.find("CHECK"), std::string::npos) << window.err;
}

// A pipe that somebody writes to is as good as a file; what never ends is none.
TEST_F(InputLimits, OfWhereTomlComesFrom) {
  const std::string platform = PEAL_SOURCE_DIR "/platforms/a2a3.toml";
  ASSERT_EQ(::mkfifo(folder_.path("pipe.toml").c_str(), 0600), 0);
  expect_misuse("graph " + folder_.path("pipe.toml"), "lacks `devices`");
  fs::create_symlink("/dev/zero", folder_.path("zero.toml"));
  for (const char* command : {"run barrier -p ", "graph ", "check "}) {
    expect_misuse(command + folder_.path("zero.toml"), "it is no file");
  }
  fs::create_symlink("/dev/zero", folder_.path("zero.cpp"));
  expect_misuse("check " + folder_.path("zero.cpp"), "is no regular file, and a kernel is read");
  expect_misuse("graph " + save("long.toml", std::string((1 << 24) + 1, ' ')),
                "it is longer than 16 MiB");
  fs::create_directory(folder_.path("folder.toml"));
  expect_misuse("run barrier -p " + folder_.path("folder.toml"), "it is no file");
  fs::create_symlink(platform, folder_.path("linked.toml"));
  EXPECT_EQ(run_peal("run barrier -n 2 -p " + folder_.path("linked.toml")).code, 0);
}

// The parser takes each level on its stack.
TEST_F(InputLimits, OfTheDepthOfToml) {
  std::string key = "a";
  for (int i = 0; i < 100000; ++i) key += ".a";
  for (const std::string& text :
       {"[" + key + "]\n", key + " = 1\n", "a = { " + key + " = 1 }\n",
        "a = " + std::string(100000, '['), "a = { \"b]\" = 1, c = " + std::string(33, '[')}) {
    const std::string file = save("deep.toml", text);
    for (const char* command : {"run barrier -p ", "graph ", "check "}) {
      expect_misuse(command + file, "write it flatter");
    }
  }
  // Brackets and dots in strings and comments are none, and each key begins anew.
  std::string harmless = "a = \"" + std::string(100, '[') + "\\\"[\" # " + std::string(100, '.');
  harmless += "\nb = '''\n" + std::string(100, '{') + "'''\n[c]\n";
  for (int i = 0; i < 100; ++i) harmless += "d" + std::to_string(i) + ".e = [1.5, 2.5]\n";
  EXPECT_EQ(parse_toml("text", harmless).size(), 3u);
}

TEST_F(InputLimits, OfWhatAKernelIs) {
  expect_misuse("run " + save("binary", std::string("ELF\0", 4)),
                "is no source: it holds bytes of 0");
  expect_misuse("run " + save("text", "words"), "it has neither peal_kernel() nor kernel_entry");
  expect_misuse("run " + save("kernel.txt", "peal_kernel()"), "whose name does not end in .cpp");
}

MeasuredChoice choice_of(int ranks) {
  return {.conditions = {.collective = Collective::all_reduce, .ranks = ranks},
          .max_bytes = {48},
          .algorithms = {"push"}};
}

TEST_F(InputLimits, WhatSeveralHaveMeasuredAtOnceIsAllKept) {
  constexpr int writers = 8, each = 10;
  std::vector<pid_t> children;
  for (int writer = 0; writer < writers; ++writer) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (int i = 0; i < each; ++i) {
        remember_choices(folder_.path(""), {choice_of(2 + writer * each + i)});
      }
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  const auto all = read_measured_choices(folder_.path("tune.toml"));
  EXPECT_EQ(all.size(), static_cast<std::size_t>(writers * each));
}

TEST_F(InputLimits, OfTuneFiles) {
  const auto refused = [&](std::string text, const std::string& from, const std::string& to) {
    text.replace(text.find(from), from.size(), to);
    EXPECT_THROW(static_cast<void>(read_measured_choices(save("tune.toml", text))), Error) << to;
  };
  const std::string right = text_of({choice_of(4)});
  EXPECT_EQ(read_measured_choices(save("tune.toml", right)).size(), 1u);
  for (const char* ranks : {"0", "-1", "65537", "4294967298", "9223372036854775807"}) {
    refused(right, "ranks = 4", std::string("ranks = ") + ranks);
  }
  for (const char* sizes : {"[-1]", "[]", "[48, 48]", "\"all\"", "[nan]"}) {
    refused(right, "[48]", sizes);
  }
}

TEST_F(InputLimits, TuningNeedsAPlaceToRememberIn) {
  const Finished run = run_program(
      "/usr/bin/env", "-u HOME -u XDG_CACHE_HOME -u PEAL_CACHE_DIR '" PEAL_BINARY "' tune -n 2");
  EXPECT_EQ(run.code, 2);
  EXPECT_EQ(
      run.err,
      "peal: tune: there is no folder to remember anything in; set HOME, or PEAL_CACHE_DIR to "
      "a folder of your own\n");
}

TEST(MachineMemory, IsSome) { EXPECT_GT(machine_memory_bytes(), std::size_t{1} << 26); }

}  // namespace
}  // namespace peal
