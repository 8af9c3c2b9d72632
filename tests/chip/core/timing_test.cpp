// SPDX-License-Identifier: Apache-2.0
#include "peal/chip/core/timing.h"

#include <gtest/gtest.h>

namespace peal {
namespace {

// Figures that differ from each other, so that a sum tells which of them went into it.
Platform figures() {
  Platform platform;
  platform.core.cycle_ps = 10;
  platform.memory = {.load_ps_per_byte = 2, .store_ps_per_byte = 3, .startup_ps = 700};
  platform.cube.load_ps_per_byte = 5;
  platform.cube.store_ps_per_byte = 6;
  platform.cube.move_ps_per_byte = 1;
  platform.link = {.ps_per_byte = 4, .load_latency_ps = 9000, .store_latency_ps = 8000};
  platform.dma = {.startup_ps = 500, .ps_per_byte = 7};
  platform.vector.startup_cycles = 3;
  platform.vector.per_repeat_milli_cycles = 2500;
  platform.vector.convert_startup_cycles = 3;
  platform.vector.convert_per_repeat_milli_cycles = 1000;
  platform.vector.floor_cycles = 5;
  return platform;
}

TEST(Timing, ATransferIsAsSlowAsTheSlowestOnItsWay) {
  const Platform platform = figures();
  const Timing timing(platform);
  const auto expect = [](Timing::TransferTime time, Picoseconds startup, Picoseconds duration) {
    EXPECT_EQ(time.startup, startup);
    EXPECT_EQ(time.duration, duration);
  };
  expect(timing.load({.size_bytes = 10}), 700, 20);
  expect(timing.load({.size_bytes = 10, .is_of_cube = true}), 700, 50);
  expect(timing.load({.size_bytes = 10, .is_remote = true}), 9000, 40);
  expect(timing.load({.size_bytes = 10, .is_remote = true, .is_of_cube = true}), 9000, 50);
  expect(timing.store({.size_bytes = 10}), 700, 30);
  expect(timing.store({.size_bytes = 10, .is_remote = true}), 700, 40);
  expect(timing.store({.size_bytes = 10, .is_remote = true, .is_of_cube = true}), 700, 60);
  expect(timing.dma({.size_bytes = 10}), 500, 70);
  expect(timing.dma({.size_bytes = 10, .is_remote = true}), 500, 70);
  EXPECT_EQ(timing.visibility({.size_bytes = 10}), 0);
  EXPECT_EQ(timing.visibility({.size_bytes = 10, .is_remote = true}), 8000);
}

TEST(Timing, AVectorInstructionRepeatsUntilAllBytesAreDone) {
  const Platform platform = figures();
  const Timing timing(platform);
  EXPECT_EQ(timing.combine(256), 60) << "3 + 2.5 cycles, rounded up";
  EXPECT_EQ(timing.combine(257), 80) << "3 + 2 * 2.5 cycles";
  EXPECT_EQ(timing.convert(256), 50) << "3 + 1 cycles, but never below the floor";
  EXPECT_EQ(timing.convert(1024), 70);
}

TEST(Timing, AProductIsCountedInBlocks) {
  const Platform platform = figures();
  const Timing timing(platform);
  TileOperation product;
  product.opcode = TileOpcode::matmul;
  product.a = {.dtype = DType::f16, .valid_rows = 17, .valid_cols = 16};
  product.b = {.dtype = DType::f16, .valid_rows = 16, .valid_cols = 16};
  EXPECT_EQ(timing.tile(Pipe::cube, product), 80) << "6 + 2 * 1 * 1 cycles";
  product.a.dtype = product.b.dtype = DType::f32;
  EXPECT_EQ(timing.tile(Pipe::cube, product), 140) << "6 + 2 * 2 * 1 cycles, twice for 4 bytes";
  TileOperation move;
  move.opcode = TileOpcode::move;
  move.a = product.a;
  EXPECT_EQ(timing.tile(Pipe::mte1, move), 700 + 17 * 16 * 4);
}

}  // namespace
}  // namespace peal
