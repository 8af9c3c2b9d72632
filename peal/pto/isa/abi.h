// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

// The binary interface between a PTO kernel's shared object and the simulator: plain data and a
// table of functions, compiled into both sides. Enumerations have the values of Peal's own, which
// abi_enumerations.cpp asserts. Change `version` with every change of layout or meaning.
namespace peal::pto_abi {

inline constexpr std::uint32_t version = 6;

// An on-chip memory of a core: the unified buffer of vector cores, the others of cube cores.
enum class Space : std::int32_t { unified, l1, l0a, l0b, l0c };
inline constexpr int space_count = 5;

enum class TileOp : std::int32_t {
  load,
  store,
  store_add,  // atomic per element
  add,
  mul,
  max,
  min,
  adds,
  muls,
  expands,
  cvt,
  row_sum,
  move,
  matmul,
};

// A part of global memory: a 5-dimensional array; shape and strides are in elements.
struct Global {
  std::byte* data;
  std::int32_t dtype;
  std::int64_t shape[5];
  std::int64_t stride[5];
  std::int32_t fractal;  // 1 for Layout::NZ, which is stored in blocks; else 0
};

// A tile of rows x cols elements in on-chip memory; instructions use its valid_rows x valid_cols
// upper left part.
struct Tile {
  std::byte* data;
  std::int32_t dtype;
  std::int32_t rows, cols;
  std::int32_t valid_rows, valid_cols;
  std::int32_t column_major;
};

// A line of the kernel's source, for reports.
struct Place {
  const char* file;
  std::uint32_t line;
};

// The operands of a tile instruction. An instruction ignores those that it does not have.
struct Operands {
  Global global;
  Tile dst, a, b;
  std::uint64_t scalar;  // the bytes of an element of dst's type, little-endian
  std::int32_t round_mode;
};

// The number of transfers that a session of the DMA engine may have outstanding.
inline constexpr std::uint64_t max_outstanding = 64;

// A task that an orchestration shim submits: a call of kernel `function`. `tensors` points to
// ChipTensor; `directions`, one per tensor, are 0 input, 1 output, 2 inout, 3 no_dep.
struct Submission {
  std::int32_t function;
  std::int32_t is_cube;
  const void* tensors;
  const std::int32_t* directions;
  std::size_t tensor_count;
  const std::uint64_t* scalars;
  std::size_t scalar_count;
  Place place;
};

// The table of functions that the simulator hands to a kernel or shim at loading. Pipes,
// comparisons and the like are int32_t since a kernel may cast any number to them; the simulator
// validates them.
struct Host {
  void (*tile)(TileOp op, std::int32_t pipe, const Operands* operands, Place place);
  void (*set_flag)(std::int32_t from, std::int32_t to, std::int32_t id, Place place);
  void (*wait_flag)(std::int32_t from, std::int32_t to, std::int32_t id, Place place);
  void (*pipe_barrier)(std::int32_t pipe, Place place);
  void (*dsb)(Place place);
  void (*dcci)(const void* address, std::int32_t lines, Place place);
  void (*notify)(std::int32_t* cell, std::int32_t value, std::int32_t op, Place place);
  void (*wait)(const std::int32_t* cell, std::int32_t value, std::int32_t cmp, Place place);
  std::int32_t (*test)(const std::int32_t* cell, std::int32_t value, std::int32_t cmp, Place place);
  // The address of a tile at a byte offset of an on-chip memory; ends the run if it does not fit.
  void* (*on_chip)(Space space, std::uint64_t address, std::uint64_t size_bytes, Place place);
  std::int32_t (*rank)();
  std::int32_t (*block_index)();
  std::int32_t (*block_count)();
  // Scalar accesses that bypass the cache.
  void (*device_load)(void* value, const void* address, std::uint64_t size_bytes, Place place);
  void (*device_store)(void* address, const void* value, std::uint64_t size_bytes, Place place);
  // Issues a copy on the DMA engine. Returns its handle: 1 plus its number among the core's
  // transfers. Returns 0, and copies nothing, if a side is empty or not contiguous or the lengths
  // differ.
  std::uint64_t (*transfer)(const Global* dst, const Global* src, const char* name, Place place);
  // Wait until all of the core's transfers up to that handle are complete; test whether they are.
  void (*wait_transfers)(std::uint64_t handle, Place place);
  std::int32_t (*test_transfers)(std::uint64_t handle, Place place);
  // Called before every load and store of the kernel's own code, except those to its stack. `place`
  // is the return address of the callback: that of the instruction after the call.
  void (*access)(const void* address, std::uint64_t size_bytes, std::int32_t writes, void* place);
  // The next two end the run with a mistake of the kernel and do not return. `ended`: the code has
  // called a function that would end the process, such as "exit()". `fail`: reports the sentence.
  void (*ended)(const char* how, void* place);
  void (*fail)(const char* sentence, Place place);
  // For orchestration shims, which run while no core does.
  void (*submit)(const Submission* submission);
  void (*shim_fail)(const char* sentence, Place place);
};

}  // namespace peal::pto_abi
