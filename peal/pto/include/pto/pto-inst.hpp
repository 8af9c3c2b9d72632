// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "intrinsic.h"
#include "pto/common/constants.hpp"
#include "pto/common/pto_tile.hpp"

// The tile instructions. Each has a form that records its source line and one that takes events.
// The simulator orders instructions by flags and barriers; events add no order.

namespace pto {

namespace detail {

using peal::kernel_side::here;
using peal::kernel_side::host;
using peal::pto_abi::Operands;
using peal::pto_abi::Place;
using peal::pto_abi::Space;
using peal::pto_abi::TileOp;

// Converts an argument that an instruction ignores, and records the source line of the call: no
// default argument can follow the parameter pack that such arguments are in.
struct AnyArgument {
  template <class T>
  AnyArgument(T&&, Place at = here()) : place(at) {}
  Place place;
};
// The same for events.
struct EventArgument {
  EventArgument(const RecordEvent&, Place at = here()) : place(at) {}
  Place place;
};

template <class T>
inline constexpr bool is_tile = requires {
  T::Loc;
};
template <class T>
inline constexpr bool is_global = requires {
  T::tensor_layout;
};

template <class T>
constexpr Space space_of() {
  if constexpr (T::Loc == TileType::Vec)
    return Space::unified;
  else if constexpr (T::Loc == TileType::Mat)
    return Space::l1;
  else if constexpr (T::Loc == TileType::Left)
    return Space::l0a;
  else if constexpr (T::Loc == TileType::Right)
    return Space::l0b;
  else
    return Space::l0c;
}

template <class T>
peal::pto_abi::Tile describe_tile(const T& tile) {
  return {reinterpret_cast<std::byte*>(tile.data()),
          dtype_number<typename T::DType>(),
          T::Rows,
          T::Cols,
          tile.GetValidRow(),
          tile.GetValidCol(),
          T::Loc == TileType::Vec && !T::isRowMajor ? 1 : 0};
}

template <class G>
peal::pto_abi::Global describe_global(const G& tensor) {
  peal::pto_abi::Global result{};
  result.data = reinterpret_cast<std::byte*>(const_cast<typename G::RawDType*>(tensor.data()));
  result.dtype = dtype_number<typename G::RawDType>();
  for (int i = 0; i < 5; ++i) {
    result.shape[i] = tensor.GetShape(i);
    result.stride[i] = tensor.GetStride(i);
  }
  result.fractal = G::tensor_layout == Layout::NZ ? 1 : 0;
  return result;
}

template <class Dst, class A, class B>
RecordEvent vector_op(TileOp op, Dst& dst, A& a, B& b, std::uint64_t scalar, int mode,
                      Place place) {
  static_assert(is_tile<Dst> && is_tile<A> && is_tile<B>, "a vector instruction works on tiles");
  static_assert(Dst::Loc == TileType::Vec && A::Loc == TileType::Vec && B::Loc == TileType::Vec,
                "a vector instruction works on Vec tiles");
  Operands operands{};
  operands.dst = describe_tile(dst);
  operands.a = describe_tile(a);
  operands.b = describe_tile(b);
  operands.scalar = scalar;
  operands.round_mode = mode;
  host->tile(op, PIPE_V, &operands, place);
  return {};
}

// The bytes of a scalar operand, which an instruction takes as an element of its tile's type.
template <class Dst, class Scalar>
std::uint64_t scalar_bytes(Scalar scalar) {
  const auto element = static_cast<typename Dst::DType>(scalar);
  std::uint64_t bytes = 0;
  __builtin_memcpy(&bytes, &element, sizeof(element));
  return bytes;
}

template <class T>
constexpr bool takes_atomic_add() {
  return std::is_same_v<T, float> || std::is_same_v<T, half> || std::is_same_v<T, bfloat16_t> ||
         std::is_same_v<T, std::int32_t> || std::is_same_v<T, std::int16_t> ||
         std::is_same_v<T, std::int8_t>;
}

template <class... Events>
inline constexpr bool are_events = (std::is_same_v<std::remove_cvref_t<Events>, RecordEvent> &&
                                    ...);

}  // namespace detail

template <class T, class Address>
void TASSIGN(T& target, Address address, detail::Place place = detail::here()) {
  if constexpr (detail::is_tile<T>) {
    target.place_at(detail::host->on_chip(
        detail::space_of<T>(), static_cast<std::uint64_t>(address), T::size_bytes, place));
  } else if constexpr (std::is_pointer_v<Address>) {
    target.SetAddress(address);
  } else {
    target.SetAddress(reinterpret_cast<typename T::DType*>(static_cast<std::uintptr_t>(address)));
  }
}
template <std::uint64_t address, class T>
void TASSIGN(T& tile, detail::Place place = detail::here()) {
  TASSIGN(tile, address, place);
}

template <class TileT, class GlobalT>
RecordEvent TLOAD(TileT& dst, GlobalT& src, detail::Place place = detail::here()) {
  static_assert(detail::is_tile<TileT> && detail::is_global<GlobalT>,
                "TLOAD takes a tile and a tensor of global memory");
  static_assert(sizeof(typename TileT::DType) == sizeof(typename GlobalT::RawDType),
                "TLOAD takes a tile and a tensor with elements of one size");
  static_assert(TileT::Loc == TileType::Vec || TileT::Loc == TileType::Mat,
                "TLOAD loads Vec and Mat tiles");
  static_assert(TileT::ValidRow <= 4095, "TLOAD takes at most 4095 rows");
  detail::Operands operands{};
  operands.global = detail::describe_global(src);
  operands.dst = detail::describe_tile(dst);
  detail::host->tile(detail::TileOp::load, PIPE_MTE2, &operands, place);
  return {};
}

namespace detail {
template <AtomicType atomic, class GlobalT, class TileT>
RecordEvent store_tile(GlobalT& dst, TileT& src, Place place) {
  static_assert(is_tile<TileT> && is_global<GlobalT>,
                "TSTORE takes a tensor of global memory and a tile");
  static_assert(atomic == AtomicType::AtomicNone || takes_atomic_add<typename GlobalT::RawDType>(),
                "TSTORE adds atomically to float, half, bfloat16_t, int32_t, int16_t and int8_t");
  static_assert(
      TileT::Loc == TileType::Vec || TileT::Loc == TileType::Mat || TileT::Loc == TileType::Acc,
      "TSTORE stores Vec, Mat and Acc tiles");
  static_assert(TileT::Loc == TileType::Acc ||
                    sizeof(typename TileT::DType) == sizeof(typename GlobalT::RawDType),
                "TSTORE takes a tile and a tensor with elements of one size");
  static_assert(TileT::ValidRow <= 1 || TileT::ValidCol <= 4095,
                "TSTORE takes at most 4095 columns of several rows");
  static_assert(TileT::ValidRow <= 8192, "TSTORE takes at most 8192 rows");
  Operands operands{};
  operands.global = describe_global(dst);
  operands.a = describe_tile(src);
  host->tile(atomic == AtomicType::AtomicAdd ? TileOp::store_add : TileOp::store,
             TileT::Loc == TileType::Acc ? PIPE_FIX : PIPE_MTE3, &operands, place);
  return {};
}
}  // namespace detail

template <class TileT, class GlobalT, AtomicType atomic = AtomicType::AtomicNone>
requires detail::is_tile<TileT> RecordEvent TSTORE(GlobalT& dst, TileT& src,
                                                   detail::Place place = detail::here()) {
  return detail::store_tile<atomic>(dst, src, place);
}
template <class TileT, class GlobalT, AtomicType atomic = AtomicType::AtomicNone, class... Rest>
requires(detail::is_tile<TileT>&& detail::are_events<Rest...>) RecordEvent
    TSTORE(GlobalT& dst, TileT& src, detail::EventArgument event, Rest&&...) {
  return detail::store_tile<atomic>(dst, src, event.place);
}

template <class Dst, class A, class B>
RecordEvent TADD(Dst& dst, A& a, B& b, detail::Place place = detail::here()) {
  return detail::vector_op(detail::TileOp::add, dst, a, b, 0, 0, place);
}
template <class Dst, class A, class B>
RecordEvent TMUL(Dst& dst, A& a, B& b, detail::Place place = detail::here()) {
  return detail::vector_op(detail::TileOp::mul, dst, a, b, 0, 0, place);
}
template <class Dst, class A, class B>
RecordEvent TMAX(Dst& dst, A& a, B& b, detail::Place place = detail::here()) {
  return detail::vector_op(detail::TileOp::max, dst, a, b, 0, 0, place);
}
template <class Dst, class A, class B>
RecordEvent TMIN(Dst& dst, A& a, B& b, detail::Place place = detail::here()) {
  return detail::vector_op(detail::TileOp::min, dst, a, b, 0, 0, place);
}
template <class Dst, class A, class Scalar>
requires(!detail::is_tile<Scalar>) RecordEvent
    TADDS(Dst& dst, A& a, Scalar scalar, detail::Place place = detail::here()) {
  return detail::vector_op(detail::TileOp::adds, dst, a, a, detail::scalar_bytes<Dst>(scalar), 0,
                           place);
}
template <class Dst, class A, class Scalar>
requires(!detail::is_tile<Scalar>) RecordEvent
    TMULS(Dst& dst, A& a, Scalar scalar, detail::Place place = detail::here()) {
  return detail::vector_op(detail::TileOp::muls, dst, a, a, detail::scalar_bytes<Dst>(scalar), 0,
                           place);
}
template <class Dst, class Scalar>
requires(!detail::is_tile<Scalar>) RecordEvent
    TEXPANDS(Dst& dst, Scalar scalar, detail::Place place = detail::here()) {
  return detail::vector_op(detail::TileOp::expands, dst, dst, dst,
                           detail::scalar_bytes<Dst>(scalar), 0, place);
}
template <class Dst, class A>
RecordEvent TCVT(Dst& dst, A& a, RoundMode mode, detail::Place place = detail::here()) {
  return detail::vector_op(detail::TileOp::cvt, dst, a, a, 0, static_cast<int>(mode), place);
}
// dst[r] = the sum of row r of `a`; the third tile is working space.
template <class Dst, class A, class Work>
RecordEvent TROWSUM(Dst& dst, A& a, Work& work, detail::Place place = detail::here()) {
  return detail::vector_op(detail::TileOp::row_sum, dst, a, work, 0, 0, place);
}

template <class Dst, class Src>
RecordEvent TMOV(Dst& dst, Src& src, detail::Place place = detail::here()) {
  static_assert((Dst::Loc == TileType::Vec && Src::Loc == TileType::Vec) ||
                    ((Dst::Loc == TileType::Left || Dst::Loc == TileType::Right) &&
                     Src::Loc == TileType::Mat),
                "TMOV moves Vec to Vec, and Mat to Left or Right");
  detail::Operands operands{};
  operands.dst = detail::describe_tile(dst);
  operands.a = detail::describe_tile(src);
  detail::host->tile(detail::TileOp::move, Src::Loc == TileType::Vec ? PIPE_V : PIPE_MTE1,
                     &operands, place);
  return {};
}

// c = a x b, accumulated in the type of c.
template <class C, class A, class B>
RecordEvent TMATMUL(C& c, A& a, B& b, detail::Place place = detail::here()) {
  static_assert(C::Loc == TileType::Acc && A::Loc == TileType::Left && B::Loc == TileType::Right,
                "TMATMUL multiplies a Left by a Right tile into an Acc tile");
  detail::Operands operands{};
  operands.dst = detail::describe_tile(c);
  operands.a = detail::describe_tile(a);
  operands.b = detail::describe_tile(b);
  detail::host->tile(detail::TileOp::matmul, PIPE_M, &operands, place);
  return {};
}

// The forms that take events.
#define PEAL_PTO_WITH_EVENTS(name)                                                                 \
  template <class First, class Second, class... Rest>                                              \
  requires(detail::are_events<Rest...>) RecordEvent name(First& first, Second&& second,            \
                                                         detail::EventArgument event, Rest&&...) { \
    return name(first, second, event.place);                                                       \
  }
#define PEAL_PTO_WITH_EVENTS_3(name)                                                         \
  template <class First, class Second, class Third, class... Rest>                           \
  requires(detail::are_events<Rest...>) RecordEvent name(                                    \
      First& first, Second& second, Third&& third, detail::EventArgument event, Rest&&...) { \
    return name(first, second, third, event.place);                                          \
  }
PEAL_PTO_WITH_EVENTS(TLOAD)
PEAL_PTO_WITH_EVENTS(TMOV)
PEAL_PTO_WITH_EVENTS(TEXPANDS)
PEAL_PTO_WITH_EVENTS_3(TADD)
PEAL_PTO_WITH_EVENTS_3(TMUL)
PEAL_PTO_WITH_EVENTS_3(TMAX)
PEAL_PTO_WITH_EVENTS_3(TMIN)
PEAL_PTO_WITH_EVENTS_3(TADDS)
PEAL_PTO_WITH_EVENTS_3(TMULS)
PEAL_PTO_WITH_EVENTS_3(TCVT)
PEAL_PTO_WITH_EVENTS_3(TROWSUM)
PEAL_PTO_WITH_EVENTS_3(TMATMUL)
#undef PEAL_PTO_WITH_EVENTS
#undef PEAL_PTO_WITH_EVENTS_3

}  // namespace pto
