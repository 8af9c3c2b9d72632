// SPDX-License-Identifier: Apache-2.0
// Where results are written: what is replaced, what is written as it is, and what is refused.
#include "peal/tools/files/output_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "peal/base/error.h"
#include "tests/support/program.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

class Output : public testing::Test {
 protected:
  [[nodiscard]] std::string path(const char* name) const { return folder_.path(name); }
  std::string write(const char* name, const std::string& text, mode_t mode = 0644) const {
    std::ofstream(path(name)) << text;
    ::chmod(path(name).c_str(), mode);
    return path(name);
  }
  static mode_t mode_of(const std::string& file) {
    struct stat status = {};
    return ::stat(file.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
  }

  TemporaryFolder folder_;
};

TEST_F(Output, AnExistingFileKeepsItsMode) {
  for (const mode_t mode : {0600, 0640, 0444 | 0200, 0666}) {
    const std::string file = write("x.json", "old", mode);
    OutputFile(file).commit("new");
    EXPECT_EQ(file_text(file), "new");
    EXPECT_EQ(mode_of(file), mode);
  }
}

// As by open(2): the file that the link leads to comes to be, and the link stays.
TEST_F(Output, ALinkToNothingIsFollowed) {
  fs::create_directory(path("there"));
  fs::create_symlink("second", path("first"));
  fs::create_symlink("there/x.json", path("second"));
  OutputFile(path("first")).commit("new");
  EXPECT_TRUE(fs::is_symlink(path("first")));
  EXPECT_TRUE(fs::is_symlink(path("second")));
  EXPECT_EQ(file_text(path("there") + "/x.json"), "new");
  fs::create_symlink("circle", path("circle"));
  EXPECT_THROW(OutputFile(path("circle")), Error);
  fs::create_symlink("nowhere/x.json", path("lost"));
  EXPECT_THROW(OutputFile(path("lost")), Error);
}

TEST_F(Output, AnExecutableFileIsRefusedAndStays) {
  for (const mode_t mode : {0755, 0700, 0610, 0601}) {
    const std::string file = write("tool", "#!/bin/sh\n", mode);
    const Finished run = run_peal("run barrier -n 2 --json " + file);
    EXPECT_EQ(run.code, 2);
    EXPECT_EQ(run.err, fmt::format("peal: output `{}` is an executable file; give another path, or "
                                   "remove it\n",
                                   file));
    EXPECT_EQ(run_peal("check barrier -n 2 --events " + file).code, 2);
    EXPECT_EQ(run_peal("run barrier -n 2 --save-schedule " + file).code, 2);
    EXPECT_EQ(file_text(file), "#!/bin/sh\n");
  }
}

TEST_F(Output, AFileOfAnotherUserIsRefused) {
  const std::string file = write("x.json", "theirs", 0666);
  if (::chown(file.c_str(), ::geteuid() + 1, static_cast<gid_t>(-1)) != 0) {
    GTEST_SKIP() << "only root may give files away";
  }
  const Finished run = run_peal("run barrier -n 2 --json " + file);
  EXPECT_EQ(run.code, 2);
  EXPECT_NE(run.err.find("belongs to user"), std::string::npos) << run.err;
  EXPECT_EQ(file_text(file), "theirs");
}

TEST_F(Output, AnInputOfTheRunIsRefusedUnderAnyName) {
  EXPECT_EQ(run_peal("run all_reduce -n 2 -c 4 --output " + path("x.npy")).code, 0);
  const std::string before = file_text(path("x.npy"));
  fs::create_hard_link(path("x.npy"), path("hard.npy"));
  fs::create_symlink(path("x.npy"), path("soft.npy"));
  for (const char* option : {"--output", "--json", "--save-schedule"}) {
    for (const char* name : {"x.npy", "hard.npy", "soft.npy", "./x.npy"}) {
      const Finished run = run_peal(fmt::format("run all_reduce -n 2 -c 4 --input {} {} {}",
                                                path("x.npy"), option, path(name)));
      EXPECT_EQ(run.code, 2) << option << ' ' << name;
      EXPECT_NE(run.err.find("which this run reads"), std::string::npos) << run.err;
    }
  }
  EXPECT_EQ(file_text(path("x.npy")), before);
}

TEST_F(Output, SourcesOfKernelsAreInputsToo) {
  const std::string kernel = write("kernel.cpp", file_text(PEAL_SOURCE_DIR "/examples/graphs/"
                                                                           "two_sums.toml"));
  const Finished run =
      run_peal(fmt::format("run {} -n 2 --arg 'in i32[4] fill=i' --json {}", kernel, kernel));
  EXPECT_EQ(run.code, 2);
  EXPECT_NE(run.err.find("which this run reads"), std::string::npos) << run.err;
  const std::string graph = write("graph.toml", "devices = 0\n");
  EXPECT_NE(run_peal(fmt::format("graph {0} --dot {0}", graph)).err.find("which this run reads"),
            std::string::npos);
  EXPECT_EQ(file_text(graph), "devices = 0\n");
}

TEST_F(Output, OneFileUnderTwoNamesIsRefused) {
  const std::string file = write("x", "old");
  fs::create_hard_link(file, path("y"));
  fs::create_directory_symlink(path("."), path("here"));
  const std::pair<std::string, std::string> pairs[] = {{file, file},
                                                       {file, path("y")},
                                                       {path("new"), path("new")},
                                                       {path("new"), path("here/new")},
                                                       {path("new"), path("./new")},
                                                       {"-", "-"}};
  for (const auto& [json, output] : pairs) {
    const Finished run =
        run_peal(fmt::format("run all_reduce -n 2 --json {} --output {}", json, output));
    EXPECT_EQ(run.code, 2) << json << ' ' << output;
    EXPECT_NE(run.err.find("are one file; give two paths"), std::string::npos) << run.err;
  }
  EXPECT_EQ(file_text(file), "old");
  EXPECT_FALSE(fs::exists(path("new")));
  EXPECT_EQ(run_peal("run all_reduce -n 2 --json /dev/null --output /dev/null").code, 0);
}

TEST_F(Output, PipesAndCharacterDevicesAreWrittenAsTheyAre) {
  EXPECT_EQ(run_peal("run barrier -n 2 --json /dev/null").code, 0);
  EXPECT_EQ(fs::status("/dev/null").type(), fs::file_type::character);
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  const Finished run = run_peal(fmt::format("run barrier -n 2 --json {0} & cat {0} > {1}; wait $!",
                                            path("pipe"), path("read")));
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(fs::status(path("pipe")).type(), fs::file_type::fifo);
  EXPECT_EQ(nlohmann::json::parse(file_text(path("read"))).at("ranks"), 2);
  const Finished full = run_peal("run barrier -n 2 --json /dev/full");
  EXPECT_EQ(full.code, 2);
  EXPECT_NE(full.err.find("No space left on device"), std::string::npos) << full.err;
}

TEST_F(Output, AnEmptyPathIsRefused) {
  try {
    const OutputFile file("");
    FAIL() << "it was accepted";
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(),
                 "the path of an output file is empty; name a file, or `-` for stdout");
  }
}

// What is said for people then goes to stderr.
TEST_F(Output, AMinusIsStdout) {
  for (const char* name : {"-", "/dev/stdout", "/proc/self/fd/1"}) {
    for (const char* command : {"run barrier -n 2", "check barrier -n 2", "list"}) {
      const Finished run = run_peal(fmt::format("{} --json {}", command, name));
      EXPECT_EQ(run.code, 0) << run.err;
      EXPECT_TRUE(nlohmann::json::accept(run.out)) << command << ' ' << name << '\n' << run.out;
    }
  }
  EXPECT_FALSE(fs::exists("-"));
  EXPECT_TRUE(run_peal("run all_reduce -n 2 --output -").out.starts_with("\x93NUMPY"));
}

TEST_F(Output, NamesMayBeAnyBytes) {
  const std::string file = write("\xff\xfe.cpp", "int x;\n");
  const Finished run =
      run_peal(fmt::format("check '{}' --arg 'in i32[4] fill=i' -n 2 --json -", file));
  EXPECT_EQ(run.code, 2);
  EXPECT_TRUE(run.err.starts_with("peal: ")) << run.err;
  const Finished events =
      run_peal(fmt::format("check barrier -n 2 --events '{0}' --json '{0}.json' "
                           "&& '{1}' check '{0}' --json -",
                           path("\xff\xfe"), PEAL_BINARY));
  EXPECT_EQ(events.code, 0) << events.err;
  for (const char* arguments :
       {"run '\xff'", "run barrier -n '\xff'", "run barrier -p '\xff'",
        "run barrier --schedule '\xff'", "graph '\xff'", "check '\xff.toml'", "'\xff'"}) {
    const Finished other = run_peal(arguments);
    EXPECT_EQ(other.code, 2) << arguments;
    EXPECT_TRUE(other.err.starts_with("peal: ")) << other.err;
  }
}

}  // namespace
}  // namespace peal
