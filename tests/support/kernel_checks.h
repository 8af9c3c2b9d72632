// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <fstream>
#include <string>
#include <vector>

#include "peal/base/error.h"
#include "peal/launch/case_run.h"
#include "tests/support/program.h"

namespace peal {

// One name that kernels use, and what it has to do.
struct Check {
  const char* name;
  const char* body;  // of a function of `k`; returns a bool
};

// What the checks share. `k.a`, `k.b` and `k.c` are 256 floats of global memory each.
inline constexpr const char* check_prelude = R"x(
#ifndef __aicore__
#define __aicore__ [aicore]
#endif
#ifndef __gm__
#define __gm__
#endif
#include <pto/common/constants.hpp>
#include <pto/common/pto_tile.hpp>
#include <pto/pto-inst.hpp>

#include "intrinsic.h"
#include "pipe_sync.h"
#include "platform_comm/comm_context.h"
#include "pto/comm/async_common/async_types.hpp"
#include "pto/comm/comm_types.hpp"
#include "pto/comm/pto_comm_inst.hpp"
#include "tensor.h"

using namespace pto;

namespace {

struct Memory {
  __gm__ float *a, *b, *c;
  __gm__ int32_t *cells;  // 64, all 0 before a check
  __gm__ int64_t *args;
  __gm__ CommContext *context;
};

using Row = GlobalTensor<float, Shape<1, 1, 1, 1, 16>, Stride<16, 16, 16, 16, 1>>;
using RowTile = Tile<TileType::Vec, float, 1, 16>;

// a[i] = i, b[i] = 2, c[i] = -1, and no cell is set.
AICORE void reset(Memory &k) {
  for (int i = 0; i < 256; ++i) {
    st_dev(float(i), k.a + i, 0);
    st_dev(2.0f, k.b + i, 0);
    st_dev(-1.0f, k.c + i, 0);
  }
  for (int i = 0; i < 64; ++i) st_dev(0, k.cells + i);
  dcci(k.a, ENTIRE_DATA_CACHE);
}
AICORE bool holds(__gm__ float *at, int count, float first, float step) {
  pipe_sync();
  for (int i = 0; i < count; ++i) {
    if (ld_dev(at + i) != first + step * i) return false;
  }
  return true;
}
template <typename T>
AICORE inline void load(T &tile, Memory &k, int slot, __gm__ float *from) {
  TASSIGN(tile, slot * 0x1000);
  Row source(from);
  TLOAD(tile, source);
  pipe_barrier(PIPE_ALL);
}
template <typename T>
AICORE inline bool stored(T &tile, Memory &k, float first, float step) {
  pipe_barrier(PIPE_ALL);
  Row target(k.c);
  TSTORE(target, tile);
  return holds(k.c, 16, first, step);
}
struct Loaded {
  RowTile x, y, z;
  AICORE explicit Loaded(Memory &k) {
    load(x, k, 0, k.a);
    load(y, k, 1, k.b);
    TASSIGN(z, 0x2000);
  }
};

}  // namespace
)x";

// Nothing where all checks hold; otherwise the name of the first that does not, or the error.
inline std::string failure(const std::vector<Check>& checks, const char* core = "aiv") {
  const TemporaryFolder folder;
  std::ofstream source(folder.path("kernel.cpp"));
  source << check_prelude;
  std::string calls;
  for (std::size_t i = 0; i < checks.size(); ++i) {
    source << fmt::format("#line 1 \"{}\"\nAICORE bool check_{}(Memory &k) {{ {} }}\n",
                          checks[i].name, i, checks[i].body);
    calls += fmt::format(
        "  reset(k); st_dev(check_{0}(k) ? 1.0f : 0.0f, out + {0});"
        " pipe_sync();\n",
        i);
  }
  source << "#line 1 \"kernel_entry\"\n"
            "extern \"C\" __aicore__ __attribute__((always_inline)) void kernel_entry("
            "__gm__ int64_t *args) {\n"
            "  auto *out = (__gm__ float *)((__gm__ Tensor *)args[0])->buffer.addr;\n"
            "  auto *own = (__gm__ float *)((__gm__ Tensor *)args[1])->buffer.addr;\n"
            "  Memory k{own, own + 256, own + 512, (__gm__ int32_t *)(own + 768), args,"
            " (__gm__ CommContext *)args[2]};\n"
         << calls << "}\n";
  source.close();
  std::ofstream(folder.path("case.toml"))
      << "ranks = [1]\ntolerance = 0.0\n"
      << fmt::format(
             "args = [ {{ out = \"f32[{}]\" }}, {{ window = \"scratch\" }}, "
             "{{ context = true }} ]\n",
             checks.size())
      << "expect = { out0 = 1 }\n[[kernel]]\nid = 0\nfile = \"kernel.cpp\"\n"
         "core = \""
      << core << "\"\n[window.scratch]\ndtype = \"f32\"\ncount = 1024\n";
  try {
    const CaseFile file = read_case_file(folder.path("case.toml"));
    const CaseRunResult result = run_case(file, {.ranks = 1});
    if (!result.mismatch) return "";
    const std::size_t at = result.mismatch->find("element ") + 8;
    return checks[std::stoul(result.mismatch->substr(at))].name +
           (" is false: " + *result.mismatch);
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace peal
