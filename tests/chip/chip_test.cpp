// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <vector>

#include "peal/chip/core/core.h"
#include "peal/executors/sim/fiber.h"
#include "peal/executors/sim/memory.h"
#include "peal/executors/sim/schedule/random.h"
#include "peal/executors/sim/schedule/virtual_time.h"
#include "peal/launch/platforms.h"
#include "peal/machine/arithmetic.h"

namespace peal {
namespace {

constexpr SourcePlace nowhere{};

// Two ranks of one core each, whose programs are written in instructions.
class Chips final : public ProgramSwitch {
 public:
  Chips() { memory_.begin_run(2, 2, 65536); }

  void run(Agenda& agenda, const std::array<std::function<void(Core&)>, 2>& programs) {
    Fabric fabric({.platform = platform,
                   .agenda = agenda,
                   .programs = *this,
                   .memory = memory_.map(),
                   .regions = memory_,
                   .values = true,
                   .readers = {}});
    fibers_.clear();
    for (int rank = 0; rank < 2; ++rank) {
      Core& core = fabric.add_core(rank, memory_.on_chip(rank));
      fibers_.push_back(std::make_unique<Fiber>(stacks_, [&core, &programs, rank] {
        programs[static_cast<std::size_t>(rank)](core);
        core.finish();
      }));
    }
    while (fabric.step()) {
    }
    finished = fabric.core(0).blocked() == Core::Blocked::finished &&
               fabric.core(1).blocked() == Core::Blocked::finished;
    fibers_.clear();
  }
  void resume(int core) override { fibers_[static_cast<std::size_t>(core)]->resume(); }
  std::span<std::byte> stack(int core) override {
    return fibers_[static_cast<std::size_t>(core)]->stack();
  }
  [[noreturn]] void abandon(int core, std::exception_ptr failure) override {
    fibers_[static_cast<std::size_t>(core)]->abandon(std::move(failure));
  }
  void suspend(int core) override { fibers_[static_cast<std::size_t>(core)]->suspend(); }

  std::byte* global(int rank, std::size_t offset) {
    return memory_.map().translate(memory_.map().base, 0, rank) + offset;
  }
  std::uint32_t* word(int rank, std::size_t offset) {
    return reinterpret_cast<std::uint32_t*>(global(rank, offset));
  }

  Platform platform = load_platform("a2a3");
  bool finished = false;

 private:
  SimMemory memory_;
  StackPool stacks_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
};

void idle(Core&) {}

// load, flag, store, drain: what a put is made of.
void forward(Core& core, std::byte* dst, const std::byte* src, bool with_flag) {
  core.load(core.unified_buffer(), src, 1, DType::u32, nowhere);
  if (with_flag) {
    core.set_flag(Pipe::mte2, Pipe::mte3, 0, nowhere);
    core.wait_flag(Pipe::mte2, Pipe::mte3, 0, nowhere);
  }
  core.store(dst, core.unified_buffer(), 1, DType::u32, nowhere);
}

TEST(Chip, AFlagOrdersTwoPipes) {
  int wrong_without_flag = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    for (bool with_flag : {true, false}) {
      Chips chips;
      *chips.word(0, 0) = 7;
      ScheduleRandom agenda(seed);
      chips.run(agenda, {[&](Core& core) {
                           forward(core, chips.global(0, 64), chips.global(0, 0), with_flag);
                           core.pipe_barrier(Pipe::all, nowhere);
                         },
                         idle});
      ASSERT_TRUE(chips.finished);
      if (with_flag) {
        EXPECT_EQ(*chips.word(0, 64), 7u);
      }
      if (!with_flag && *chips.word(0, 64) != 7) ++wrong_without_flag;
    }
  }
  EXPECT_GT(wrong_without_flag, 0) << "a missing flag is never seen";
}

TEST(Chip, ANotifyOvertakesAStoreThatIsNotDrained) {
  int stale = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    for (bool drained : {true, false}) {
      Chips chips;
      *chips.word(0, 0) = 7;
      std::uint32_t seen = 0;
      ScheduleRandom agenda(seed);
      chips.run(agenda, {[&](Core& core) {
                           forward(core, chips.global(1, 64), chips.global(0, 0), true);
                           if (drained) core.pipe_barrier(Pipe::all, nowhere);
                           core.notify(chips.word(1, 128), 1, NotifyOp::add, nowhere);
                         },
                         [&](Core& core) {
                           core.wait(chips.word(1, 128), WaitCmp::ge, 1, 1, nowhere);
                           seen = *chips.word(1, 64);
                         }});
      ASSERT_TRUE(chips.finished);
      if (drained) {
        EXPECT_EQ(seen, 7u);
      }
      if (!drained && seen != 7) ++stale;
    }
  }
  EXPECT_GT(stale, 0) << "a missing drain is never seen";
}

// A program's own accesses, through the cache.
std::uint32_t load(Core& core, const std::uint32_t* cell) {
  core.scalar_access(reinterpret_cast<const std::byte*>(cell), sizeof(*cell), false, nowhere);
  return *cell;
}
void store(Core& core, std::uint32_t* cell, std::uint32_t value) {
  core.scalar_access(reinterpret_cast<const std::byte*>(cell), sizeof(*cell), true, nowhere);
  *cell = value;
}

TEST(Chip, TheScalarCacheIsNotCoherent) {
  Chips chips;
  ScheduleVirtualTime agenda;
  std::uint32_t first = 1, cached = 1, fresh = 1;
  chips.run(agenda, {[&](Core& core) {
                       first = load(core, chips.word(0, 0));
                       core.wait(chips.word(0, 128), WaitCmp::eq, 5, 1, nowhere);
                       cached = load(core, chips.word(0, 0));
                       core.dcci(chips.global(0, 0), nowhere);
                       fresh = load(core, chips.word(0, 0));
                     },
                     [&](Core& core) {
                       core.spend(1000);
                       store(core, chips.word(0, 0), 9);
                       core.dcci_all(nowhere);
                       core.notify(chips.word(0, 128), 5, NotifyOp::set, nowhere);
                     }});
  ASSERT_TRUE(chips.finished);
  EXPECT_EQ(first, 0u);
  EXPECT_EQ(cached, 0u) << "a cached line sees no later write";
  EXPECT_EQ(fresh, 9u);
}

TEST(Chip, CleaningALineRestoresStaleNeighbours) {
  Chips chips;
  ScheduleVirtualTime agenda;
  chips.run(agenda, {[&](Core& core) {
                       store(core, chips.word(0, 0), 1);
                       core.wait(chips.word(0, 128), WaitCmp::eq, 1, 1, nowhere);
                       core.dcci(chips.global(0, 0), nowhere);
                     },
                     [&](Core& core) {
                       const std::uint32_t value = 77;
                       core.spend(1000);
                       core.device_store(chips.global(0, 4), &value, 4, nowhere);
                       core.notify(chips.word(0, 128), 1, NotifyOp::set, nowhere);
                     }});
  EXPECT_EQ(*chips.word(0, 0), 1u);
  EXPECT_EQ(*chips.word(0, 4), 0u);
}

TEST(Chip, WhatIsNotCleanedIsSeenByItsCoreAlone) {
  Chips chips;
  ScheduleVirtualTime agenda;
  std::uint32_t own = 0, bypassing = 1, later = 1;
  chips.run(agenda, {[&](Core& core) {
                       store(core, chips.word(0, 0), 5);
                       core.yield();
                       own = load(core, chips.word(0, 0));
                       core.device_load(&bypassing, chips.global(0, 0), 4, nowhere);
                       core.retire_cache();
                       later = load(core, chips.word(0, 0));
                     },
                     idle});
  EXPECT_EQ(own, 5u);
  EXPECT_EQ(bypassing, 0u);
  EXPECT_EQ(later, 5u) << "what a kernel leaves in its cache comes to memory at its end";
  EXPECT_EQ(*chips.word(0, 0), 5u);
}

// A copy announces its store, then its load, and is made after both; the load has to wait.
TEST(Chip, AnAccessThatIsAnnouncedEarlyIsInTheCache) {
  Chips chips;
  ScheduleVirtualTime agenda;
  *chips.word(0, 640) = 3;
  chips.run(agenda, {[&](Core& core) {
                       store(core, chips.word(0, 0), 1);
                       core.scalar_access(chips.global(0, 0), 4, true, nowhere);
                       core.spend(1000000);
                       core.scalar_access(chips.global(0, 640), 4, false, nowhere);
                       *chips.word(0, 0) = *chips.word(0, 640);
                       EXPECT_EQ(load(core, chips.word(0, 0)), 3u);
                       core.yield();
                       EXPECT_EQ(*chips.word(0, 0), 0u);
                       core.dcci_all(nowhere);
                       EXPECT_EQ(*chips.word(0, 0), 3u);
                     },
                     idle});
  ASSERT_TRUE(chips.finished);
}

TEST(Chip, ASignalsLineIsReadAnew) {
  Chips chips;
  ScheduleVirtualTime agenda;
  std::uint32_t count = 0, other = 1;
  chips.run(agenda, {[&](Core& core) {
                       load(core, chips.word(0, 128));
                       load(core, chips.word(0, 0));
                       core.wait(chips.word(0, 128), WaitCmp::eq, 2, 1, nowhere);
                       count = load(core, chips.word(0, 128));
                       other = load(core, chips.word(0, 0));
                     },
                     [&](Core& core) {
                       const std::uint32_t value = 4;
                       core.spend(1000000);
                       core.device_store(chips.global(0, 0), &value, 4, nowhere);
                       core.notify(chips.word(0, 128), 2, NotifyOp::add, nowhere);
                     }});
  EXPECT_EQ(count, 2u);
  EXPECT_EQ(other, 0u) << "only the signal's own line";
}

TEST(Chip, AFlagThatNobodySetsHoldsThePipe) {
  Chips chips;
  ScheduleVirtualTime agenda;
  chips.run(agenda, {[&](Core& core) {
                       core.wait_flag(Pipe::vector, Pipe::mte3, 0, nowhere);
                       core.pipe_barrier(Pipe::all, nowhere);
                     },
                     [](Core& core) {
                       core.set_flag(Pipe::scalar, Pipe::scalar, 1, nowhere);
                       core.wait_flag(Pipe::scalar, Pipe::scalar, 1, nowhere);
                     }});
  EXPECT_FALSE(chips.finished);
}

TEST(Chip, DsbWaitsForVisibilityWhereDrainingDoesNot) {
  Chips chips;
  chips.platform.switches.drained_is_visible = false;
  ScheduleVirtualTime agenda;
  Picoseconds drained = 0, visible = 0;
  chips.run(agenda, {[&](Core& core) {
                       forward(core, chips.global(1, 0), chips.global(0, 0), true);
                       core.pipe_barrier(Pipe::all, nowhere);
                       drained = core.clock();
                       core.dsb(nowhere);
                       visible = core.clock();
                     },
                     idle});
  ASSERT_TRUE(chips.finished);
  EXPECT_GE(visible - drained, chips.platform.link.store_latency_ps);
}

TEST(Chip, ManyStoresInFlightKeepTheirOrderOfFlags) {
  Chips chips;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    ScheduleRandom agenda(seed);
    for (std::size_t i = 0; i < 200; ++i) *chips.word(0, i * 4) = static_cast<std::uint32_t>(i);
    chips.run(agenda, {[&](Core& core) {
                         core.load(core.unified_buffer(), chips.global(0, 0), 200, DType::u32,
                                   nowhere);
                         core.set_flag(Pipe::mte2, Pipe::mte3, 0, nowhere);
                         core.wait_flag(Pipe::mte2, Pipe::mte3, 0, nowhere);
                         for (std::size_t i = 0; i < 200; ++i) {
                           core.store(chips.global(1, 4096 + i * 4), core.unified_buffer() + i * 4,
                                      1, DType::u32, nowhere);
                         }
                         core.pipe_barrier(Pipe::mte3, nowhere);
                         core.store(chips.global(1, 4096), core.unified_buffer() + 4, 1, DType::u32,
                                    nowhere);
                         core.pipe_barrier(Pipe::all, nowhere);
                       },
                       idle});
    ASSERT_TRUE(chips.finished);
    EXPECT_EQ(*chips.word(1, 4096), 1u);
    EXPECT_EQ(*chips.word(1, 4096 + 199 * 4), 199u);
  }
}

TEST(Chip, WaitsCompareAsTheySay) {
  EXPECT_TRUE(holds(WaitCmp::reached, 2, 0xffffffffu));
  EXPECT_FALSE(holds(WaitCmp::reached, 0xffffffffu, 2));
  EXPECT_TRUE(holds(WaitCmp::lt, 0xffffffffu, 2));
  EXPECT_TRUE(holds(WaitCmp::ge, 2, 2));
  EXPECT_FALSE(holds(WaitCmp::gt, 2, 2));
  EXPECT_TRUE(holds(WaitCmp::le, 2, 2));
  EXPECT_TRUE(holds(WaitCmp::ne, 1, 2));
  EXPECT_FALSE(holds(WaitCmp::eq, 1, 2));
}

}  // namespace
}  // namespace peal
