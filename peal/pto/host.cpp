// SPDX-License-Identifier: Apache-2.0
#include "peal/pto/host.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <unordered_map>

#include "peal/base/error.h"
#include "peal/chip/core.h"
#include "peal/machine/kernel_failure.h"
#include "peal/pto/fault_guard.h"
#include "peal/pto/kernel.h"
#include "peal/pto/shim.h"
#include "peal/pto/source_line.h"

namespace peal {
namespace {

using pto_abi::Place;

thread_local std::unordered_map<int, PtoBlock> blocks;  // of each core of the run

// Memory of the simulator that kernels are given to read: by start, and apart from each other.
thread_local std::map<const std::byte*, const std::byte*> argument_ranges;

bool is_pto_argument(const std::byte* data, std::size_t bytes) {
  auto after = argument_ranges.upper_bound(data);
  if (after == argument_ranges.begin()) return false;
  return data + bytes <= std::prev(after)->second;
}

std::atomic<std::uint64_t> unloaded_kernels = 0;

// The place of the instruction before a return address; looked up once for each address, until
// another kernel may have been loaded there.
SourcePlace place_before(void* place) {
  static thread_local std::unordered_map<void*, SourcePlace> known;
  static thread_local std::uint64_t known_since = 0;
  if (known_since != unloaded_kernels) known.clear();
  known_since = unloaded_kernels;
  const auto [entry, is_new] = known.try_emplace(place);
  if (is_new) entry->second = source_place(static_cast<const char*>(place) - 1);
  return entry->second;
}

// The line of the instruction before a return address.
std::string line_before(void* place) { return source_line(static_cast<const char*>(place) - 1); }

Core& core() {
  Core* running = current_core();
  CHECK(running != nullptr);
  return *running;
}

// A kernel that issues more instructions than this on one core is taken to never end.
constexpr std::uint64_t most_instructions = 20000000;

SourcePlace source(Place place) { return {place.file, place.line}; }

using Kind = KernelFailure::Kind;

[[noreturn]] void refuse_at(const std::string& where, const std::string& what,
                            Kind kind = Kind::other) {
  throw KernelFailure(kind, core().rank(), core().index(), what, where);
}

[[noreturn]] void refuse(Place place, const std::string& what, Kind kind = Kind::other) {
  refuse_at(fmt::format("{}:{}", place.file, place.line), what, kind);
}

// What is wrong with an access that no region holds; nothing where no region is near it.
std::optional<std::string> describe_outside(const std::byte* data, std::size_t bytes,
                                            const char* what) {
  const auto region = core().fabric().regions().find(data);
  if (!region) return std::nullopt;
  const auto offset = static_cast<std::size_t>(data - region->data);
  return fmt::format("{} of bytes {}..{} of `{}` of rank {}, which has {} bytes", what, offset,
                     offset + bytes, region->name, region->rank, region->size_bytes);
}

// Every byte of an access to global memory lies in one region.
void check_global(const std::byte* data, std::size_t bytes, const char* what, Place place) {
  if (bytes == 0 || core().fabric().regions().holds(data, bytes)) return;
  const auto outside = describe_outside(data, bytes, what);
  refuse(place,
         outside.value_or(fmt::format("{} at address {}, which is in no buffer", what,
                                      static_cast<const void*>(data))),
         Kind::out_of_bounds);
}

TileArea area(const pto_abi::Tile& tile) {
  return {tile.data,       static_cast<DType>(tile.dtype), tile.rows, tile.cols, tile.valid_rows,
          tile.valid_cols, tile.column_major != 0};
}

void check_tile(const TileArea& tile, const char* which, Place place) {
  if (tile.data == nullptr) {
    refuse(place, fmt::format("{} has no address; place it with TASSIGN first", which));
  }
  if (tile.valid_rows < 0 || tile.valid_rows > tile.rows || tile.valid_cols < 0 ||
      tile.valid_cols > tile.cols) {
    refuse(place, fmt::format("{}'s valid part is {} x {} of {} x {}", which, tile.valid_rows,
                              tile.valid_cols, tile.rows, tile.cols));
  }
}

const char* name(TileOpcode opcode) {
  static constexpr const char* names[] = {"TLOAD", "TSTORE",  "TSTORE", "TADD",   "TMUL",
                                          "TMAX",  "TMIN",    "TADDS",  "TMULS",  "TEXPANDS",
                                          "TCVT",  "TROWSUM", "TMOV",   "TMATMUL"};
  return names[static_cast<std::size_t>(opcode)];
}

// A tile lies in a memory of the core that uses it: the unified buffer or the others.
void check_core(const char* instruction, bool in_unified, Place place) {
  const CoreType core_type = blocks[core().index()].core;
  if (in_unified == (core_type == CoreType::aiv)) return;
  refuse(place, fmt::format("{} of a {} on an {} core; make the case say core = \"{}\"",
                            instruction, in_unified ? "Vec tile" : "Mat, Left, Right or Acc tile",
                            in_unified ? "AIC" : "AIV", in_unified ? "aiv" : "aic"));
}

// What one transfer of a tile may have, PTO tile ISA. A single row is one burst, of any length.
constexpr int most_load_rows = 4095, most_store_cols = 4095, most_store_rows = 8192;

void check_transfer_size(const TileArea& tile, bool loads, Place place) {
  const auto check = [&](int given, int most, const char* what) {
    if (given <= most) return;
    refuse(place, fmt::format("{} of {} {}; one takes at most {}, so split it",
                              loads ? "TLOAD" : "TSTORE", given, what, most));
  };
  check(tile.valid_rows, loads ? most_load_rows : most_store_rows, "rows");
  if (!loads && tile.valid_rows > 1) check(tile.valid_cols, most_store_cols, "columns");
}

bool loads(TileOpcode opcode) { return opcode == TileOpcode::load; }
bool has_second(TileOpcode opcode) {
  return opcode == TileOpcode::add || opcode == TileOpcode::mul || opcode == TileOpcode::max ||
         opcode == TileOpcode::min || opcode == TileOpcode::matmul;
}

bool within_budget() { return core().instructions() < most_instructions; }

std::string budget_spent() {
  return fmt::format("it has issued {} instructions and goes on; does its loop end?",
                     core().instructions());
}

void check_budget(Place place) {
  if (!within_budget()) refuse(place, budget_spent());
}

void tile(pto_abi::TileOp op, std::int32_t pipe, const pto_abi::Operands* operands, Place place) {
  check_budget(place);
  TileOperation operation;
  operation.opcode = static_cast<TileOpcode>(op);
  operation.round_mode = static_cast<RoundMode>(operands->round_mode);
  operation.scalar = operands->scalar;
  const std::byte* const used = operation.stores() ? operands->a.data : operands->dst.data;
  if (used != nullptr) check_core(name(operation.opcode), used < core().on_chip(OnChip::l1), place);
  const bool is_transfer = loads(operation.opcode) || operation.stores();
  if (!operation.stores()) {
    operation.dst = area(operands->dst);
    check_tile(operation.dst, "the destination tile", place);
  }
  if (!loads(operation.opcode)) {
    if (operation.opcode != TileOpcode::expands) operation.a = area(operands->a);
    if (operation.opcode == TileOpcode::expands) operation.a = operation.dst;
    check_tile(operation.a, "the source tile", place);
  }
  if (has_second(operation.opcode)) {
    operation.b = area(operands->b);
    check_tile(operation.b, "the second source tile", place);
  }
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

void check_flag(std::int32_t id, Place place) {
  if (id < 0 || id >= Flags::ids) {
    refuse(place, fmt::format("event id {} is not one of the {} ids 0..{}", id, Flags::ids,
                              Flags::ids - 1));
  }
}

bool is_skipped(Place place) { return core().fabric().is_skipped(source(place)); }

void set_flag(std::int32_t from, std::int32_t to, std::int32_t id, Place place) {
  if (is_skipped(place)) return;
  check_budget(place);
  check_flag(id, place);
  core().set_flag(static_cast<Pipe>(from), static_cast<Pipe>(to), id, source(place));
}

void wait_flag(std::int32_t from, std::int32_t to, std::int32_t id, Place place) {
  if (is_skipped(place)) return;
  check_flag(id, place);
  core().wait_flag(static_cast<Pipe>(from), static_cast<Pipe>(to), id, source(place));
}

void pipe_barrier(std::int32_t pipe, Place place) {
  if (is_skipped(place)) return;
  check_budget(place);
  core().pipe_barrier(static_cast<Pipe>(pipe), source(place));
}

void dsb(Place place) {
  if (is_skipped(place)) return;
  core().dsb(source(place));
}

void dcci(const void* address, std::int32_t whole_cache, Place place) {
  if (is_skipped(place)) return;
  if (whole_cache != 0) return core().dcci_all(source(place));
  core().dcci(static_cast<const std::byte*>(address), source(place));
}

void check_cell(const std::int32_t* cell, const char* what, Place place) {
  check_global(reinterpret_cast<const std::byte*>(cell), sizeof(std::int32_t), what, place);
}

void notify(std::int32_t* cell, std::int32_t value, std::int32_t set, Place place) {
  if (is_skipped(place)) return;
  check_budget(place);
  check_cell(cell, "TNOTIFY", place);
  core().notify(reinterpret_cast<std::uint32_t*>(cell), static_cast<std::uint32_t>(value),
                set != 0 ? NotifyOp::set : NotifyOp::add, source(place));
}

WaitCmp comparison(std::int32_t cmp) {
  static constexpr WaitCmp all[] = {WaitCmp::eq, WaitCmp::ne, WaitCmp::gt,
                                    WaitCmp::ge, WaitCmp::lt, WaitCmp::le};
  CHECK(cmp >= 0 && cmp < 6);
  return all[cmp];
}

void check_own(const std::int32_t* cell, const char* what, Place place) {
  check_cell(cell, what, place);
  const int owner =
      core().fabric().memory().owner(reinterpret_cast<const std::byte*>(cell), core().rank());
  if (owner != core().rank()) {
    refuse(place, fmt::format("{} on a signal of rank {}; a rank waits for its own", what, owner));
  }
}

void wait(const std::int32_t* cell, std::int32_t value, std::int32_t cmp, Place place) {
  if (is_skipped(place)) return;
  check_own(cell, "TWAIT", place);
  core().wait(reinterpret_cast<const std::uint32_t*>(cell), comparison(cmp),
              static_cast<std::uint32_t>(value), 0, source(place));
}

std::int32_t test(const std::int32_t* cell, std::int32_t value, std::int32_t cmp, Place place) {
  check_own(cell, "TTEST", place);
  return core().test(reinterpret_cast<const std::uint32_t*>(cell), comparison(cmp),
                     static_cast<std::uint32_t>(value), 0, source(place))
             ? 1
             : 0;
}

void* on_chip(pto_abi::Space space, std::uint64_t address, std::uint64_t size_bytes, Place place) {
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
  for (std::int64_t size : global.shape) count *= std::max<std::int64_t>(size, 0);
  return count;
}

// Whether the elements lie one behind the other.
bool is_flat(const pto_abi::Global& global) {
  std::int64_t expected = 1;
  for (int i = 4; i >= 0; --i) {
    if (global.shape[i] == 1) continue;
    if (global.stride[i] != expected) return false;
    expected *= global.shape[i];
  }
  return true;
}

constexpr std::int64_t most_transfer_elements = std::int64_t{1} << 31;

std::uint64_t transfer(const pto_abi::Global* dst, const pto_abi::Global* src, const char* name,
                       Place place) {
  check_budget(place);
  const std::int64_t count = element_count(*src);
  const bool fits = count > 0 && count == element_count(*dst) && is_flat(*dst) && is_flat(*src);
  if (!fits) return 0;
  const auto dtype = static_cast<DType>(src->dtype);
  if (count >= most_transfer_elements) {
    refuse(place, fmt::format("{} of {} elements; one transfer takes fewer than {}", name, count,
                              most_transfer_elements));
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

// Where the host puts things differs from run to run, so it is not said.
std::string bad_pointer(const void* address) {
  const auto number = reinterpret_cast<std::uintptr_t>(address);
  if (number < 65536) return fmt::format("at the bad pointer {:#x}", number);
  return "at a bad pointer, to memory that is in no buffer";
}

bool is_on_chip(Core& owner, const std::byte* data, std::size_t bytes) {
  const std::byte* const first = owner.on_chip(OnChip::unified);
  const auto total = static_cast<std::size_t>(on_chip_bytes(owner.fabric().platform()));
  return data >= first && bytes <= total && data <= first + (total - bytes);
}

// Raw accesses to global memory go through the scalar cache, those of tiles do not. A shim's are
// its own affair.
void access(const void* address, std::uint64_t size_bytes, std::int32_t writes, void* place) {
  Core* const running = current_core();
  if (running == nullptr) return;
  const auto* data = static_cast<const std::byte*>(address);
  if (running->fabric().regions().holds(data, size_bytes)) {
    const bool observed = running->fabric().observed();
    running->scalar_access(data, size_bytes, writes != 0,
                           observed ? place_before(place) : running->place());
    if (within_budget()) return;
    refuse_at(line_before(place), budget_spent());
  }
  if (is_on_chip(*running, data, size_bytes)) {
    if (!running->fabric().observed()) return;
    return running->report_access(writes != 0 ? EventKind::scalar_write : EventKind::scalar_read,
                                  data, size_bytes, false, place_before(place));
  }
  if (is_pto_argument(data, size_bytes)) return;
  if (is_kernel_data(data)) {
    if (writes == 0) return;
    refuse_at(line_before(place),
              "a store to a static variable, which all ranks here would share; a device has none, "
              "so keep it on the stack or in a buffer");
  }
  const char* const what = writes != 0 ? "a store" : "a load";
  const auto outside = describe_outside(data, size_bytes, what);
  refuse_at(
      line_before(place),
      outside.value_or(fmt::format("{} of {} bytes {}", what, size_bytes, bad_pointer(address))),
      outside ? Kind::out_of_bounds : Kind::other);
}

std::int32_t own_rank() { return core().rank(); }
std::int32_t block_index() { return blocks[core().index()].index; }
std::int32_t block_count() { return blocks[core().index()].count; }

void ended(const char* how, void* place) {
  const std::string what =
      std::string("it calls ") + how + ", which would end all ranks; return instead";
  if (current_core() == nullptr) {
    throw RunError("orchestration error: " + what + "   " + line_before(place));
  }
  refuse_at(line_before(place), what);
}

void fail(const char* sentence, Place place) { refuse(place, sentence); }

}  // namespace

PtoArgument::PtoArgument(const void* data, std::size_t size_bytes) : data_(data) {
  const auto* begin = static_cast<const std::byte*>(data);
  argument_ranges[begin] = begin + size_bytes;
}

PtoArgument::~PtoArgument() {
  if (data_ != nullptr) argument_ranges.erase(static_cast<const std::byte*>(data_));
}

void set_pto_block(int core, PtoBlock block) { blocks[core] = block; }

void forget_source_places() { ++unloaded_kernels; }

const pto_abi::Host& pto_host() {
  static constexpr pto_abi::Host host = {
      .tile = tile,
      .set_flag = set_flag,
      .wait_flag = wait_flag,
      .pipe_barrier = pipe_barrier,
      .dsb = dsb,
      .dcci = dcci,
      .notify = notify,
      .wait = wait,
      .test = test,
      .on_chip = on_chip,
      .rank = own_rank,
      .block_index = block_index,
      .block_count = block_count,
      .device_load = device_load,
      .device_store = device_store,
      .transfer = transfer,
      .wait_transfers = wait_transfers,
      .test_transfers = test_transfers,
      .access = access,
      .ended = ended,
      .fail = fail,
      .submit = submit_pto_task,
      .shim_fail = fail_pto_shim,
  };
  return host;
}

}  // namespace peal
