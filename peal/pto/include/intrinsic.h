// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <type_traits>

#include "peal_kernel.hpp"
#include "pto/common/constants.hpp"

// The free functions of a core, in the global namespace as kernels call them.

inline void set_flag(pipe_t from, pipe_t to, int id,
                     peal::pto_abi::Place place = peal::kernel_side::here()) {
  peal::kernel_side::host->set_flag(from, to, id, place);
}
inline void wait_flag(pipe_t from, pipe_t to, int id,
                      peal::pto_abi::Place place = peal::kernel_side::here()) {
  peal::kernel_side::host->wait_flag(from, to, id, place);
}
inline void pipe_barrier(pipe_t pipe, peal::pto_abi::Place place = peal::kernel_side::here()) {
  peal::kernel_side::host->pipe_barrier(pipe, place);
}
inline void dsb(mem_dsb_t memory, peal::pto_abi::Place place = peal::kernel_side::here()) {
  if (memory < DSB_ALL || memory > DSB_SEQ) {
    peal::kernel_side::host->fail("dsb with a value that is no mem_dsb_t; use DSB_ALL to DSB_SEQ",
                                  place);
  }
  peal::kernel_side::host->dsb(place);
}
inline void dcci(const volatile void* address, cache_line_t lines,
                 peal::pto_abi::Place place = peal::kernel_side::here()) {
  peal::kernel_side::host->dcci(const_cast<const void*>(address), static_cast<std::int32_t>(lines),
                                place);
}
inline void dcci(const volatile void* address, cache_line_t lines, dcci_dst_t,
                 peal::pto_abi::Place place = peal::kernel_side::here()) {
  dcci(address, lines, place);
}
inline std::int64_t get_block_idx() { return peal::kernel_side::host->block_index(); }
inline std::int64_t get_block_num() { return peal::kernel_side::host->block_count(); }
template <class Args>
std::int32_t get_block_idx(Args*) {
  return peal::kernel_side::host->block_index();
}
template <class Args>
std::int32_t get_block_num(Args*) {
  return peal::kernel_side::host->block_count();
}

// A 64-bit pattern as a scalar of type T.
template <class T>
T from_u64(std::uint64_t bits) {
  T value;
  __builtin_memcpy(&value, &bits, sizeof(T));
  return value;
}

// Loads and stores of one element of global memory that bypass the scalar cache.
template <class T>
T ld_dev(const T* address, std::int64_t offset = 0,
         peal::pto_abi::Place place = peal::kernel_side::here()) {
  std::remove_cv_t<T> value;
  const volatile void* at = reinterpret_cast<const volatile std::byte*>(address) + offset;
  peal::kernel_side::host->device_load(&value, const_cast<const void*>(at), sizeof(T), place);
  return value;
}
template <class Value, class T>
void st_dev(Value value, T* address, std::int64_t offset = 0,
            peal::pto_abi::Place place = peal::kernel_side::here()) {
  const T stored = static_cast<T>(value);
  peal::kernel_side::host->device_store(reinterpret_cast<std::byte*>(address) + offset, &stored,
                                        sizeof(T), place);
}
