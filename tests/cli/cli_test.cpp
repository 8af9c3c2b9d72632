// SPDX-License-Identifier: Apache-2.0
// The program `peal` from outside: what it prints, writes and returns.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "peal/machine/view.h"
#include "peal/tools/files/npy.h"
#include "tests/support/program.h"

namespace peal {
namespace {

TEST(Cli, SaysItsVersionAndCommit) {
  const Finished ended = run_peal("--version");
  EXPECT_EQ(ended.code, 0);
  EXPECT_TRUE(ended.out.starts_with("peal 0.2.0")) << ended.out;
  if (std::filesystem::exists(PEAL_SOURCE_DIR "/.git")) {
    EXPECT_NE(ended.out.find(" (commit "), std::string::npos) << ended.out;
  }
}

TEST(Cli, GoldenTexts) {
  expect_golden("list", "list");
  expect_golden("all_reduce_ring", "run all_reduce -a ring -p a2a3sim -d 0-3");
  expect_golden("broadcast", "run broadcast --root 2 -d 0-3");
  expect_golden("gather", "run gather --root 1 -n 3 -t i32 -c 7");
  expect_golden("barrier", "run barrier -n 3");
  expect_golden("values_off", "run all_reduce -a one_phase -p a5sim -d 0-1 --no-values");
  expect_golden("random",
                "run reduce_scatter -n 3 -t bf16 --fill rand --seed 7 --repeat 2 "
                "--schedule random:3");
}

TEST(Cli, TwoRunsPrintAndWriteTheSameBytes) {
  const TemporaryFolder folder;
  std::vector<std::string> outputs[2];
  for (std::vector<std::string>& output : outputs) {
    const Finished finished = run_peal("run all_to_all -a push -d 0-3 -c 1000 --json " +
                                       folder.path("x.json") + " --output " + folder.path("y.npy"));
    EXPECT_EQ(finished.code, 0) << finished.err;
    output = {finished.out, file_text(folder.path("x.json")), file_text(folder.path("y.npy"))};
  }
  EXPECT_EQ(outputs[0], outputs[1]);
  EXPECT_EQ(folder.file_count(), 2);
}

TEST(Cli, TheHostsSpeedGoesToStderr) {
  const Finished finished = run_peal("run all_reduce -n 2");
  EXPECT_NE(finished.err.find(" chip instructions in "), std::string::npos);
  EXPECT_TRUE(finished.err.ends_with(" M/s\n"));
  EXPECT_EQ(finished.out.find("chip instructions"), std::string::npos);
}

TEST(Cli, MisuseIsToldInOneSentence) {
  expect_misuse("", "see `peal --help`");
  expect_misuse("ring", "command `ring` is unknown; use one of list, run");
  expect_misuse("run", "collective is required");
  expect_misuse("run all_reduce --bogus", "--bogus");
  expect_misuse("run all_reduce -c", "--count");
  expect_misuse("run all_reduce -c 1 -c 2", "--count");
  expect_misuse("run all_reduce 4", "see `peal run --help`");
  expect_misuse("run reduce_all", "collective `reduce_all` is unknown");
  expect_misuse("run all_reduce -a star", "`star` is unknown");
  expect_misuse("run all_reduce -a tree", "`tree` is unknown");
  expect_misuse("run all_reduce -t f8", "dtype `f8` is unknown");
  expect_misuse("run all_reduce --op xor", "operation `xor` is unknown");
  expect_misuse("run broadcast --op xor", "operation `xor` is unknown");
  const std::string unknown = "platform `a9sim` is unknown; use one of a2a3sim, a5sim, hostsim, ";
  expect_misuse("run all_reduce -p a9sim", unknown + "shm, or the path of a .toml file");
  expect_misuse("check all_reduce -p a9sim", unknown + "or the path of a .toml file");
  expect_misuse("run all_reduce -n 0", "--ranks `0`");
  expect_misuse("run all_reduce -n -1", "--ranks `-1`");
  expect_misuse("run all_reduce -n 65537", "from 1 to 65536");
  expect_misuse("run all_reduce -n 3 -d 0-3", "--ranks 3 and --devices 0-3, which are 4, disagree");
  expect_misuse("run all_reduce -d 3-1", "the range 3-1 descends");
  expect_misuse("run all_reduce -d 0,0", "device 0 is named twice");
  expect_misuse("run all_reduce -d x", "`x` is no device");
  expect_misuse("run broadcast --root 7", "broadcast: root 7 is not one of the 4 ranks 0..3");
  expect_misuse("run broadcast --root -1", "--root `-1`");
  expect_misuse("run all_reduce -c 99999999999999999999", "--count `99999999999999999999`");
  expect_misuse("run all_reduce -c 1099511627775", "in 1 block does not stay below 2^40 bytes");
  expect_misuse("run all_to_all -n 65536 -c 99999999", "use at most 4194303");
  expect_misuse("run all_reduce --schedule sometimes", "schedule `sometimes` is unknown");
  expect_misuse("run all_reduce --fill flat", "--fill `flat` is unknown");
  expect_misuse("run all_reduce --seed 1.5", "--seed `1.5`");
  expect_misuse("run all_reduce --repeat 0", "--repeat `0`");
  expect_misuse("run all_reduce --no-values --output y.npy", "--no-values moves no data");
  expect_misuse("run all_reduce --output same --json same", "are one file; give two paths");
  expect_misuse("list >/dev/full", "stdout cannot be written");
}

// A file with rows of `length` ones, `dtype` wide.
void write_rows(const std::string& path, std::size_t rows, std::size_t length) {
  const std::vector<float> ones(rows * length, 1);
  const std::array shape = {rows, length};
  const std::array chunks = {std::as_bytes(std::span(ones))};
  NpyOutput(path).commit(DType::f32, shape, chunks);
}

TEST(Cli, InputFilesThatDoNotFit) {
  const TemporaryFolder folder;
  const std::string x = folder.path("x.npy");
  const auto misuse = [&](const std::string& arguments, const std::string& part) {
    expect_misuse("run " + arguments + " --input " + x + " --output " + folder.path("y.npy"), part);
    EXPECT_EQ(folder.file_count(), 1);
  };
  write_rows(x, 5, 6);
  misuse("all_reduce -n 4", "has 5 rows for 4 ranks");
  misuse("all_reduce -n 5 -c 7", "has rows for count 6, --count says 7");
  misuse("all_reduce -n 5 -t f64", "holds f32, --dtype says f64");
  misuse("scatter -n 5", "which scatter cannot cut into 5 blocks");
  const std::string whole = file_text(x);
  std::ofstream(x, std::ios::binary) << whole.substr(0, whole.size() - 1);
  misuse("all_reduce -n 5", "is truncated");
  for (const auto& [from, to, part] : {std::array{"False", "True ", "is in Fortran order"},
                                       std::array{"<f4", "<c8", "which Peal has not"},
                                       std::array{"(5, 6)", "(30,) ", "has 1 dimensions"}}) {
    std::string changed = whole;
    changed.replace(changed.find(from), std::string(from).size(), to);
    std::ofstream(x, std::ios::binary) << changed;
    misuse("all_reduce -n 5", part);
  }
}

TEST(Cli, UnwritableOutputsAreFoundBeforeTheRun) {
  expect_misuse("run all_reduce --output /no/such/folder/y.npy", "cannot be written");
  expect_misuse("run all_reduce --json /no/such/folder/y.json", "cannot be written");
  expect_misuse("list --json /no/such/folder/y.json", "cannot be written");
}

TEST(Cli, AKilledRunLeavesNoFile) {
  const TemporaryFolder folder;
  const int probe = ::open(folder.path(".").c_str(), O_WRONLY | O_TMPFILE, 0600);
  if (probe < 0) GTEST_SKIP() << "this file system has no files without names";
  ::close(probe);
  // Ends by itself long after the signal only.
  const std::string output = " --output " + folder.path("y.npy");
  const std::string command = "timeout -s KILL 0.3 '" PEAL_BINARY
                              "' run all_gather -a direct -n 1000 -c 100 >/dev/null 2>&1" +
                              output;
  EXPECT_NE(std::system(command.c_str()), 0);
  EXPECT_EQ(folder.file_count(), 0);
}

TEST(Cli, OptionsWithoutEffectAreNoted) {
  const Finished finished = run_peal(
      "run barrier -c 3 -t i8 --op max --root 9 --fill rand --seed 3 --output /no/folder/y.npy");
  EXPECT_EQ(finished.code, 0) << finished.err;
  for (const char* option :
       {"--count", "--dtype", "--op", "--root", "--fill", "--seed", "--output"}) {
    EXPECT_NE(finished.err.find(std::string("peal: note: barrier does not use ") + option + "\n"),
              std::string::npos)
        << option;
  }
  EXPECT_NE(run_peal("run all_reduce --seed 3").err.find("--fill ramp does not use --seed"),
            std::string::npos);
}

TEST(Cli, ArraysGoInAndOut) {
  const TemporaryFolder folder;
  constexpr std::size_t ranks = 4, count = 1003;
  std::vector<float> x(ranks * count);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * i % 1000) * 0.37f - 100;
  const std::array shape = {ranks, count};
  const std::array chunks = {std::as_bytes(std::span(x))};
  NpyOutput(folder.path("x.npy")).commit(DType::f32, shape, chunks);
  const std::string files =
      " --input " + folder.path("x.npy") + " --output " + folder.path("y.npy");
  const Finished finished = run_peal("run all_reduce -n 4" + files);
  EXPECT_EQ(finished.code, 0) << finished.err;
  const NpyArray y = read_npy(folder.path("y.npy"));
  EXPECT_EQ(y.shape, (std::vector<std::size_t>{ranks, count}));
  ASSERT_EQ(y.dtype, DType::f32);
  const float* const out = reinterpret_cast<const float*>(y.data.data());
  for (std::size_t i = 0; i < count; ++i) {
    const float sum = x[i] + x[count + i] + x[2 * count + i] + x[3 * count + i];
    for (std::size_t rank = 0; rank < ranks; ++rank) EXPECT_NEAR(out[rank * count + i], sum, 1e-3);
  }
  EXPECT_EQ(run_peal("run all_gather -n 4" + files).code, 0);
  EXPECT_EQ(read_npy(folder.path("y.npy")).shape, (std::vector<std::size_t>{ranks, ranks * count}));
}

TEST(Cli, JsonSaysWhatIsPrinted) {
  const TemporaryFolder folder;
  EXPECT_EQ(run_peal("run reduce -n 3 --root 1 -a tree --json " + folder.path("x.json")).code, 0);
  const auto run = nlohmann::json::parse(file_text(folder.path("x.json")));
  EXPECT_EQ(run.at("verdict"), "PASS");
  EXPECT_EQ(run.at("algorithm"), "tree");
  EXPECT_EQ(run.at("per_rank").size(), 3u);
  EXPECT_EQ(run.at("per_rank")[1].at("max_difference"), 0.0);
  EXPECT_TRUE(run.at("per_rank")[0].at("max_difference").is_null());
  const auto list = nlohmann::json::parse(run_peal("list --json").out);
  EXPECT_EQ(list.at("collectives")[0].at("name"), "all_reduce");
  EXPECT_EQ(list.at("collectives").size(), 9u);
  EXPECT_GE(list.at("platforms").size(), 3u);
}

TEST(Cli, JsonOfRealRanksHasNoSchedule) {
  const Finished real = run_peal("run barrier -p shm -n 2 --json -");
  EXPECT_EQ(real.code, 0) << real.err;
  EXPECT_FALSE(nlohmann::json::parse(real.out).contains("schedule"));
  EXPECT_EQ(nlohmann::json::parse(run_peal("run barrier -n 2 --json -").out)["schedule"],
            "virtual");
}

TEST(Cli, ChecksOfAGraphSayThatTheyAreClean) {
  const std::string graph = "graph examples/graphs/sum_of_sums.toml";
  EXPECT_NE(run_peal(graph + " --checks").out.find("\nchecks: clean\n"), std::string::npos);
  EXPECT_EQ(run_peal(graph).out.find("checks:"), std::string::npos);
}

TEST(Cli, HelpAndVersion) {
  EXPECT_TRUE(run_peal("--version").out.starts_with("peal "));
  for (const char* arguments : {"--version", "--help", "run --help", "list --help"}) {
    const Finished finished = run_peal(arguments);
    EXPECT_EQ(finished.code, 0) << arguments;
    EXPECT_EQ(finished.err, "") << arguments;
  }
}

}  // namespace
}  // namespace peal
