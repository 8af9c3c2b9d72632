// SPDX-License-Identifier: Apache-2.0
// Transfers by the DMA engine of a core.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/support/small_kernel.h"

namespace peal {
namespace {

// The window holds 1 to 16, at 0; `from` and `to` are its elements 0 to 15 and 32 to 47.
const std::string head =
    "using namespace pto::comm; AsyncSession session; Tile<TileType::Vec, uint8_t, 1, 256> scratch;"
    " TASSIGN(scratch, 0); for (int i = 0; i < 16; ++i) st_dev(i + 1, window + i);"
    " Row from(window, Shape<1, 1, 1, 1, DYNAMIC>(16));"
    " Row to(window + 32, Shape<1, 1, 1, 1, DYNAMIC>(16));"
    " BuildAsyncSession<DmaEngine::SDMA>(scratch, (uint8_t*)nullptr, session); ";
const std::string tail = " for (int i = 0; i < 16; ++i) out[i] = ld_dev(window + 32 + i);" + flush;

TEST(PtoAsync, TransfersReachPeersOnAnyRanksAndSchedule) {
  const std::string path = PEAL_SOURCE_DIR "/tests/pto/async.toml";
  for (int ranks : {1, 2, 3, 7, 16}) {
    for (const char* schedule : {"virtual", "random:1", "random:2", "random:3"}) {
      const CaseRunResult result = run_file(path, ranks, schedule);
      EXPECT_EQ(result.mismatch.value_or(""), "") << " P=" << ranks << " " << schedule;
    }
  }
}

TEST(PtoAsync, NothingButItsWaitWaitsForATransfer) {
  const std::string put = head + "auto event = TPUT_ASYNC(to, from, session);";
  expect_part(SmallKernel(put + "pipe_sync();" + tail).message(), "element 0 of call 0 is 0");
  EXPECT_EQ(SmallKernel(put + "event.Wait(session);" + tail).message(), "passed");
  EXPECT_EQ(SmallKernel(put + "while (!event.Test(session)) {}" + tail).message(), "passed");
  expect_part(SmallKernel(put + "if (event.Test(session)) st_dev(9, to.data());" + tail).message(),
              "element 0 of call 0 is 0");
}

TEST(PtoAsync, OneWaitDrainsAllEarlierTransfers) {
  const std::string many =
      head +
      "using One = GlobalTensor<float, Shape<1, 1, 1, 1, 1>, Stride<1, 1, 1, 1, 1>>;"
      " AsyncEvent last; for (int k = 0; k < 200; ++k) {"
      "   One a(window + k % 16), b(window + 32 + k % 16);"
      "   last = TGET_ASYNC<DmaEngine::URMA>(b, a, session, 0u); }"
      " if (last.engine != DmaEngine::URMA) return; last.Wait(session);";
  for (const char* schedule : {"virtual", "random:1", "random:2"}) {
    EXPECT_EQ(SmallKernel(many + tail).message(1, schedule), "passed");
  }
}

// A kernel that waits for nothing ends at once, unless a session has too many outstanding.
TEST(PtoAsync, ASessionHas64TransfersOutstanding) {
  const auto time_ns = [](int transfers, int sessions) {
    const SmallKernel kernel(
        fmt::format("using namespace pto::comm; AsyncSession all[2];"
                    " for (auto& session : all) BuildAsyncSession((uint8_t*)nullptr, session);"
                    " Row a(window, Shape<1, 1, 1, 1, DYNAMIC>(1));"
                    " Row b(window + 32, Shape<1, 1, 1, 1, DYNAMIC>(1));"
                    " for (int k = 0; k < {}; ++k) TPUT_ASYNC(b, a, all[k % {}]);",
                    transfers, sessions));
    return kernel.run().report.time_ps / 1000;
  };
  EXPECT_LT(time_ns(64, 1), 1000);
  EXPECT_GE(time_ns(65, 1), 2500);
  EXPECT_LT(time_ns(65, 1), 5000);
  EXPECT_GE(time_ns(66, 1), 5000);
  EXPECT_LT(time_ns(64, 2), 1000);
}

TEST(PtoAsync, WhatIsNotOneRunIsNotMoved) {
  const std::string rows =
      head +
      "using Rows = GlobalTensor<float, Shape<1, 1, 1, 2, 8>, Stride<32, 32, 32, DYNAMIC, 1>>;"
      " Rows apart(window, Shape<1, 1, 1, 2, 8>(), Stride<32, 32, 32, DYNAMIC, 1>(16));"
      " Rows joined(window, Shape<1, 1, 1, 2, 8>(), Stride<32, 32, 32, DYNAMIC, 1>(8));"
      " Row shorter(window, Shape<1, 1, 1, 1, DYNAMIC>(15));"
      " Row none(window, Shape<1, 1, 1, 1, DYNAMIC>(0));"
      " auto event = TPUT_ASYNC(to, apart, session);"
      " if (event.valid() || event.handle != 0 || !event.Wait(session)) return;"
      " if (TPUT_ASYNC(to, shorter, session).valid() || TPUT_ASYNC(none, none, session).valid())"
      "   return;";
  expect_part(SmallKernel(rows + tail).message(), "element 0 of call 0 is 0");
  EXPECT_EQ(SmallKernel(rows + "TPUT_ASYNC(to, joined, session).Wait(session);" + tail).message(),
            "passed");
}

TEST(PtoAsync, MistakesAreNamedWithTheirLine) {
  const std::string unmade =
      SmallKernel(head + "AsyncSession no; TPUT_ASYNC(to, from, no);").message();
  expect_part(unmade, "with a session that BuildAsyncSession has not made");
  expect_part(unmade, "kernel.cpp:100");
  const std::string outside = SmallKernel(head +
                                          "Row big(window + 60, Shape<1, 1, 1, 1, DYNAMIC>(16));"
                                          " TGET_ASYNC(big, from, session, 3);")
                                  .message();
  expect_part(outside, "TGET_ASYNC of bytes 240..304 of `scratch` of rank 0, which has 256 bytes");
  expect_part(outside, "kernel.cpp:100");
}

// What transfers of these lengths take on the hardware, in ticks of 20 ns.
TEST(PtoAsync, TransfersTakeWhatWasMeasured) {
  struct Measured {
    int bytes;
    double ticks;
  };
  for (const auto& [bytes, ticks] : {Measured{4096, 136.51}, Measured{65536, 277.25},
                                     Measured{1 << 20, 2624.24}, Measured{1 << 22, 10273.68}}) {
    const int count = bytes / 4;
    const SmallKernel kernel(
        fmt::format("using namespace pto::comm; AsyncSession session;"
                    " BuildAsyncSession<DmaEngine::URMA>((uint8_t*)nullptr, session);"
                    " Row a(window, Shape<1, 1, 1, 1, DYNAMIC>({0}));"
                    " Row b(window + {0}, Shape<1, 1, 1, 1, DYNAMIC>({0}));"
                    " TPUT_ASYNC(b, a, session).Wait(session);",
                    count),
        "kernel_entry", 2 * count);
    const double time_ns = static_cast<double>(kernel.run().report.time_ps) / 1000;
    EXPECT_NEAR(time_ns, ticks * 20, 0.1 * ticks * 20) << bytes;
  }
}

class Recorder final : public EventReader {
 public:
  void read(const Event& event) override {
    if (event.pipe == Pipe::dma || event.kind == EventKind::dma_wait) {
      events.push_back(event);
      if (!event.reads.empty()) reads.push_back(event.reads[0]);
      if (!event.writes.empty()) writes.push_back(event.writes[0]);
    }
  }
  std::vector<Event> events;  // without their spans
  std::vector<Footprint> reads, writes;
};

TEST(PtoAsync, ReadersAreToldOfTransfersAndWaits) {
  Recorder recorder;
  const SmallKernel kernel(head +
                           "TPUT_ASYNC(to, from, session); TPUT_ASYNC(to, from, session)"
                           ".Wait(session);" +
                           tail);
  RunOptions options;
  options.readers = {&recorder};
  static_cast<void>(kernel.run(options));
  std::vector<EventKind> kinds;
  for (const Event& event : recorder.events) kinds.push_back(event.kind);
  EXPECT_EQ(kinds, (std::vector{EventKind::store, EventKind::store_visible, EventKind::store,
                                EventKind::store_visible, EventKind::dma_wait}));
  ASSERT_EQ(recorder.events.size(), 5u);
  EXPECT_EQ(recorder.events[0].value, 0);
  EXPECT_EQ(recorder.events[2].value, 1);
  EXPECT_EQ(recorder.events[4].value, 2);
  ASSERT_EQ(recorder.reads.size(), 2u);
  EXPECT_EQ(recorder.reads[0].size_bytes(), 64u);
  EXPECT_EQ(recorder.reads[0].element_bytes, 4u);
  EXPECT_EQ(recorder.writes[0].address - recorder.reads[0].address, 128u);
}

}  // namespace
}  // namespace peal
