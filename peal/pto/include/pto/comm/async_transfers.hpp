// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <type_traits>

#include "pto/comm/async_common/async_types.hpp"
#include "pto/comm/comm_types.hpp"
#include "pto/pto-inst.hpp"

// Transfers between global memories by the core's DMA engine, which runs beside all pipes.

namespace pto::comm {

namespace detail {

using pto::detail::here;
using pto::detail::Place;

template <class Argument>
void open_if_session(DmaEngine engine, Argument& argument) {
  if constexpr (std::is_same_v<Argument, AsyncSession>) {
    argument = AsyncSession{};
    argument.engine = engine;
    argument.valid = true;
  }
}

template <DmaEngine engine, class DstG, class SrcG>
AsyncEvent transfer_async(DstG& dst, SrcG& src, const AsyncSession& session, const char* name,
                          Place place) {
  static_assert(pto::detail::is_global<DstG> && pto::detail::is_global<SrcG>,
                "an asynchronous transfer takes two tensors of global memory");
  static_assert(sizeof(typename DstG::RawDType) == sizeof(typename SrcG::RawDType),
                "an asynchronous transfer takes two tensors with elements of one size");
  const auto& host = peal::kernel_side::host;
  if (!session.valid) {
    host->fail("TPUT_ASYNC or TGET_ASYNC with a session that BuildAsyncSession has not made",
               place);
  }
  std::uint64_t& oldest = session.handles[session.count % peal::pto_abi::max_outstanding];
  if (oldest != 0) host->wait_transfers(oldest, place);
  oldest = 0;
  const auto to = pto::detail::describe_global(dst), from = pto::detail::describe_global(src);
  const std::uint64_t handle = host->transfer(&to, &from, name, place);
  if (handle != 0) {
    oldest = handle;
    ++session.count;
  }
  return {handle, engine};
}

}  // namespace detail

// Opens the session among the arguments. The simulated engine ignores all others: a scratch tile, a
// workspace, ranks and configurations.
template <DmaEngine engine = DmaEngine::SDMA, class... Arguments>
bool BuildAsyncSession(Arguments&&... arguments) {
  static_assert((std::is_same_v<std::remove_reference_t<Arguments>, AsyncSession> || ...),
                "BuildAsyncSession takes an AsyncSession");
  (detail::open_if_session(engine, arguments), ...);
  return true;
}

// Copies src to dst asynchronously. If one of them is not contiguous, or their lengths differ,
// nothing is copied and the event is not valid.
template <DmaEngine engine = DmaEngine::SDMA, class DstG, class SrcG>
AsyncEvent TPUT_ASYNC(DstG& dst, SrcG& src, const AsyncSession& session,
                      detail::Place place = detail::here()) {
  return detail::transfer_async<engine>(dst, src, session, "TPUT_ASYNC", place);
}
template <DmaEngine engine = DmaEngine::SDMA, class DstG, class SrcG, class... Rest>
AsyncEvent TPUT_ASYNC(DstG& dst, SrcG& src, const AsyncSession& session,
                      pto::detail::AnyArgument first, Rest&&...) {
  return detail::transfer_async<engine>(dst, src, session, "TPUT_ASYNC", first.place);
}
// The same; src is a peer's memory.
template <DmaEngine engine = DmaEngine::SDMA, class DstG, class SrcG>
AsyncEvent TGET_ASYNC(DstG& dst, SrcG& src, const AsyncSession& session,
                      detail::Place place = detail::here()) {
  return detail::transfer_async<engine>(dst, src, session, "TGET_ASYNC", place);
}
template <DmaEngine engine = DmaEngine::SDMA, class DstG, class SrcG, class... Rest>
AsyncEvent TGET_ASYNC(DstG& dst, SrcG& src, const AsyncSession& session,
                      pto::detail::AnyArgument first, Rest&&...) {
  return detail::transfer_async<engine>(dst, src, session, "TGET_ASYNC", first.place);
}

}  // namespace pto::comm
