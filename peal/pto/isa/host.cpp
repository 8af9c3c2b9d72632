// SPDX-License-Identifier: Apache-2.0
#include "peal/pto/isa/host.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <exception>
#include <iterator>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "peal/base/error.h"
#include "peal/chip/core/core.h"
#include "peal/pto/isa/given_values.h"
#include "peal/pto/isa/refusal.h"
#include "peal/pto/isa/shim.h"
#include "peal/pto/isa/tile_operands.h"
#include "peal/pto/isa/wrong_address.h"
#include "peal/pto/load/fault_guard.h"
#include "peal/pto/load/kernel.h"
#include "peal/pto/load/source_line.h"
#include "peal/run/kernel_failure.h"

namespace peal {
namespace {

using pto_abi::Place;
using pto_refusal::core;
using pto_refusal::refuse;
using pto_refusal::refuse_at;

// The ranges of all PtoArguments: start to end, disjoint. By thread and not by run, since arguments
// are laid out before their run has any core, and a simulation may run inside another.
thread_local std::map<const std::byte*, const std::byte*> argument_ranges;

bool is_pto_argument(const std::byte* data, std::size_t bytes) {
  auto after = argument_ranges.upper_bound(data);
  if (after == argument_ranges.begin()) return false;
  return data + bytes <= std::prev(after)->second;
}

std::atomic<std::uint64_t> unloaded_kernels = 0;  // version number of place_before()'s caches

// The source line of the call before a return address. A lookup in debug information is slow, so
// each thread caches the results until a kernel is unloaded, whose addresses may be reused: a cache
// of the process would need a lock at each access that is observed.
SourcePlace place_before(void* place) {
  static thread_local std::unordered_map<void*, SourcePlace> known;
  static thread_local std::uint64_t known_since = 0;
  if (known_since != unloaded_kernels) known.clear();
  known_since = unloaded_kernels;
  const auto [entry, is_new] = known.try_emplace(place);
  if (is_new) entry->second = source_place(static_cast<const char*>(place) - 1);
  return entry->second;
}

// The same for a report, uncached.
FailurePlace failure_before(void* place) {
  return failure_place(static_cast<const char*>(place) - 1);
}

using Kind = KernelFailure::Kind;

SourcePlace source(Place place) { return {place.file, place.line}; }

// Refuses an access to another rank's memory outside of its windows. `data` lies in a region.
// `find_place` is only called for the report.
template <class FindPlace>
void check_own_or_shared(const std::byte* data, std::size_t bytes, const char* what,
                         FindPlace find_place) {
  const Fabric& fabric = core().fabric();
  const int own = core().rank(), owner = fabric.memory().owner(data, own);
  if (owner == own || fabric.regions().is_shared(data)) return;
  const auto region = fabric.regions().find(data);
  PEAL_CHECK(region.has_value());
  const auto offset = static_cast<std::size_t>(data - region->data);
  refuse_at(find_place(),
            fmt::format("{} of bytes {}..{} of `{}` of rank {}, which is in no window of that rank",
                        what, offset, offset + bytes, region->name, owner),
            Kind::out_of_bounds);
}

// Refuses an access to global memory unless one region contains all its bytes, and that region
// belongs to the rank itself or is a window.
void check_global(const std::byte* data, std::size_t bytes, const char* what, Place place) {
  if (bytes == 0) return;
  if (core().fabric().regions().holds(data, bytes)) {
    return check_own_or_shared(data, bytes, what, [&] { return FailurePlace::at(source(place)); });
  }
  const auto outside = describe_outside(core(), data, bytes, what);
  refuse(place,
         outside.value_or(fmt::format("{} at address {}, which is in no buffer", what,
                                      static_cast<const void*>(data))),
         Kind::out_of_bounds);
}

// Refuses a tile in a memory that this type of core does not have: vector cores (aiv) have the
// unified buffer, cube cores (aic) all others.
void check_core(const char* instruction, bool in_unified, Place place) {
  const CoreType core_type = core().block().type;
  if (in_unified == (core_type == CoreType::aiv)) return;
  refuse(place, fmt::format("{} of a {} on an {} core; make the case say core = \"{}\"",
                            instruction, in_unified ? "Vec tile" : "Mat, Left, Right or Acc tile",
                            in_unified ? "AIC" : "AIV", in_unified ? "aiv" : "aic"));
}

bool loads(TileOpcode opcode) { return opcode == TileOpcode::load; }
bool has_second(TileOpcode opcode) {
  return opcode == TileOpcode::add || opcode == TileOpcode::mul || opcode == TileOpcode::max ||
         opcode == TileOpcode::min || opcode == TileOpcode::matmul;
}

// Refuses an instruction on a thread that runs no core: in a shim, or a thread that a kernel has
// started.
void check_on_core(Place place) {
  if (current_core() != nullptr) return;
  throw RunError(
      fmt::format("an instruction of the chip outside of a kernel's own thread, such as "
                  "in an orchestration shim or a std::thread   {}:{}",
                  place.file, place.line));
}

// False once the kernel has issued so many instructions, or notifies without a wait, that it is
// taken to loop forever.
bool within_budget() {
  return core().instructions() < Core::max_instructions &&
         core().notifies_in_a_row() < Core::max_notifies_in_a_row;
}

void check_budget(Place place) {
  check_on_core(place);
  if (!within_budget()) refuse(place, core().spent_budget());
}

// The functions of the table follow. An instruction reads and writes the memory of this process, so
// it must not be issued with an operand that could corrupt the simulator or crash it later, far
// from the kernel's line. Each function therefore checks, in this order:
//  1. that a core runs on this thread and its kernel is within budget;
//  2. enumerations and ids that the kernel has passed as numbers;
//  3. tiles: the core has their memory, sizes and types match (check_tile, check_operands);
//  4. every byte of global memory that the instruction will touch (check_global, check_cell).
// Only then does it call the core. Synchronisation functions first ask is_skipped(): a search may
// run a kernel with the synchronisation of one line left out.
void tile(pto_abi::TileOp op, std::int32_t pipe, const pto_abi::Operands* operands, Place place) {
  check_budget(place);
  TileOperation operation;
  operation.opcode = static_cast<TileOpcode>(op);
  operation.round_mode = given_round_mode(operands->round_mode, place);
  std::memcpy(operation.scalar.data(), &operands->scalar, operation.scalar.size());
  const std::byte* const used = operation.stores() ? operands->a.data : operands->dst.data;
  if (used != nullptr) check_core(name(operation.opcode), used < core().on_chip(OnChip::l1), place);
  const bool is_transfer = loads(operation.opcode) || operation.stores();
  if (!operation.stores()) {
    operation.dst = tile_area(operands->dst);
    check_tile(operation.dst, "the destination tile", place);
  }
  if (!loads(operation.opcode)) {
    if (operation.opcode != TileOpcode::expands) operation.a = tile_area(operands->a);
    if (operation.opcode == TileOpcode::expands) operation.a = operation.dst;
    check_tile(operation.a, "the source tile", place);
  }
  if (has_second(operation.opcode)) {
    operation.b = tile_area(operands->b);
    check_tile(operation.b, "the second source tile", place);
  }
  check_operands(operation, place);
  if (is_transfer) {
    const pto_abi::Global& global = operands->global;
    operation.global.data = global.data;
    operation.global.dtype = static_cast<DType>(global.dtype);
    operation.global.fractal = global.fractal != 0;
    std::copy(global.shape, global.shape + 5, operation.global.shape.begin());
    std::copy(global.stride, global.stride + 5, operation.global.stride.begin());
    const std::byte* const l1 = core().on_chip(OnChip::l1);
    operation.to_l1 = loads(operation.opcode) && operation.dst.data >= l1;
    const TileArea& moved = loads(operation.opcode) ? operation.dst : operation.a;
    check_transfer_size(moved, loads(operation.opcode), place);
    for (const GlobalRun& run : moved_runs(operation.global, moved)) {
      check_global(run.data, run.size_bytes, loads(operation.opcode) ? "TLOAD" : "TSTORE", place);
    }
  }
  core().tile(static_cast<Pipe>(pipe), operation, source(place));
}

bool is_skipped(Place place) {
  check_on_core(place);
  return core().fabric().is_skipped(source(place));
}

// Leaves the code that has called the table, without unwinding it: a kernel, or a shim if no core
// runs.
[[noreturn]] void end_kernel(std::exception_ptr failure) {
  Core* const running = current_core();
  if (running == nullptr) leave_guarded(std::move(failure));
  running->fail(std::move(failure));
}

void set_flag(std::int32_t from, std::int32_t to, std::int32_t id, Place place) {
  if (is_skipped(place)) return;
  check_budget(place);
  check_flag_id(id, place);
  core().set_flag(given_flag_pipe(from, "set_flag", place), given_flag_pipe(to, "set_flag", place),
                  id, source(place));
}

void wait_flag(std::int32_t from, std::int32_t to, std::int32_t id, Place place) {
  if (is_skipped(place)) return;
  check_budget(place);
  check_flag_id(id, place);
  core().wait_flag(given_flag_pipe(from, "wait_flag", place),
                   given_flag_pipe(to, "wait_flag", place), id, source(place));
}

void pipe_barrier(std::int32_t pipe, Place place) {
  if (is_skipped(place)) return;
  check_budget(place);
  core().pipe_barrier(given_pipe(pipe, "pipe_barrier", place), source(place));
}

void dsb(Place place) {
  if (is_skipped(place)) return;
  check_budget(place);
  core().dsb(source(place));
}

void dcci(const void* address, std::int32_t lines, Place place) {
  if (is_skipped(place)) return;
  check_budget(place);
  if (means_whole_cache(lines, place)) return core().dcci_all(source(place));
  core().dcci(static_cast<const std::byte*>(address), source(place));
}

void check_cell(const std::int32_t* cell, const char* what, Place place) {
  const auto* const data = reinterpret_cast<const std::byte*>(cell);
  check_global(data, sizeof(std::int32_t), what, place);
  if (reinterpret_cast<std::uintptr_t>(data) % sizeof(std::int32_t) == 0) return;
  const auto region = core().fabric().regions().find(data);
  refuse(place, fmt::format("{} on a signal at byte {} of `{}` of rank {}; a signal is an int32_t "
                            "at a multiple of 4 bytes",
                            what, data - region->data, region->name, region->rank));
}

void notify(std::int32_t* cell, std::int32_t value, std::int32_t op, Place place) {
  if (is_skipped(place)) return;
  check_budget(place);
  check_cell(cell, "TNOTIFY", place);
  core().notify(reinterpret_cast<std::uint32_t*>(cell), static_cast<std::uint32_t>(value),
                given_notify_op(op, place), source(place));
}

// Refuses a wait or test on another rank's signal.
void check_own(const std::int32_t* cell, const char* what, Place place) {
  check_cell(cell, what, place);
  const int owner =
      core().fabric().memory().owner(reinterpret_cast<const std::byte*>(cell), core().rank());
  if (owner != core().rank()) {
    refuse(place, fmt::format("{} on a signal of rank {}; a rank waits for its own", what, owner),
           Kind::out_of_bounds);
  }
}

void wait(const std::int32_t* cell, std::int32_t value, std::int32_t cmp, Place place) {
  if (is_skipped(place)) return;
  check_budget(place);
  check_own(cell, "TWAIT", place);
  core().wait(reinterpret_cast<const std::uint32_t*>(cell), given_comparison(cmp, "TWAIT", place),
              static_cast<std::uint32_t>(value), 0, source(place));
}

std::int32_t test(const std::int32_t* cell, std::int32_t value, std::int32_t cmp, Place place) {
  check_budget(place);
  check_own(cell, "TTEST", place);
  return core().test(reinterpret_cast<const std::uint32_t*>(cell),
                     given_comparison(cmp, "TTEST", place), static_cast<std::uint32_t>(value), 0,
                     source(place))
             ? 1
             : 0;
}

void* on_chip(pto_abi::Space space, std::uint64_t address, std::uint64_t size_bytes, Place place) {
  check_on_core(place);
  static constexpr const char* names[] = {"UB", "L1", "L0A", "L0B", "L0C"};
  const auto memory = static_cast<OnChip>(space);
  const auto limit = static_cast<std::uint64_t>(on_chip_bytes(core().fabric().platform(), memory));
  check_core("TASSIGN", memory == OnChip::unified, place);
  if (address > limit || size_bytes > limit - address) {
    refuse(place,
           fmt::format("TASSIGN of {} bytes at {} of {}, which has {} bytes", size_bytes, address,
                       names[static_cast<int>(space)], limit),
           Kind::out_of_bounds);
  }
  if (address % 32 != 0) {
    refuse(place, fmt::format("TASSIGN at {} of {}; a tile starts at a multiple of 32 bytes",
                              address, names[static_cast<int>(space)]));
  }
  return core().on_chip(memory) + address;
}

void device_load(void* value, const void* address, std::uint64_t size_bytes, Place place) {
  check_budget(place);
  const auto* const from = static_cast<const std::byte*>(address);
  check_global(from, size_bytes, "ld_dev", place);
  core().device_load(value, from, size_bytes, source(place));
}

void device_store(void* address, const void* value, std::uint64_t size_bytes, Place place) {
  check_budget(place);
  auto* const to = static_cast<std::byte*>(address);
  check_global(to, size_bytes, "st_dev", place);
  core().device_store(to, value, size_bytes, source(place));
}

std::int64_t element_count(const pto_abi::Global& global) {
  std::int64_t count = 1;
  for (std::int64_t size : global.shape) {
    if (size <= 0) return 0;
    if (__builtin_mul_overflow(count, size, &count)) count = INT64_MAX;
  }
  return count;
}

// True if the elements are contiguous.
bool is_flat(const pto_abi::Global& global) {
  std::int64_t expected = 1;
  for (int i = 4; i >= 0; --i) {
    if (global.shape[i] == 1) continue;
    if (global.stride[i] != expected) return false;
    if (__builtin_mul_overflow(expected, global.shape[i], &expected)) return false;
  }
  return true;
}

constexpr std::int64_t max_transfer_elements = std::int64_t{1} << 31;

std::uint64_t transfer(const pto_abi::Global* dst, const pto_abi::Global* src, const char* name,
                       Place place) {
  check_budget(place);
  const std::int64_t count = element_count(*src);
  const bool fits = count > 0 && count == element_count(*dst) && is_flat(*dst) && is_flat(*src);
  if (!fits) return 0;
  const auto dtype = static_cast<DType>(src->dtype);
  if (count >= max_transfer_elements) {
    refuse(place, fmt::format("{} of {} elements; one transfer takes fewer than {}", name, count,
                              max_transfer_elements));
  }
  const std::size_t bytes = static_cast<std::size_t>(count) * size_bytes(dtype);
  check_global(src->data, bytes, name, place);
  check_global(dst->data, bytes, name, place);
  return core().transfer(dst->data, src->data, static_cast<std::uint32_t>(count), dtype,
                         source(place)) +
         std::uint64_t{1};
}

void wait_transfers(std::uint64_t handle, Place place) {
  check_budget(place);
  core().wait_transfers(static_cast<std::uint32_t>(handle), source(place));
}

std::int32_t test_transfers(std::uint64_t handle, Place place) {
  check_budget(place);
  return core().test_transfers(static_cast<std::uint32_t>(handle), source(place)) ? 1 : 0;
}

// True if all bytes are in the on-chip memories of this core's type, which are contiguous.
bool is_on_chip(Core& owner, const std::byte* data, std::size_t bytes) {
  const Platform& platform = owner.fabric().platform();
  const auto all = static_cast<std::size_t>(on_chip_bytes(platform));
  const auto unified = static_cast<std::size_t>(on_chip_bytes(platform, OnChip::unified));
  const bool is_vector = owner.block().type == CoreType::aiv;
  const std::byte* const first = owner.on_chip(is_vector ? OnChip::unified : OnChip::l1);
  const std::size_t total = is_vector ? unified : all - unified;
  return data >= first && bytes <= total && data <= first + (total - bytes);
}

// Called before each load or store of the kernel's own code, which the kernel then makes itself.
// The address is classified:
//  - global memory: the access goes through the scalar cache, unlike those of tile instructions;
//  - on-chip memory: a scalar access to a tile's elements;
//  - arguments and contexts: no effect that others could observe;
//  - the kernel's statics: may be read, but a store would be shared by all ranks;
//  - all else is a wild pointer and ends the run before it can do damage.
// A shim's accesses are not simulated.
void access(const void* address, std::uint64_t size_bytes, std::int32_t writes, void* place) {
  Core* const running = current_core();
  if (running == nullptr) return;
  const auto* data = static_cast<const std::byte*>(address);
  // The lookup of a line is slow; without readers of events the last instruction's line will do.
  const auto access_place = [&] {
    return running->fabric().observed() ? place_before(place) : running->place();
  };
  const auto check_access_budget = [&] {
    if (!within_budget()) refuse_at(failure_before(place), core().spent_budget());
  };
  if (running->fabric().regions().holds(data, size_bytes)) {
    check_own_or_shared(data, size_bytes, writes != 0 ? "a store" : "a load",
                        [&] { return failure_before(place); });
    running->scalar_access(data, size_bytes, writes != 0, access_place());
    return check_access_budget();
  }
  if (is_on_chip(*running, data, size_bytes)) {
    running->on_chip_access(data, size_bytes, writes != 0, access_place());
    return check_access_budget();
  }
  if (is_pto_argument(data, size_bytes)) return;
  if (is_kernel_data(data)) {
    if (writes == 0) return;
    refuse_at(failure_before(place),
              "a store to a static variable, which all ranks here would share; a device has none, "
              "so keep it on the stack or in a buffer");
  }
  const WrongAddress wrong =
      describe_address(*running, data, size_bytes, writes != 0 ? "a store" : "a load");
  refuse_at(failure_before(place), wrong.what, wrong.kind);
}

std::int32_t own_rank() { return core().rank(); }
std::int32_t block_index() { return core().block().index; }
std::int32_t block_count() { return core().block().count; }

void ended(const char* how, void* place) {
  const std::string what =
      std::string("it calls ") + how + ", which would end all ranks; return instead";
  if (current_core() == nullptr) {
    throw RunError("orchestration error: " + what + "   " + describe(failure_before(place)));
  }
  refuse_at(failure_before(place), what);
}

void fail(const char* sentence, Place place) { refuse(place, sentence); }

// A function of the table as kernels call it. Exceptions end here: thrown through the kernel's
// frames, they could be caught by the kernel, or meet a noexcept function, which ends the process.
// The failure leaves the catch block before end_kernel(), which never returns, so that the
// exception is not left in flight on this thread.
template <auto function, class Signature = decltype(function)>
struct AtBoundary;
template <auto function, class Result, class... Arguments>
struct AtBoundary<function, Result (*)(Arguments...)> {
  static Result call(Arguments... arguments) {
    std::exception_ptr failure;
    try {
      return function(arguments...);
    } catch (...) {
      failure = std::current_exception();
    }
    end_kernel(std::move(failure));
  }
};

}  // namespace

PtoArgument::PtoArgument(const void* data, std::size_t size_bytes) : data_(data) {
  const auto* begin = static_cast<const std::byte*>(data);
  argument_ranges[begin] = begin + size_bytes;
}

PtoArgument::~PtoArgument() {
  if (data_ != nullptr) argument_ranges.erase(static_cast<const std::byte*>(data_));
}

void forget_source_places() { ++unloaded_kernels; }

const pto_abi::Host& pto_host() {
  static constexpr pto_abi::Host host = {
      .tile = AtBoundary<&tile>::call,
      .set_flag = AtBoundary<&set_flag>::call,
      .wait_flag = AtBoundary<&wait_flag>::call,
      .pipe_barrier = AtBoundary<&pipe_barrier>::call,
      .dsb = AtBoundary<&dsb>::call,
      .dcci = AtBoundary<&dcci>::call,
      .notify = AtBoundary<&notify>::call,
      .wait = AtBoundary<&wait>::call,
      .test = AtBoundary<&test>::call,
      .on_chip = AtBoundary<&on_chip>::call,
      .rank = AtBoundary<&own_rank>::call,
      .block_index = AtBoundary<&block_index>::call,
      .block_count = AtBoundary<&block_count>::call,
      .device_load = AtBoundary<&device_load>::call,
      .device_store = AtBoundary<&device_store>::call,
      .transfer = AtBoundary<&transfer>::call,
      .wait_transfers = AtBoundary<&wait_transfers>::call,
      .test_transfers = AtBoundary<&test_transfers>::call,
      .access = AtBoundary<&access>::call,
      .ended = AtBoundary<&ended>::call,
      .fail = AtBoundary<&fail>::call,
      .submit = AtBoundary<&submit_pto_task>::call,
      .shim_fail = AtBoundary<&fail_pto_shim>::call,
  };
  return host;
}

}  // namespace peal
