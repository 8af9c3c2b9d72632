// SPDX-License-Identifier: Apache-2.0
// Cores for vectors and cores for matrices.
#include <gtest/gtest.h>

#include <fstream>

#include "peal/run/core_type.h"
#include "tests/support/small_kernel.h"

namespace peal {
namespace {

std::string message(const std::string& body, const std::string& core) {
  return SmallKernel(body, "kernel_entry", 256, core).message();
}

const std::string vector_tile = "RowTile tile(16); TASSIGN(tile, 0);";
const std::string matrix_tile =
    "Tile<TileType::Mat, float, 16, 16, BLayout::ColMajor, 16, 16, SLayout::RowMajor, 512> tile;"
    " TASSIGN(tile, 0);";
const std::string accumulator = "TileAcc<float, 16, 16> tile; TASSIGN(tile, 0);";

TEST(PtoCoreType, ATileLiesInAMemoryOfItsCore) {
  EXPECT_EQ(message(vector_tile + numbers, "aiv"), "passed");
  EXPECT_EQ(message(matrix_tile + numbers, "aic"), "passed");
  EXPECT_EQ(message(accumulator + numbers, "aic"), "passed");
  const std::string vector = message(vector_tile, "aic");
  expect_part(vector, "TASSIGN of a Vec tile on an AIC core; make the case say core = \"aiv\"");
  expect_part(vector, "kernel.cpp:100");
  for (const std::string& tile : {matrix_tile, accumulator}) {
    expect_part(message(tile, "aiv"),
                "TASSIGN of a Mat, Left, Right or Acc tile on an AIV core; make the case say "
                "core = \"aic\"");
  }
}

// A tile may be placed by other means than TASSIGN.
TEST(PtoCoreType, AnInstructionOfTheOtherCoreIsNamedWithItsLine) {
  const std::string on_vector_core = message(
      "TileLeft<float, 16, 16> a; TileRight<float, 16, 16> b; TileAcc<float, 16, 16> c;"
      " RowTile row(16); TASSIGN(row, 0); c.place_at((char*)row.data() + 192 * 1024);"
      " TMATMUL(c, a, b);",
      "aiv");
  expect_part(on_vector_core, "TMATMUL of a Mat, Left, Right or Acc tile on an AIV core");
  expect_part(on_vector_core, "kernel.cpp:100");
  expect_part(message(accumulator + "RowTile row(16); row.place_at((char*)tile.data() -"
                                    " (192 + 512 + 64 + 64) * 1024); TEXPANDS(row, 1.0f);",
                      "aic"),
              "TEXPANDS of a Vec tile on an AIC core");
}

// A case of an AIV kernel 0 and an AIC kernel 1, whose shim submits what `body` says.
class BothTypes {
 public:
  explicit BothTypes(const std::string& body, const std::string& cores = "2") {
    std::ofstream(folder_.path("vector.cpp"))
        << "#include <pto/pto-inst.hpp>\n#include \"tensor.h\"\n"
           "extern \"C\" void kernel_entry(int64_t* args) {\n"
           "  auto* to = (float*)((Tensor*)args[0])->buffer.addr;\n"
           "  for (int i = 0; i < 16; ++i) st_dev(ld_dev(to + i) + 1, to + i);\n}\n";
    std::ofstream(folder_.path("matrix.cpp"))
        << "#include <pto/pto-inst.hpp>\n#include \"tensor.h\"\n"
           "extern \"C\" void kernel_entry(int64_t* args) {\n"
           "  auto* to = (float*)((Tensor*)args[0])->buffer.addr;\n"
           "  for (int i = 0; i < 16; ++i) st_dev(ld_dev(to + i) * 2, to + i);\n}\n";
    std::ofstream(folder_.path("orch.cpp"))
        << "#include \"pto_orchestration_api.h\"\nextern \"C\" PTO2OrchestrationConfig "
           "both_config(const ChipTaskArgs&) { return {.expected_arg_count = 1}; }\n"
           "extern \"C\" void both(const ChipTaskArgs& args) {\n"
           "  CoreTaskArgs p; p.add_inout(args.tensor(0).ref());\n"
        << body << "\n}\n";
    std::ofstream(folder_.path("case.toml"))
        << "ranks = [2]\ntolerance = 0.0\ncores = " << cores
        << "\nargs = [ { inout = \"f32[16]\", fill = \"i\" } ]\nexpect = { out0 = \"2*i + 3\" }\n"
           "[[kernel]]\nid = 0\nfile = \"vector.cpp\"\ncore = \"aiv\"\n"
           "[[kernel]]\nid = 1\nfile = \"matrix.cpp\"\ncore = \"aic\"\n"
           "[orchestration]\nfile = \"orch.cpp\"\nname = \"both\"\n";
  }
  [[nodiscard]] std::string message(const std::string& schedule) const {
    try {
      return run_file(folder_.path("case.toml"), 2, schedule).mismatch.value_or("passed");
    } catch (const Error& error) {
      return error.what();
    }
  }

 private:
  TemporaryFolder folder_;
};

TEST(PtoCoreType, TasksGoToCoresOfTheirType) {
  const std::string tasks =
      "rt_submit_aiv_task(0, p); rt_submit_aic_task(1, p); rt_submit_aiv_task(0, p);";
  for (const char* cores : {"1", "3"}) {
    const BothTypes both(tasks, cores);
    for (const char* schedule : {"virtual", "random:1", "random:2"}) {
      EXPECT_EQ(both.message(schedule), "passed") << cores << schedule;
    }
  }
}

TEST(PtoCoreType, ATaskForTheOtherTypeIsRefused) {
  expect_part(BothTypes("rt_submit_aic_task(0, p);").message("virtual"),
              "submits a task of kernel 0 by rt_submit_aic_task, and the case");
  expect_part(BothTypes("rt_submit_aiv_task(1, p);").message("virtual"),
              "says that its core is `aic`; make them agree");
}

}  // namespace
}  // namespace peal
