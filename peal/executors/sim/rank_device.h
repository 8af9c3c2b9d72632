// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "peal/chip/core.h"
#include "peal/executors/sim/own_stores.h"
#include "peal/executors/sim/windows.h"
#include "peal/machine/calls/verb_error.h"
#include "peal/machine/device.h"
#include "peal/machine/split.h"
#include "peal/run/kernel_failure.h"
#include "peal/run/run.h"
#include "peal/run/task.h"

namespace peal {

// What the simulated devices of one team share.
struct SimRun {
  Fabric& fabric;
  SimWindows& windows;
  const RunOptions& options;
  // What has been foreseen on this platform, by name; it outlives the run.
  std::map<std::string, Picoseconds>& foreseen;
  std::vector<int> parts;  // where in the memory of all devices each rank's lies
  std::vector<RankCounts> counts = {};
  std::uint64_t notifies = 0;  // of all ranks
  // Where not all memory of a device is symmetric: what of it there is.
  const Regions* regions = nullptr;
  std::vector<std::size_t> order = {};  // the team's windows, by their places among all

  // Of a team that is a part of another one: that one, and its ranks in it. It counts there.
  SimRun* whole = nullptr;
  std::vector<int> in_whole = {};

  // A split of the team: what each rank gives, and the teams that follow, by color.
  struct Split {
    std::vector<std::optional<SplitEntry>> entries;
    std::map<int, std::unique_ptr<SimRun>> teams = {};
  };
  std::deque<Split> splits = {};

  // The collective calls that some ranks have made and others have not yet, from number
  // `first_call` on: as the first rank has made each, and how many have.
  struct Call {
    CallOfRank of_first;
    int ranks = 0;
  };
  std::deque<Call> calls = {};
  std::uint64_t first_call = 1;

  [[nodiscard]] RankCounts& counts_of(int rank) {
    const auto index = static_cast<std::size_t>(rank);
    return whole == nullptr ? counts[index] : whole->counts_of(in_whole[index]);
  }
  void count_notify() {
    for (SimRun* run = this; run != nullptr; run = run->whole) ++run->notifies;
  }
};

// The pipe that frees a loaded tile.
enum class TileRelease : std::uint8_t { nobody, mte3, vector };

// What is under way in the tiles of a core's unified buffer.
struct SimTiles {
  OwnStores own_stores;
  std::array<TileRelease, 2> releases{};  // of the loaded tiles
  std::array<bool, 2> storing{};          // accumulators whose store has not been waited for
  int next_tile = 0;
  int next_accumulator = 0;
};

// A rank on a simulated core: lowers each verb to the instructions that a PTO kernel would use.
//
// The unified buffer is laid out in tiles of Platform::verbs.tile_bytes: two that are loaded in
// turn, two accumulators, one of converted sources and two of converted results. A tile's flag has
// the tile's number; a flag that frees a tile is waited for when the tile is used again.
class SimDevice final : public Device {
 public:
  SimDevice(SimRun& run, Core& core, int rank, int ranks)
      : SimDevice(run, core, rank, ranks, nullptr) {}
  // With tiles that are another device's of the same core, unless null.
  SimDevice(SimRun& run, Core& core, int rank, int ranks, SimTiles* tiles);

  // What the task that it carries out is given.
  void set_arguments(std::span<const TaskArgument> arguments) { arguments_ = arguments; }
  // Waits for every flag that is still set, and drains.
  void finish();
  // Memory of this rank that no peer can address. Every rank makes the same allocations, as of
  // windows.
  [[nodiscard]] Window allocate_private(std::string_view name, std::size_t size_bytes,
                                        RegionKind kind);

 private:
  // Carries out a verb. What goes wrong in it must not pass through the frames of a kernel, which
  // might catch it, or end the process because they are noexcept. Destructors of a program that is
  // being unwound find that verbs do nothing.
  template <class Verb>
  auto in_verb(Verb&& verb) -> decltype(verb()) {
    using Result = decltype(verb());
    if (core_.is_unwinding() && std::uncaught_exceptions() > 0) return Result();
    if (!core_.in_kernel()) return verb();
    std::exception_ptr failure;
    try {
      check_budget();
      return verb();
    } catch (const VerbError& error) {
      failure = std::make_exception_ptr(failure_of(error));
    } catch (...) {
      failure = std::current_exception();
    }
    core_.fail(std::move(failure));
  }
  void check_budget() const;
  [[noreturn]] void end_thread() const;
  [[nodiscard]] KernelFailure failure_of(const VerbError& error) const;
  [[noreturn]] void do_refuse(const VerbError& error) const override;

  void do_put(Rank peer, const View& dst, const View& src, SourcePlace place) override;
  void do_get(const View& dst, Rank peer, const View& src, SourcePlace place) override;
  void do_copy(const View& dst, const View& src, SourcePlace place) override;
  void do_reduce(std::span<const RankView> dsts, std::span<const RankView> srcs, ReduceOp op,
                 SourcePlace place) override;
  void do_put_reduce(Rank peer, const View& dst, const View& src, ReduceOp op,
                     SourcePlace place) override;
  void do_notify(Rank peer, Signal signal, int n, SourcePlace place) override;
  void do_put_notify(Rank peer, const View& dst, const View& src, Signal signal,
                     SourcePlace place) override;
  void do_wait(Signal signal, int n, SourcePlace place) override;
  bool do_poll(Signal signal, int n, SourcePlace place) override;
  void do_flush(SourcePlace place) override;
  std::span<std::byte> do_access(const View& view, Access access, SourcePlace place) override;
  void do_compute(const ComputeCost& cost, const std::function<void()>& fn,
                  SourcePlace place) override;
  bool do_is_in_window(const View& view) const override;
  [[nodiscard]] std::optional<Picoseconds> do_foresee(
      const std::string& name, int ranks, const std::function<void(Team&)>& program) override;
  std::unique_ptr<Device> do_split(const SplitEntry& own, SourcePlace place) override;
  [[nodiscard]] SimRun& team_of(SimRun::Split& split, int color);
  Window allocate(std::string_view name, std::size_t size_bytes, RegionKind kind);
  Window do_allocate(std::string_view name, std::size_t size_bytes) override;
  SignalRow do_allocate_signals(std::string_view name, int count) override;
  std::uint64_t do_announce(const CallRecord& call) override;

  [[nodiscard]] std::byte* tile(int number) {
    return core_.unified_buffer() + number * run_.fabric.platform().verbs.tile_bytes;
  }
  [[nodiscard]] const MemoryMap& map() const { return run_.fabric.memory(); }
  // The address in a peer's window of what lies at this one in the own.
  [[nodiscard]] std::byte* translate(std::byte* address, int peer) const {
    return map().translate(address, part_, run_.parts[static_cast<std::size_t>(peer)]);
  }
  // The address of this rank's view in a peer's window; the view must lie in a window.
  [[nodiscard]] std::byte* at(Rank peer, const View& view, const char* verb,
                              SourcePlace place) const;
  void check_type(const char* verb, DType dtype, SourcePlace place) const;
  void check_operation(const char* verb, ReduceOp op, SourcePlace place) const;
  void check_cell(const char* verb, Signal signal, SourcePlace place) const;
  // Refuses what lies outside of all memory of the process.
  void check_exists(const std::byte* data, std::size_t bytes, SourcePlace place) const;
  // Refuses elements that reach beyond the end of the buffer that they start in. Where somebody
  // reads the events, what reaches a little further is carried out, and left to the checks.
  void check_extent(const std::byte* data, const View& shape, SourcePlace place) const;
  struct Piece {
    std::size_t offset_bytes;
    std::uint32_t count;
  };
  // Calls `visit(piece)` for the elements in pieces that a tile holds as `held_as`, in order.
  template <class Visit>
  void in_pieces(const View& shape, DType held_as, const Visit& visit) const;
  void transfer(std::byte* dst, const std::byte* src, const View& shape, SourcePlace place);
  int load_tile(const std::byte* src, std::uint32_t count, DType dtype, Pipe user,
                SourcePlace place);
  void free_tile(int number, TileRelease release, SourcePlace place);
  void order_loads_after_own_stores(SourcePlace place);
  void order_stores_after_own_stores(SourcePlace place);
  void store_own_in_order(std::byte* dst, const std::byte* src, std::uint32_t count, DType dtype,
                          SourcePlace place);
  void reduce_piece(std::span<std::byte* const> dsts, std::span<const std::byte* const> srcs,
                    Piece piece, DType dtype, ReduceOp op, SourcePlace place);
  void drain(SourcePlace place);
  void count_put(Rank peer, const View& view);
  void count_get(Rank peer, const View& view);

  SimRun& run_;
  Core& core_;
  int part_;            // of memory, this rank's
  SimTiles own_tiles_;  // unless they are another device's
  SimTiles& tiles_;
  std::span<const TaskArgument> arguments_;
  std::size_t splits_ = 0;
  std::optional<SignalRow> split_rounds_;
  std::size_t allocations_ = 0;
  std::vector<std::byte*> reduce_dsts_;  // kept so that a reduce need not allocate
  std::vector<const std::byte*> reduce_srcs_;
  // Pages outside of simulated memory that are known to be there, the latest few.
  mutable std::array<std::uintptr_t, 4> known_pages_ = {~0UL, ~0UL, ~0UL, ~0UL};
  mutable std::size_t next_known_page_ = 0;
};

}  // namespace peal
