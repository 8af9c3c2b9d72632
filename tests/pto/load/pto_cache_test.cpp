// SPDX-License-Identifier: Apache-2.0
// Kernels whose raw accesses go through the scalar cache: each mistake beside its repaired twin.
#include <gtest/gtest.h>

#include "tests/support/small_kernel.h"

namespace peal {
namespace {

// Stores 1 to 16 into the window through a tile of MTE3.
const std::string store_window =
    "RowTile tile(16); TASSIGN(tile, 0); for (int i = 0; i < 16; ++i) tile.SetValue(i, i + 1);"
    " set_flag(PIPE_S, PIPE_MTE3, EVENT_ID0); wait_flag(PIPE_S, PIPE_MTE3, EVENT_ID0);"
    " Row row(window, Shape<1, 1, 1, 1, DYNAMIC>(16)); TSTORE(row, tile); pipe_sync();";
const std::string copy_out = " for (int i = 0; i < 16; ++i) out[i] = window[i];";

TEST(PtoCache, AMissingDcciReadsWhatTheLineHeldBefore) {
  const std::string first = "float before = window[3]; out[0] = before;";
  expect_part(SmallKernel(first + store_window + copy_out + flush).message(),
              "element 0 of call 0 is 0, expected 1");
  EXPECT_EQ(
      SmallKernel(first + store_window + "dcci(window, SINGLE_CACHE_LINE);" + copy_out + flush)
          .message(),
      "passed");
  EXPECT_EQ(SmallKernel(store_window + copy_out + flush).message(), "passed") << "nothing cached";
}

TEST(PtoCache, ADirtyLineRestoresItsStaleNeighbours) {
  const std::string dirty = "out[0] = 1;";
  const std::string rest =
      " RowTile tile(16); TASSIGN(tile, 0); for (int i = 0; i < 16; ++i) tile.SetValue(i, i + 1);"
      " set_flag(PIPE_S, PIPE_MTE3, EVENT_ID0); wait_flag(PIPE_S, PIPE_MTE3, EVENT_ID0);"
      " Row row(out, Shape<1, 1, 1, 1, DYNAMIC>(16)); TSTORE(row, tile); pipe_sync();";
  expect_part(SmallKernel(dirty + rest + flush).message(), "element 1 of call 0 is");
  EXPECT_EQ(SmallKernel(dirty + flush + rest).message(), "passed") << "cleaned before the store";
}

TEST(PtoCache, AStoreThatIsNeverFlushedComesToMemoryAtTheEnd) {
  const std::string stores = "for (int i = 0; i < 16; ++i) out[i] = i + 1;";
  EXPECT_EQ(SmallKernel(stores + " pipe_sync();").message(), "passed");
  expect_part(SmallKernel("float early = 0;" + stores +
                          " early = ld_dev(out); for (int i = 0; i < 16; ++i) out[i] = early;")
                  .message(),
              "element 0 of call 0 is nan");
  EXPECT_EQ(SmallKernel(stores + flush).message(), "passed");
  EXPECT_EQ(SmallKernel(stores + " dcci(out + 8, SINGLE_CACHE_LINE, CACHELINE_OUT);").message(),
            "passed");
  EXPECT_EQ(SmallKernel("for (int i = 0; i < 16; ++i) st_dev(i + 1, out + i);").message(),
            "passed");
}

TEST(PtoCache, ALoadOfMte2DoesNotSeeWhatIsDirty) {
  const std::string through =
      " RowTile tile(16); TASSIGN(tile, 0); Row from(window, Shape<1, 1, 1, 1, DYNAMIC>(16));"
      " Row to(out, Shape<1, 1, 1, 1, DYNAMIC>(16)); TLOAD(tile, from);"
      " set_flag(PIPE_MTE2, PIPE_MTE3, EVENT_ID0); wait_flag(PIPE_MTE2, PIPE_MTE3, EVENT_ID0);"
      " TSTORE(to, tile); pipe_sync();";
  const std::string stores = "for (int i = 0; i < 16; ++i) window[i] = i + 1;";
  const std::string clean = " dcci(window, ENTIRE_DATA_CACHE); dsb(DSB_DDR);";
  expect_part(SmallKernel(stores + through).message(), "element 0 of call 0 is 0, expected 1");
  EXPECT_EQ(SmallKernel(stores + clean + through).message(), "passed");
}

TEST(PtoCache, CopiesGoThroughIt) {
  EXPECT_EQ(SmallKernel("for (int i = 0; i < 16; ++i) window[i] = i + 1;"
                        " memcpy(out, window, 64);" +
                        flush)
                .message(),
            "passed");
  EXPECT_EQ(
      SmallKernel("struct Part { float values[16]; };"
                  " for (int i = 0; i < 16; ++i) window[i] = i + 1;"
                  " *(Part*)out = *(volatile int*)(window + 20) == 0 ? *(Part*)window : Part{};" +
                  flush)
          .message(),
      "passed");
  expect_part(SmallKernel("memset(window, 0, 64); for (int i = 0; i < 16; ++i) out[i] = i + 1;"
                          " memmove(out, window, 4);" +
                          flush)
                  .message(),
              "element 0 of call 0 is 0, expected 1");
}

TEST(PtoCache, AtomicsOfTheCompilerGoThroughIt) {
  const std::string counts =
      "auto* n = (int32_t*)window; for (int i = 0; i < 16; ++i)"
      " out[i] = __atomic_add_fetch(n, 1, __ATOMIC_RELAXED);";
  EXPECT_EQ(SmallKernel(counts + flush).message(), "passed");
  expect_part(SmallKernel(counts + " out[0] = ld_dev(n) == 16 ? 1 : 2;" + flush).message(),
              "element 0 of call 0 is 2");
}

TEST(PtoCache, TilesAreNotCached) {
  const std::string setup =
      "RowTile tile(16); TASSIGN(tile, 0); for (int i = 0; i < 16; ++i) tile.SetValue(i, i);"
      " float first = tile.GetValue(0); set_flag(PIPE_S, PIPE_V, EVENT_ID0);"
      " wait_flag(PIPE_S, PIPE_V, EVENT_ID0); TADDS(tile, tile, first + 1);"
      " set_flag(PIPE_V, PIPE_S, EVENT_ID0); wait_flag(PIPE_V, PIPE_S, EVENT_ID0);"
      " for (int i = 0; i < 16; ++i) out[i] = tile.GetValue(i);";
  EXPECT_EQ(SmallKernel(setup + flush).message(), "passed");
}

TEST(PtoCache, APollThatIsCachedNeverSeesTheSignal) {
  const std::string notify =
      "pto::comm::Signal signal((int32_t*)window);"
      " TNOTIFY(signal, 1, pto::comm::NotifyOp::Set);";
  const std::string poll = " while (*(volatile int32_t*)window == 0)";
  // A notify of its own refreshes the line and has arrived before the core goes on; a store past
  // the cache does neither.
  const std::string cached = "*(volatile int32_t*)window; st_dev(1, (int32_t*)window);";
  expect_part(SmallKernel(cached + poll + ";").message(), "a dcci is missing in the loop");
  EXPECT_EQ(SmallKernel(notify + poll + " dcci(window, SINGLE_CACHE_LINE);" +
                        " for (int i = 0; i < 16; ++i) out[i] = i + 1;" + flush)
                .message(),
            "passed");
  EXPECT_EQ(SmallKernel(notify + " while (ld_dev((int32_t*)window) == 0);" +
                        " for (int i = 0; i < 16; ++i) st_dev(i + 1, out + i);")
                .message(),
            "passed");
  expect_part(SmallKernel("while (ld_dev(window) == 0);").message(), "polls for ever");
}

}  // namespace
}  // namespace peal
