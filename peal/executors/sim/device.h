// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "peal/chip/core.h"
#include "peal/executors/sim/own_stores.h"
#include "peal/executors/sim/windows.h"
#include "peal/machine/device.h"
#include "peal/machine/run.h"

namespace peal {

// What the simulated devices of one team share.
struct SimRun {
  Fabric& fabric;
  SimWindows& windows;
  const RunOptions& options;
  std::vector<int> parts;  // where in the memory of all devices each rank's lies
  std::vector<RankCounts> counts;
  std::uint64_t notifies = 0;  // of all ranks
  // Where not all memory of a device is symmetric: what of it there is.
  const Regions* regions = nullptr;
};

// A rank on a simulated core: lowers each verb to the instructions that a PTO kernel would use.
//
// The unified buffer is laid out in tiles of Platform::verbs.tile_bytes: two that are loaded in
// turn, two accumulators, one of converted sources and two of converted results. A tile's flag has
// the tile's number; a flag that frees a tile is waited for when the tile is used again.
class SimDevice final : public Device {
 public:
  SimDevice(SimRun& run, Core& core, int rank, int ranks);

  // Waits for every flag that is still set, and drains.
  void finish();

 private:
  void do_put(Rank peer, View dst, View src, SourcePlace place) override;
  void do_get(View dst, Rank peer, View src, SourcePlace place) override;
  void do_copy(View dst, View src, SourcePlace place) override;
  void do_reduce(std::span<const Place> dsts, std::span<const Place> srcs, ReduceOp op,
                 SourcePlace place) override;
  void do_put_reduce(Rank peer, View dst, View src, ReduceOp op, SourcePlace place) override;
  void do_notify(Rank peer, Signal signal, int n, SourcePlace place) override;
  void do_put_notify(Rank peer, View dst, View src, Signal signal, SourcePlace place) override;
  void do_wait(Signal signal, int n, SourcePlace place) override;
  bool do_poll(Signal signal, int n, SourcePlace place) override;
  void do_flush(SourcePlace place) override;
  std::span<std::byte> do_access(View view, Access access, SourcePlace place) override;
  void do_compute(const ComputeCost& cost, const std::function<void()>& fn,
                  SourcePlace place) override;
  bool do_is_in_window(const View& view) const override;
  Window allocate(std::string_view name, std::size_t size_bytes, RegionKind kind);
  Window do_allocate(std::string_view name, std::size_t size_bytes) override;
  SignalRow do_allocate_signals(std::string_view name, int count) override;

  // The pipe that frees a loaded tile.
  enum class Freer : std::uint8_t { nobody, mte3, vector };

  [[nodiscard]] std::byte* tile(int number) {
    return core_.unified_buffer() + number * run_.fabric.platform().verbs.tile_bytes;
  }
  [[nodiscard]] const MemoryMap& map() const { return run_.fabric.memory(); }
  // The address in a peer's window of what lies at this one in the own.
  [[nodiscard]] std::byte* translate(std::byte* address, int peer) const {
    return map().translate(address, part_, run_.parts[static_cast<std::size_t>(peer)]);
  }
  // The address of this rank's view in a peer's window; the view must lie in a window.
  [[nodiscard]] std::byte* at(Rank peer, const View& view, const char* verb) const;
  void transfer(std::byte* dst, const std::byte* src, const View& shape, SourcePlace place);
  int load_tile(const std::byte* src, std::uint32_t count, DType dtype, Pipe user,
                SourcePlace place);
  void free_tile(int number, Freer freer, SourcePlace place);
  void order_loads_after_own_stores(SourcePlace place);
  void order_stores_after_own_stores(SourcePlace place);
  void store_own_in_order(std::byte* dst, const std::byte* src, std::uint32_t count, DType dtype,
                          SourcePlace place);
  struct Piece {
    std::size_t offset_bytes;
    std::uint32_t count;
  };
  void reduce_piece(std::span<std::byte* const> dsts, std::span<const std::byte* const> srcs,
                    Piece piece, DType dtype, ReduceOp op, SourcePlace place);
  void drain(SourcePlace place);
  void count_put(Rank peer, const View& view);
  void count_get(Rank peer, const View& view);

  SimRun& run_;
  Core& core_;
  int part_;  // of memory, this rank's
  OwnStores own_stores_;
  std::array<Freer, 2> freers_{};  // of the loaded tiles
  std::array<bool, 2> storing_{};  // accumulators whose store has not been waited for
  int next_tile_ = 0;
  int next_accumulator_ = 0;
  std::size_t allocations_ = 0;
  std::vector<std::byte*> reduce_dsts_;  // kept so that a reduce need not allocate
  std::vector<const std::byte*> reduce_srcs_;
};

}  // namespace peal
