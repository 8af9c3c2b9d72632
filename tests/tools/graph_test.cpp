// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "peal/base/error.h"
#include "peal/tools/graph_file.h"
#include "peal/tools/graph_run.h"

namespace peal {
namespace {

namespace fs = std::filesystem;

// A graph file that lives as long as the test.
class GraphText {
 public:
  explicit GraphText(const std::string& text)
      : path_(fs::path(testing::TempDir()) /
              fmt::format("graph_{}.toml",
                          testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::ofstream(path_) << text;
  }
  ~GraphText() { fs::remove(path_); }
  GraphText(const GraphText&) = delete;
  GraphText& operator=(const GraphText&) = delete;

  [[nodiscard]] GraphRunResult run(const GraphRunRequest& request = {}) const {
    return run_graph(read_graph_file(path_.string()), request);
  }
  // What is wrong with it, without the file's name.
  [[nodiscard]] std::string error() const {
    try {
      static_cast<void>(run());
    } catch (const Error& error) {
      const std::string text = error.what(),
                        subject = fmt::format("graph file `{}`", path_.string());
      const std::size_t at = text.find(subject);
      return at == text.npos ? text : text.substr(at + subject.size());
    }
    return "no error";
  }

 private:
  fs::path path_;
};

std::string sum_graph(const std::string& task, const std::string& more = "") {
  constexpr const char* start = R"(
devices = "0-2"
[values]
N = 100
[callable.sum]
collective = "all_reduce"
[domain.all]
devices = "0-2"
window_bytes = 4096
buffers = [ { name = "scratch", array = "i32[N]" } ]
[buffer.x]
devices = "0-2"
array = "f32[N]"
fill = "i + 100*rank"
[buffer.y]
devices = "0-2"
array = "f32[N]"
expect = "3*i + 300"
[buffer.h]
host = true
array = "f32[3*N]"
)";
  return fmt::format("{}{}[[task]]\nname = \"sum\"\n{}", start, more, task);
}

constexpr const char* sum_task =
    "run = \"sum\"\ndevices = \"0-2\"\n"
    "args = [ { in = \"x\" }, { out = \"y\" }, { context = \"all\" } ]\n";

TEST(Graph, ExampleRunsOnEveryPlatform) {
  const GraphFile file = read_graph_file(PEAL_SOURCE_DIR "/examples/graphs/two_sums.toml");
  for (const char* platform : {"a2a3sim", "a5sim"}) {
    for (const char* schedule : {"virtual", "random:3"}) {
      const GraphRunResult result =
          run_graph(file, {.platform = platform, .checks = true, .schedule = schedule});
      EXPECT_EQ(result.mismatch, std::nullopt);
      EXPECT_EQ(result.failure, std::nullopt);
      EXPECT_TRUE(result.report.findings.empty()) << result.report.findings.front();
      EXPECT_EQ(result.differences.size(), 5u);
      EXPECT_LE(result.report.critical_path_ps, result.report.time_ps);
      EXPECT_LE(result.report.time_ps, result.report.serial_ps);
    }
  }
}

TEST(Graph, ComparesWhatItExpects) {
  EXPECT_EQ(GraphText(sum_graph(sum_task)).run().mismatch, std::nullopt);
  const GraphRunResult wrong =
      GraphText(sum_graph(sum_task, "[buffer.z]\ndevices = 1\narray = \"i8[2]\"\nexpect = \"i\"\n"))
          .run();
  EXPECT_EQ(wrong.mismatch, "`z` of device 1 element 1 is 0, expected 1");
}

TEST(Graph, CopiesPartsInTheOrderOfTheirBytes) {
  const std::string copies = R"([[task]]
copy = { to = { place = "h", first = "N", count = "N" }, from = "y@1" }
[[task]]
copy = { to = { place = "h", first = "2*N" }, from = { place = "h", first = "N", count = "N" } }
after = ["sum"]
)";
  const std::string expect =
      "[buffer.all_h]\nhost = true\narray = \"f32[3*N]\"\nexpect = \"(3*(i%N) + 300) * min(i/N, "
      "1)\"\n";
  const GraphRunResult result = GraphText(sum_graph(sum_task, expect) + copies +
                                          "[[task]]\ncopy = { to = \"all_h\", from = \"h\" }\n")
                                    .run();
  EXPECT_EQ(result.mismatch, std::nullopt);
  EXPECT_NE(result.dot.find("t0 -> t1"), std::string::npos) << result.dot;
}

TEST(Graph, FailedTasksAreToldWithTheRest) {
  // All but one member of the sum.
  const GraphRunResult result =
      GraphText(sum_graph("run = \"sum\"\ndevices = \"0-1\"\n"
                          "args = [ { in = \"x\" }, { out = \"y\" }, { context = \"all\" } ]\n"
                          "[[task]]\nname = \"use\"\ncopy = { to = \"h\", from = \"h\" }\n"
                          "[[task]]\nname = \"need\"\ncopy = { to = \"x@0\", from = \"y@0\" }\n"))
          .run();
  ASSERT_TRUE(result.failure);
  EXPECT_NE(result.failure->find("task 0 `sum` on devices 0-1 failed: deadlock"), std::string::npos)
      << *result.failure;
  EXPECT_NE(result.failure->find("task 2 `need` on the host was not run, because task 0 `sum`"),
            std::string::npos)
      << *result.failure;
}

TEST(Graph, SaysWhatIsWrongWithTheFile) {
  const std::pair<std::string, std::string> cases[] = {
      {"devices = 0\n", ": the file lacks `task`; see docs/graph_files.md for what it says"},
      {"task = []\n", ": the file lacks `devices`; see docs/graph_files.md for what it says"},
      {"devices = [0, 0]\ntask = []\n", ": `devices[1]` is device 0 again; name each once"},
      {"devices = 0\nspeed = 2\ntask = []\n",
       ": `speed` is an unknown key; use one of platform, devices, checks, tolerance, values, "
       "callable, domain, buffer, task"},
      {"devices = 0\ntask = []\nplatform = \"b9sim\"\n",
       "platform `b9sim` is unknown; use one of a2a3sim, a5sim, hostsim, shm, or the path of a "
       ".toml file"},
      {sum_graph("run = \"product\"\ndevices = 0\n"),
       ": `task[0].run` names `product`, which is no callable; there are sum"},
      {sum_graph("run = \"sum\"\ndevices = 7\n"),
       ": `task[0].devices` names device 7, which `devices` of the file does not have"},
      {sum_graph("run = \"sum\"\ncopy = {}\n"),
       ": `task[0]` has both `run` and `copy`, or neither; give one of them"},
      {sum_graph("run = \"sum\"\ndevices = 0\nargs = [ { in = \"w\" } ]\n"),
       ": `task[0].args[0].in` names `w`, which is no buffer; there are x, y, h"},
      {sum_graph("run = \"sum\"\ndevices = 0\nargs = [ { in = \"x\", first = \"N+1\" } ]\n"),
       ": `task[0].args[0].first` is 101, beyond the 100 elements of `x`; give a smaller one"},
      {sum_graph("run = \"sum\"\ndevices = 0\nargs = [ { in = \"x\" } ]\n"),
       "task 0 `sum`: all_reduce: there is no context; add .context(domain[rank])"},
      {"devices = 0\ntask = []\n[values]\nN = \"call\"\n",
       ": `values.N` cannot be read: expression `call`: `call` at column 1 is unknown; use one of "
       "P, "
       "rank, min(...), max(...)"},
      {"devices = 0\ntask = []\n[values]\nN = \"1/0\"\n[buffer.x]\ndevices = 0\narray = "
       "\"f32[N]\"\n",
       ": `values.N` has no value for P = 1, rank = 0: expression `1/0`: the operator at column 2 "
       "divides 1 by zero; give it another divisor"},
      {"devices = 0\ntask = []\n[callable.x]\ncollective = \"all_reduce\"\nop = \"nope\"\n",
       ": `callable.x.op` cannot be read: operation `nope` is unknown; use one of sum, prod, min, "
       "max"},
      {sum_graph(fmt::format("{}after = [\"later\"]\n", sum_task)),
       ": `task[0].after[0]` names `later`, which is no earlier task; there is none"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(GraphText(text).error(), expected);
}

}  // namespace
}  // namespace peal
