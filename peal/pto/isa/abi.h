// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

// What a PTO kernel's shared object and the simulator say to each other: plain data and a table of
// functions. Compiled into both sides; enumerations have the values of peal's own.
namespace peal::pto_abi {

inline constexpr std::uint32_t version = 6;

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

// A part of global memory: a 5-dimensional strided array; strides are in elements.
struct Global {
  std::byte* data;
  std::int32_t dtype;
  std::int64_t shape[5];
  std::int64_t stride[5];
  std::int32_t fractal;  // Layout::NZ
};

// A tile in on-chip memory, of which valid_rows x valid_cols elements count.
struct Tile {
  std::byte* data;
  std::int32_t dtype;
  std::int32_t rows, cols;
  std::int32_t valid_rows, valid_cols;
  std::int32_t column_major;
};

struct Place {
  const char* file;
  std::uint32_t line;
};

// The operands of a tile instruction; which ones an instruction has is its own affair.
struct Operands {
  Global global;
  Tile dst, a, b;
  std::uint64_t scalar;  // the bytes of an element of dst's type, the lowest first
  std::int32_t round_mode;
};

// What a session of the DMA engine may have outstanding.
inline constexpr std::uint64_t max_outstanding = 64;

// A task that a shim submits. Tensors are ChipTensor; directions are 0 input, 1 output, 2 inout,
// 3 no_dep.
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

// The functions that the simulator gives to a kernel or shim.
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
  // The address of on-chip memory; ends the run when the tile does not fit into its space.
  void* (*on_chip)(Space space, std::uint64_t address, std::uint64_t size_bytes, Place place);
  std::int32_t (*rank)();
  std::int32_t (*block_index)();
  std::int32_t (*block_count)();
  // Scalar accesses that bypass the cache.
  void (*device_load)(void* value, const void* address, std::uint64_t size_bytes, Place place);
  void (*device_store)(void* address, const void* value, std::uint64_t size_bytes, Place place);
  // Hands a copy to the DMA engine; returns 1 more than its number among the core's transfers, or 0
  // where one of the two is not one run of elements, or they are not of one length.
  std::uint64_t (*transfer)(const Global* dst, const Global* src, const char* name, Place place);
  // Wait for, or look at, the transfers up to the one of that handle.
  void (*wait_transfers)(std::uint64_t handle, Place place);
  std::int32_t (*test_transfers)(std::uint64_t handle, Place place);
  // Before every access that a kernel's own code makes to anything but its stack; `place` is the
  // address of the instruction behind it.
  void (*access)(const void* address, std::uint64_t size_bytes, std::int32_t writes, void* place);
  // Ends the run with a mistake of the kernel, told in one sentence. Does not return.
  // The code calls what would end the process.
  void (*ended)(const char* how, void* place);
  void (*fail)(const char* sentence, Place place);
  // The two that shims call, which run before any core does.
  void (*submit)(const Submission* submission);
  void (*shim_fail)(const char* sentence, Place place);
};

}  // namespace peal::pto_abi
