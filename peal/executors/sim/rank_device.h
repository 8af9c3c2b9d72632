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

#include "peal/chip/core/core.h"
#include "peal/executors/sim/own_stores.h"
#include "peal/executors/sim/windows.h"
#include "peal/machine/calls/verb_error.h"
#include "peal/machine/device.h"
#include "peal/machine/split.h"
#include "peal/run/kernel_failure.h"
#include "peal/run/run.h"
#include "peal/run/task.h"

namespace peal {

// The state that the simulated devices of one team share.
struct SimRun {
  Fabric& fabric;
  SimWindows& windows;
  const RunOptions& options;
  // Results of Device::foresee on this platform, by name; outlives the run.
  std::map<std::string, Picoseconds>& foreseen;
  std::vector<int> parts;  // by rank: the index of its part in the memory of all devices
  std::vector<RankCounts> counts = {};
  std::uint64_t notifies = 0;  // of all ranks
  // The devices' buffers, if not all memory of a device is symmetric; else null.
  const Regions* regions = nullptr;
  std::vector<std::size_t> order = {};  // the team's windows, as indices into SimWindows::windows()

  // For a team split off another one: that one, and by rank the rank there. Counts are kept there.
  SimRun* whole = nullptr;
  std::vector<int> in_whole = {};

  // A split of the team: each rank's entry, and the resulting teams by color.
  struct Split {
    std::vector<std::optional<SplitEntry>> entries;
    std::map<int, std::unique_ptr<SimRun>> teams = {};
  };
  std::deque<Split> splits = {};

  // The collective calls that some ranks have made and others have not: calls[i] is call number
  // first_call + i, as the first rank made it, with the number of ranks that have made it.
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

// The pipe whose flag says that a loaded tile may be overwritten.
enum class TileRelease : std::uint8_t { nobody, mte3, vector };

// The state of the tiles in a core's unified buffer, as the verbs issued so far leave it.
struct SimTiles {
  OwnStores own_stores;
  std::array<TileRelease, 2> releases{};  // loaded tiles: the flag to wait for before reuse
  std::array<bool, 2> storing{};          // accumulators: their store's flag is still to be awaited
  int next_tile = 0;
  int next_accumulator = 0;
};

// The Device of one rank on a simulated core: lowers each verb to the instructions that a PTO
// kernel would use.
//
// The unified buffer is divided into tiles of Platform::verbs.tile_bytes: two for loads, used
// alternately, two accumulators, one for a converted source and two for converted results. The
// flags of a tile for loads have its number as id. A flag that frees a tile is waited for only when
// the tile is used again, so that loads, vector instructions and stores overlap.
class SimDevice final : public Device {
 public:
  SimDevice(SimRun& run, Core& core, int rank, int ranks)
      : SimDevice(run, core, rank, ranks, nullptr) {}
  // `tiles`, unless null, is shared with another device on the same core, so that the verbs of both
  // stay in program order.
  SimDevice(SimRun& run, Core& core, int rank, int ranks, SimTiles* tiles);

  // Sets the arguments of the task that it carries out.
  void set_arguments(std::span<const TaskArgument> arguments) { arguments_ = arguments; }
  // Waits for every flag that is still set, then until all stores are visible.
  void finish();
  // Allocates memory of this rank that no peer may address. Like windows, every rank has to make
  // the same allocations in the same order.
  [[nodiscard]] Window allocate_private(std::string_view name, std::size_t size_bytes,
                                        RegionKind kind);

 private:
  // Carries out a verb. An exception must not pass through a kernel's frames, which might catch it,
  // or terminate the process because they are noexcept; so inside a kernel a failure abandons it
  // (Core::fail). Verbs called by destructors while the program is unwound do nothing.
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
  bool do_is_in_window(const ConstView& view) const override;
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
  // The address in a peer's window that corresponds to `address` in this rank's.
  [[nodiscard]] std::byte* translate(std::byte* address, int peer) const {
    return map().translate(address, part_, run_.parts[static_cast<std::size_t>(peer)]);
  }
  // The address in a peer's window that corresponds to this rank's `view`. Throws NotInWindow if
  // peers may not address the view.
  [[nodiscard]] std::byte* at(Rank peer, const View& view, const char* verb,
                              SourcePlace place) const;
  void check_type(const char* verb, DType dtype, SourcePlace place) const;
  void check_operation(const char* verb, ReduceOp op, SourcePlace place) const;
  void check_cell(const char* verb, Signal signal, SourcePlace place) const;
  // Throws NotInWindow for bytes that are not mapped in this process.
  void check_exists(const std::byte* data, std::size_t bytes, SourcePlace place) const;
  // Throws NotInWindow for elements that reach beyond the end of the buffer that they start in. If
  // the run has readers, an overrun of up to 1 MiB is carried out, for the checks to report.
  void check_extent(const std::byte* data, const View& shape, SourcePlace place) const;
  struct Piece {
    std::size_t offset_bytes;
    std::uint32_t count;
  };
  // Calls `visit(piece)` for consecutive pieces, each of which fits a tile as `held_as` elements.
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
  int part_;            // the index of this rank's part of memory
  SimTiles own_tiles_;  // unused if tiles_ is another device's
  SimTiles& tiles_;
  std::span<const TaskArgument> arguments_;
  std::size_t splits_ = 0;
  std::optional<SignalRow> split_rounds_;
  std::size_t allocations_ = 0;
  std::vector<std::byte*> reduce_dsts_;  // members, so that a reduce need not allocate
  std::vector<const std::byte*> reduce_srcs_;
  // The last few pages outside of simulated memory that were found mapped.
  mutable std::array<std::uintptr_t, 4> known_pages_ = {~0UL, ~0UL, ~0UL, ~0UL};
  mutable std::size_t next_known_page_ = 0;
};

}  // namespace peal
