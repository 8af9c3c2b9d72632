// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/sim/rank_device.h"

#include <fmt/format.h>

#include <algorithm>

#include "peal/base/error.h"
#include "peal/executors/sim/memory.h"
#include "peal/machine/arithmetic.h"
#include "peal/machine/calls/verb_error.h"

namespace peal {
namespace {

// The id of the flag MTE3 -> MTE2 that orders own stores before own loads.
constexpr int own_order_flag = 7;

// The id of accumulator 0's flags. Ids differ from those of the tiles for loads (0 and 1), because
// a platform may tell the flags of one setting pipe apart by id alone.
constexpr int first_accumulator_flag = 2;

// The numbers of the tiles after the two for loads.
constexpr int first_accumulator = 2;
constexpr int converted_source = 4;
constexpr int first_result = 5;

}  // namespace

SimDevice::SimDevice(SimRun& run, Core& core, int rank, int ranks, SimTiles* tiles)
    : Device(rank, ranks),
      run_(run),
      core_(core),
      part_(core.rank()),
      tiles_(tiles == nullptr ? own_tiles_ : *tiles) {}

std::byte* SimDevice::at(Rank peer, const View& view, const char* verb, SourcePlace place) const {
  if (peer.index == rank() || view.empty()) return view.data;
  // -1 stands for memory of the process, which no peer can address.
  std::byte* const there = translate(view.data, peer.index);
  const bool is_private =
      map().owner(view.data, -1) != part_ ||
      (run_.windows.has_private() && !run_.fabric.regions().is_shared(view.data)) ||
      (run_.regions != nullptr && !run_.regions->holds(there, view.size_bytes()));
  if (is_private) {
    throw NotInWindow(
        fmt::format("{} on rank {}: {} elements of rank {}'s memory are not in a window; allocate "
                    "them with Team::allocate or Device::allocate",
                    verb, rank(), view.count, peer.index),
        place);
  }
  return there;
}

void SimDevice::check_budget() const {
  if (current_core() == nullptr) end_thread();
  if (core_.instructions() < Core::max_instructions &&
      core_.notifies_in_a_row() < Core::max_notifies_in_a_row) {
    return;
  }
  throw KernelFailure(KernelFailure::Kind::other, core_.rank(), core_.index(), core_.spent_budget(),
                      FailurePlace::after(core_.place()));
}

KernelFailure SimDevice::failure_of(const VerbError& error) const {
  const bool is_outside = dynamic_cast<const NotInWindow*>(&error) != nullptr;
  return {is_outside ? KernelFailure::Kind::out_of_bounds : KernelFailure::Kind::other,
          core_.rank(), core_.index(), error.sentence(), error.place()};
}

void SimDevice::do_refuse(const VerbError& error) const {
  if (!core_.in_kernel()) throw error;
  core_.fail(std::make_exception_ptr(failure_of(error)));
}

void SimDevice::count_put(Rank peer, const View& view) {
  if (peer.index == rank()) return;
  RankCounts& counts = run_.counts_of(rank());
  ++counts.puts;
  counts.sent_bytes += view.size_bytes();
}

void SimDevice::count_get(Rank peer, const View& view) {
  if (peer.index == rank()) return;
  ++run_.counts_of(rank()).gets;
  run_.counts_of(peer.index).sent_bytes += view.size_bytes();
}

void SimDevice::do_put(Rank peer, const View& dst, const View& src, SourcePlace place) {
  in_verb([&] {
    check_type("put", src.dtype, place);
    count_put(peer, src);
    transfer(at(peer, dst, "put", place), src.data, src, place);
  });
}

void SimDevice::do_get(const View& dst, Rank peer, const View& src, SourcePlace place) {
  in_verb([&] {
    check_type("get", src.dtype, place);
    count_get(peer, src);
    transfer(dst.data, at(peer, src, "get", place), src, place);
  });
}

void SimDevice::do_copy(const View& dst, const View& src, SourcePlace place) {
  in_verb([&] {
    check_type("copy", src.dtype, place);
    transfer(dst.data, src.data, src, place);
  });
}

template <class Visit>
void SimDevice::in_pieces(const View& shape, DType held_as, const Visit& visit) const {
  const std::size_t tile_elements =
      static_cast<std::size_t>(run_.fabric.platform().verbs.tile_bytes) / size_bytes(held_as);
  for (std::size_t done = 0; done < shape.count;) {
    const auto count = static_cast<std::uint32_t>(std::min(tile_elements, shape.count - done));
    visit(Piece{done * size_bytes(shape.dtype), count});
    done += count;
  }
}

// Double-buffered: one tile is loaded while the other is stored.
void SimDevice::transfer(std::byte* dst, const std::byte* src, const View& shape,
                         SourcePlace place) {
  check_extent(src, shape, place);
  if (dst == src) return;
  check_extent(dst, shape, place);
  in_pieces(shape, shape.dtype, [&](Piece piece) {
    const int number =
        load_tile(src + piece.offset_bytes, piece.count, shape.dtype, Pipe::mte3, place);
    store_own_in_order(dst + piece.offset_bytes, tile(number), piece.count, shape.dtype, place);
    free_tile(number, TileRelease::mte3, place);
  });
}

// Loads a piece into the tile whose turn it is and returns the tile's number. The load waits for
// the tile's last use, and pipe `user` waits for the load.
int SimDevice::load_tile(const std::byte* src, std::uint32_t count, DType dtype, Pipe user,
                         SourcePlace place) {
  if (map().owner(src, part_) == part_ &&
      tiles_.own_stores.overlap(src, count * size_bytes(dtype))) {
    order_loads_after_own_stores(place);
  }
  const int number = tiles_.next_tile;
  tiles_.next_tile ^= 1;
  TileRelease& release = tiles_.releases[static_cast<std::size_t>(number)];
  if (release == TileRelease::mte3) core_.wait_flag(Pipe::mte3, Pipe::mte2, number, place);
  if (release == TileRelease::vector) core_.wait_flag(Pipe::vector, Pipe::mte2, number, place);
  release = TileRelease::nobody;
  core_.load(tile(number), src, count, dtype, place);
  core_.set_flag(Pipe::mte2, user, number, place);
  core_.wait_flag(Pipe::mte2, user, number, place);
  return number;
}

void SimDevice::free_tile(int number, TileRelease release, SourcePlace place) {
  core_.set_flag(release == TileRelease::mte3 ? Pipe::mte3 : Pipe::vector, Pipe::mte2, number,
                 place);
  tiles_.releases[static_cast<std::size_t>(number)] = release;
}

// Orders the loads that follow after all own stores so far: they wait until these are visible.
void SimDevice::order_loads_after_own_stores(SourcePlace place) {
  if (!run_.fabric.platform().switches.drained_is_visible) return drain(place);
  core_.set_flag(Pipe::mte3, Pipe::mte2, own_order_flag, place);
  core_.wait_flag(Pipe::mte3, Pipe::mte2, own_order_flag, place);
  tiles_.own_stores.clear();
}

// Orders the stores that follow after all own stores so far: they wait until these are visible.
void SimDevice::order_stores_after_own_stores(SourcePlace place) {
  if (!run_.fabric.platform().switches.drained_is_visible) return drain(place);
  core_.pipe_barrier(Pipe::mte3, place);
}

// Keeps a verb's store to own memory in program order with earlier verbs:
// - Write after read: the store waits, by a flag, for a load of its own verb. MTE2 executes in
//   order, and that load was issued after all loads of earlier verbs, so those have been executed.
// - Write after write: stores become visible in any order, so an earlier store to the same bytes
//   needs a barrier.
// - When the list of ranges is full it is cleared. Nothing then remembers those stores, so both
//   later loads and later stores are ordered after them now. Stores need the barrier, too: a reduce
//   with several destinations issues stores that wait for no new load.
void SimDevice::store_own_in_order(std::byte* dst, const std::byte* src, std::uint32_t count,
                                   DType dtype, SourcePlace place) {
  const std::size_t bytes = count * size_bytes(dtype);
  if (map().owner(dst, part_) == part_) {
    const bool full = tiles_.own_stores.full();
    if (full || tiles_.own_stores.overlap(dst, bytes)) order_stores_after_own_stores(place);
    if (full) order_loads_after_own_stores(place);
    tiles_.own_stores.add(dst, bytes);
  }
  core_.store(dst, src, count, dtype, place);
}

void SimDevice::do_reduce(std::span<const RankView> dsts, std::span<const RankView> srcs,
                          ReduceOp op, SourcePlace place) {
  in_verb([&] {
    check_type("reduce", dsts.front().view.dtype, place);
    check_operation("reduce", op, place);
    reduce_dsts_.clear();
    reduce_srcs_.clear();
    for (const RankView& dst : dsts) {
      count_put(dst.rank, dst.view);
      reduce_dsts_.push_back(at(dst.rank, dst.view, "reduce", place));
    }
    for (const RankView& src : srcs) {
      count_get(src.rank, src.view);
      reduce_srcs_.push_back(at(src.rank, src.view, "reduce", place));
    }
    const View& shape = dsts.front().view;
    for (const std::byte* dst : reduce_dsts_) check_extent(dst, shape, place);
    for (const std::byte* src : reduce_srcs_) check_extent(src, shape, place);
    in_pieces(shape, accumulator(shape.dtype), [&](Piece piece) {
      reduce_piece(reduce_dsts_, reduce_srcs_, piece, shape.dtype, op, place);
    });
  });
}

void SimDevice::reduce_piece(std::span<std::byte* const> dsts,
                             std::span<const std::byte* const> srcs, Piece piece, DType dtype,
                             ReduceOp op, SourcePlace place) {
  const DType wide = accumulator(dtype);
  const int number = tiles_.next_accumulator;
  tiles_.next_accumulator ^= 1;
  std::byte* const sum = tile(first_accumulator + number);
  bool& storing = tiles_.storing[static_cast<std::size_t>(number)];
  if (storing) {
    core_.wait_flag(Pipe::mte3, Pipe::vector, first_accumulator_flag + number, place);
  }
  const std::byte* left = nullptr;  // the left operand of the next combine
  int held = -1;                    // the tile of the first source, which is used in place
  for (const std::byte* src : srcs) {
    const int loaded = load_tile(src + piece.offset_bytes, piece.count, dtype, Pipe::vector, place);
    const std::byte* right = tile(loaded);
    if (wide != dtype) {
      std::byte* const converted = left == nullptr ? sum : tile(converted_source);
      core_.convert(converted, wide, right, dtype, piece.count, place);
      right = converted;
    }
    if (left != nullptr) core_.combine(sum, left, right, piece.count, wide, op, place);
    if (held >= 0) free_tile(held, TileRelease::vector, place);
    held = left == nullptr && wide == dtype ? loaded : -1;
    if (held < 0) free_tile(loaded, TileRelease::vector, place);
    left = left == nullptr ? right : sum;
  }
  const std::byte* result = left;
  if (wide != dtype) {
    core_.convert(tile(first_result + number), dtype, sum, wide, piece.count, place);
    result = tile(first_result + number);
  }
  core_.set_flag(Pipe::vector, Pipe::mte3, first_accumulator_flag + number, place);
  core_.wait_flag(Pipe::vector, Pipe::mte3, first_accumulator_flag + number, place);
  for (std::byte* dst : dsts) {
    store_own_in_order(dst + piece.offset_bytes, result, piece.count, dtype, place);
  }
  if (held >= 0) free_tile(held, TileRelease::mte3, place);
  core_.set_flag(Pipe::mte3, Pipe::vector, first_accumulator_flag + number, place);
  storing = true;
}

void SimDevice::do_put_reduce(Rank peer, const View& dst, const View& src, ReduceOp op,
                              SourcePlace place) {
  in_verb([&] {
    check_type("put_reduce", src.dtype, place);
    check_operation("put_reduce", op, place);
    count_put(peer, src);
    std::byte* const to = at(peer, dst, "put_reduce", place);
    check_extent(src.data, src, place);
    check_extent(to, src, place);
    in_pieces(src, src.dtype, [&](Piece piece) {
      const int number =
          load_tile(src.data + piece.offset_bytes, piece.count, src.dtype, Pipe::mte3, place);
      std::byte* const there = to + piece.offset_bytes;
      const std::size_t bytes = piece.count * size_bytes(src.dtype);
      if (peer.index == rank() && tiles_.own_stores.overlap(there, bytes)) {
        order_stores_after_own_stores(place);
      }
      core_.store_atomic(there, tile(number), piece.count, src.dtype, op, place);
      if (peer.index == rank()) tiles_.own_stores.add(there, bytes);
      free_tile(number, TileRelease::mte3, place);
    });
  });
}

void SimDevice::drain(SourcePlace place) {
  core_.pipe_barrier(Pipe::all, place);
  core_.dsb(place);
  tiles_.own_stores.clear();
}

void SimDevice::do_notify(Rank peer, Signal signal, int n, SourcePlace place) {
  in_verb([&] {
    if (run_.fabric.is_skipped(place)) return;
    check_cell("notify", signal, place);
    drain(place);
    if (peer.index != rank()) ++run_.counts_of(rank()).notifies;
    run_.count_notify();
    const View cell{reinterpret_cast<std::byte*>(&signal.cell->arrived), sizeof(std::uint32_t),
                    DType::u8};
    core_.notify(reinterpret_cast<std::uint32_t*>(at(peer, cell, "notify", place)),
                 static_cast<std::uint32_t>(n), NotifyOp::add, place);
  });
}

void SimDevice::do_put_notify(Rank peer, const View& dst, const View& src, Signal signal,
                              SourcePlace place) {
  in_verb([&] {
    do_put(peer, dst, src, place);
    do_notify(peer, signal, 1, place);
  });
}

void SimDevice::do_wait(Signal signal, int n, SourcePlace place) {
  in_verb([&] {
    if (run_.fabric.is_skipped(place)) return;
    check_cell("wait", signal, place);
    ++run_.counts_of(rank()).waits;
    const std::uint32_t target = signal.cell->consumed + static_cast<std::uint32_t>(n);
    core_.wait(&signal.cell->arrived, WaitCmp::reached, target, static_cast<std::uint32_t>(n),
               place);
    signal.cell->consumed = target;
  });
}

bool SimDevice::do_poll(Signal signal, int n, SourcePlace place) {
  return in_verb([&] {
    check_cell("poll", signal, place);
    const std::uint32_t target = signal.cell->consumed + static_cast<std::uint32_t>(n);
    if (!core_.test(&signal.cell->arrived, WaitCmp::reached, target, static_cast<std::uint32_t>(n),
                    place)) {
      return false;
    }
    signal.cell->consumed = target;
    return true;
  });
}

void SimDevice::do_flush(SourcePlace place) {
  in_verb([&] {
    if (!run_.fabric.is_skipped(place)) drain(place);
  });
}

std::span<std::byte> SimDevice::do_access(const View& view, Access access, SourcePlace place) {
  return in_verb([&] {
    check_type(access == Access::read ? "read" : "write", view.dtype, place);
    check_extent(view.data, view, place);
    drain(place);
    core_.yield();
    core_.report_access(access == Access::read ? EventKind::scalar_read : EventKind::scalar_write,
                        view.data, view.size_bytes(), false, place);
    return std::span<std::byte>(view.data, view.size_bytes());
  });
}

void SimDevice::do_compute(const ComputeCost& cost, const std::function<void()>& fn,
                           SourcePlace place) {
  in_verb([&] {
    for (const View& view : cost.reads) do_access(view, Access::read, place);
    for (const View& view : cost.writes) do_access(view, Access::write, place);
    core_.spend(run_.fabric.platform().cycles(cost.cycles));
    if (run_.fabric.values()) fn();
  });
}

// For a task, whether the ranks' counterparts lie in windows is known from its arguments: one rank
// might be given memory in a window and another one not.
bool SimDevice::do_is_in_window(const ConstView& view) const {
  if (run_.regions != nullptr) return lies_in_windows(arguments_, view);
  return map().owner(view.data, -1) == part_ &&
         (!run_.windows.has_private() || run_.fabric.regions().is_shared(view.data));
}

Window SimDevice::do_allocate(std::string_view name, std::size_t size) {
  return in_verb([&] { return allocate(name, size, RegionKind::window); });
}

Window SimDevice::allocate(std::string_view name, std::size_t size, RegionKind kind) {
  const bool is_first = run_.order.size() == allocations_;
  const SimWindow& window =
      run_.windows.window(run_.order, allocations_++, name, size, rank(), kind);
  if (is_first) {
    for (int part : run_.parts) {
      report_window(window, part, run_.options.signal_start, run_.fabric);
    }
  }
  return {map().translate(map().base, 0, part_) + window.offset_on(part_), size};
}

Window SimDevice::allocate_private(std::string_view name, std::size_t size, RegionKind kind) {
  PEAL_CHECK(!is_shared(kind));
  return allocate(name, size, kind);
}

SignalRow SimDevice::do_allocate_signals(std::string_view name, int count) {
  return in_verb([&] {
    if (count < 0) {
      throw UsageError(fmt::format("signals `{}`: {} of them; allocate 0 or more", name, count));
    }
    const bool is_first = run_.order.size() == allocations_;
    const Window window =
        allocate(name, static_cast<std::size_t>(count) * sizeof(SignalCell), RegionKind::signals);
    const auto cells = [&](int owner) {
      return reinterpret_cast<SignalCell*>(translate(window.data, owner));
    };
    if (is_first && run_.options.signal_start != 0) {
      for (int owner = 0; owner < ranks(); ++owner) {
        std::fill_n(cells(owner), count,
                    SignalCell{.arrived = run_.options.signal_start,
                               .consumed = run_.options.signal_start});
      }
    }
    return SignalRow(cells(rank()), count);
  });
}

// Compares calls in host memory: that takes no simulated time, and works in runs without values.
std::uint64_t SimDevice::do_announce(const CallRecord& call) {
  core_.note_call(call);
  const std::uint64_t number = calls() + 1;
  PEAL_CHECK(number >= run_.first_call && number - run_.first_call <= run_.calls.size());
  const std::size_t index = number - run_.first_call;
  if (index == run_.calls.size()) run_.calls.push_back({.of_first = {rank(), call}});
  SimRun::Call& known = run_.calls[index];
  if (differ(call, known.of_first.call)) {
    throw RunError(describe_difference({rank(), call}, known.of_first));
  }
  ++known.ranks;
  // A rank makes its calls in order, so the calls that all ranks have made are a prefix.
  while (!run_.calls.empty() && run_.calls.front().ranks == ranks()) {
    run_.calls.pop_front();
    ++run_.first_call;
  }
  return 0;
}

void SimDevice::finish() {
  const SourcePlace place = SourcePlace::here(SourceOrigin::runtime);
  for (int number = 0; number < 2; ++number) {
    TileRelease& release = tiles_.releases[static_cast<std::size_t>(number)];
    if (release == TileRelease::mte3) core_.wait_flag(Pipe::mte3, Pipe::mte2, number, place);
    if (release == TileRelease::vector) core_.wait_flag(Pipe::vector, Pipe::mte2, number, place);
    release = TileRelease::nobody;
    bool& storing = tiles_.storing[static_cast<std::size_t>(number)];
    if (storing) {
      core_.wait_flag(Pipe::mte3, Pipe::vector, first_accumulator_flag + number, place);
    }
    storing = false;
  }
  drain(place);
}

}  // namespace peal
