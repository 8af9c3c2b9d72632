// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "peal/base/error.h"
#include "peal/launch/case_run.h"
#include "tests/support/program.h"

namespace peal {

inline CaseRunResult run_file(const std::string& path, int ranks,
                              const std::string& schedule = "virtual",
                              const std::string& platform = "a2a3sim") {
  const CaseFile file = read_case_file(path);
  return run_case(file, {.platform = platform,
                         .ranks = ranks,
                         .time_limit_seconds = 1,
                         .options = {.schedule = schedule}});
}

// What a kernel ends with that has stored past no cache.
inline const std::string flush = " dcci(out, ENTIRE_DATA_CACHE); dsb(DSB_ALL);";

// What makes the output of a SmallKernel right.
inline const std::string numbers = " for (int i = 0; i < 16; ++i) st_dev(i + 1, out + i);";

// A kernel of one rank whose body is `body`, with a window of 64 floats, or more, and one output
// of 16.
class SmallKernel {
 public:
  explicit SmallKernel(const std::string& body, const std::string& entry = "kernel_entry",
                       int window_count = 64, const std::string& core = "aiv") {
    std::ofstream(folder_.path("kernel.cpp")) << fmt::format(
        "#include <pto/pto-inst.hpp>\n"
        "#include \"pto/comm/pto_comm_inst.hpp\"\n"
        "#include \"pipe_sync.h\"\n"
        "#include \"tensor.h\"\n"
        "#include <string.h>\n"
        "using namespace pto;\n"
        "extern \"C\" void {}(int64_t* args) {{\n"
        "  auto* out = reinterpret_cast<float*>(reinterpret_cast<Tensor*>(args[0])->buffer.addr);\n"
        "  auto* window = "
        "reinterpret_cast<float*>(reinterpret_cast<Tensor*>(args[1])->buffer.addr);\n"
        "  using Row = GlobalTensor<float, Shape<1, 1, 1, 1, DYNAMIC>, Stride<1, 1, 1, 1, 1>>;\n"
        "  using RowTile = Tile<TileType::Vec, float, 1, 64, BLayout::RowMajor, 1, DYNAMIC>;\n"
        "  (void)out; (void)window;\n"
        "#line 100\n"
        "  {}\n"
        "}}\n",
        entry, body);
    std::ofstream(folder_.path("case.toml"))
        << "ranks = [1]\nrank_limit = [1, 2]\ncalls = 1\ntolerance = 0.0\n"
           "args = [ { out = \"f32[16]\" }, { window = \"scratch\" } ]\n"
           "expect = { out0 = \"i + 1\" }\n"
           "[[kernel]]\nid = 0\nfile = \"kernel.cpp\"\ncore = \""
        << core
        << "\"\n"
           "[window.scratch]\ndtype = \"f32\"\ncount = "
        << window_count << "\n";
  }
  [[nodiscard]] CaseRunResult run(const RunOptions& options = {}) const {
    const CaseFile file = read_case_file(folder_.path("case.toml"));
    return run_case(file, {.ranks = 1, .options = options});
  }
  // What comes of it: "passed", the first wrong element, or what the run ended with.
  [[nodiscard]] std::string message(int ranks = 1, const std::string& schedule = "virtual") const {
    try {
      const CaseRunResult result = run_file(folder_.path("case.toml"), ranks, schedule);
      return result.mismatch.value_or("passed");
    } catch (const Error& error) {
      return error.what();
    }
  }

 private:
  TemporaryFolder folder_;
};

inline void expect_part(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

}  // namespace peal
