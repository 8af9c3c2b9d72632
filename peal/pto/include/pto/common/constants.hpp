// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

// Names of the PTO tile ISA; values of pipes are the ISA's own.
enum pipe_t : std::int32_t {
  PIPE_S = 0,
  PIPE_V = 1,
  PIPE_MTE1 = 2,
  PIPE_MTE2 = 3,
  PIPE_MTE3 = 4,
  PIPE_M = 5,
  PIPE_ALL = 6,
  PIPE_FIX = 7,
};

enum event_t : std::int32_t {
  EVENT_ID0,
  EVENT_ID1,
  EVENT_ID2,
  EVENT_ID3,
  EVENT_ID4,
  EVENT_ID5,
  EVENT_ID6,
  EVENT_ID7,
};

enum class cache_line_t : std::int32_t { SINGLE_CACHE_LINE = 0, ENTIRE_DATA_CACHE = 1 };
enum class dcci_dst_t : std::int32_t {
  CACHELINE_ALL,
  CACHELINE_UB,
  CACHELINE_OUT,
  CACHELINE_ATOMIC
};
inline constexpr cache_line_t SINGLE_CACHE_LINE = cache_line_t::SINGLE_CACHE_LINE;
inline constexpr cache_line_t ENTIRE_DATA_CACHE = cache_line_t::ENTIRE_DATA_CACHE;
inline constexpr dcci_dst_t CACHELINE_ALL = dcci_dst_t::CACHELINE_ALL;
inline constexpr dcci_dst_t CACHELINE_UB = dcci_dst_t::CACHELINE_UB;
inline constexpr dcci_dst_t CACHELINE_OUT = dcci_dst_t::CACHELINE_OUT;

enum mem_dsb_t : std::int32_t { DSB_ALL, DSB_DDR, DSB_UB, DSB_SEQ };

inline constexpr std::size_t C0_SIZE_BYTE = 32;

#if defined(__aarch64__) && !defined(__clang__) && __GNUC__ < 13
using half = __fp16;  // g++ 12 has no _Float16 in C++ for this architecture
#else
using half = _Float16;
#endif

// The upper half of a float; rounds to nearest, ties to even.
struct bfloat16_t {
  std::uint16_t bits = 0;

  bfloat16_t() = default;
  bfloat16_t(float value) {
    const std::uint32_t all = std::bit_cast<std::uint32_t>(value);
    const bool is_nan = (all & 0x7fffffffu) > 0x7f800000u;
    bits = static_cast<std::uint16_t>(is_nan ? (all >> 16) | 0x40u
                                             : (all + 0x7fffu + ((all >> 16) & 1u)) >> 16);
  }
  operator float() const { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }
  bfloat16_t& operator+=(float other) { return *this = *this + other; }
  bfloat16_t& operator-=(float other) { return *this = *this - other; }
  bfloat16_t& operator*=(float other) { return *this = *this * other; }
  bfloat16_t& operator/=(float other) { return *this = *this / other; }
};

namespace pto {

inline constexpr int DYNAMIC = -1;

enum class Layout { ND, DN, NZ };
enum class TileType { Vec, Mat, Left, Right, Acc };
enum class BLayout { RowMajor, ColMajor };
enum class SLayout { NoneBox, RowMajor, ColMajor };
enum class AtomicType { AtomicNone, AtomicAdd };
enum class RoundMode {
  CAST_NONE,
  CAST_RINT,
  CAST_ROUND,
  CAST_FLOOR,
  CAST_CEIL,
  CAST_TRUNC,
  CAST_ODD,
};

// The event that an instruction returns and a later one may take. It adds no order: the simulator
// orders instructions by flags and barriers alone, as the hardware's queues do.
struct RecordEvent {};

}  // namespace pto
