// SPDX-License-Identifier: Apache-2.0
#include "tests/support/collective_case.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <span>

namespace peal::tests {
namespace {

double value_of(const std::vector<std::byte>& bytes, DType dtype, std::size_t i) {
  return with_type(dtype, [&](auto zero) {
    decltype(zero) value;
    std::memcpy(&value, bytes.data() + i * sizeof(value), sizeof(value));
    if constexpr (std::is_same_v<decltype(zero), Float16> ||
                  std::is_same_v<decltype(zero), BFloat16>) {
      return static_cast<double>(static_cast<float>(value));
    } else {
      return static_cast<double>(value);
    }
  });
}

void set_value(std::vector<std::byte>& bytes, DType dtype, std::size_t i, int from) {
  with_type(dtype, [&](auto zero) {
    using T = decltype(zero);
    T value;
    if constexpr (std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>) {
      value = T(static_cast<float>(from));
    } else {
      value = static_cast<T>(from);
    }
    std::memcpy(bytes.data() + i * sizeof(T), &value, sizeof(T));
  });
}

}  // namespace

std::string CollectiveCase::describe() const {
  return fmt::format("{} {} P={} c={} {} {} root={}{}", name(collective), algorithm, ranks, count,
                     name(dtype), name(op), root, in_place ? " in place" : "");
}

// Small enough that sums over 33 ranks are exact in bf16 and fit into i8; products have at most
// three factors of 2.
int CollectiveCase::input(int rank, std::size_t i) const {
  const auto index = static_cast<int>(i % 1000003);
  if (op == ReduceOp::prod) return (index + rank + salt) % std::max(4, ranks) < 3 ? 2 : 1;
  return (index * 7 + rank * 3 + salt + (index + rank) / 5) % 4;
}

double CollectiveCase::expected(int rank, std::size_t i) const {
  const std::size_t block = count == 0 ? 0 : i / count, inside = count == 0 ? 0 : i % count;
  const std::size_t own = static_cast<std::size_t>(rank) * count;
  const auto combined = [&](std::size_t element) {
    double result = input(0, element);
    for (int peer = 1; peer < ranks; ++peer) {
      const double next = input(peer, element);
      if (op == ReduceOp::sum) result += next;
      if (op == ReduceOp::prod) result *= next;
      if (op == ReduceOp::min) result = std::min(result, next);
      if (op == ReduceOp::max) result = std::max(result, next);
    }
    return result;
  };
  switch (collective) {
    case Collective::all_reduce:
    case Collective::reduce:
      return combined(i);
    case Collective::reduce_scatter:
      return combined(own + i);
    case Collective::all_gather:
    case Collective::gather:
      return input(static_cast<int>(block), inside);
    case Collective::all_to_all:
      return input(static_cast<int>(block), own + inside);
    case Collective::broadcast:
      return input(root, i);
    case Collective::scatter:
      return input(root, own + i);
    case Collective::barrier:
      break;
  }
  return 0;
}

InPlace in_place(const CollectiveCase& test, int rank) {
  if (!test.in_place) return {};
  const CollectiveShape blocks = shape(test.collective, test.ranks);
  const std::size_t own = static_cast<std::size_t>(rank) * test.count;
  return {.send = blocks.send_blocks < blocks.recv_blocks ? own : 0,
          .recv = blocks.recv_blocks < blocks.send_blocks ? own : 0};
}

CaseBuffers make_buffers(const CollectiveCase& test, int rank) {
  const CollectiveShape blocks = shape(test.collective, test.ranks);
  const std::size_t block_bytes = test.count * size_bytes(test.dtype);
  CaseBuffers buffers;
  buffers.send.resize(static_cast<std::size_t>(blocks.send_blocks) * block_bytes);
  buffers.recv.assign(static_cast<std::size_t>(blocks.recv_blocks) * block_bytes, std::byte{0x5a});
  if (test.in_place) buffers.recv.resize(std::max(buffers.send.size(), buffers.recv.size()));
  std::vector<std::byte>& inputs = test.in_place ? buffers.recv : buffers.send;
  const std::size_t elements = static_cast<std::size_t>(blocks.send_blocks) * test.count;
  const std::size_t first = in_place(test, rank).send;
  for (std::size_t i = 0; i < elements; ++i) {
    set_value(inputs, test.dtype, first + i, test.input(rank, i));
  }
  return buffers;
}

void call(Team& team, const CollectiveCase& test, CaseBuffers& buffers) {
  const CollectiveShape blocks = shape(test.collective, test.ranks);
  const auto elements = [&](int count) { return static_cast<std::size_t>(count) * test.count; };
  const InPlace at = in_place(test, team.rank());
  const std::size_t element = size_bytes(test.dtype);
  std::byte* const send = test.in_place ? buffers.recv.data() : buffers.send.data();
  std::byte* const recv = buffers.recv.data();
  run_collective(team,
                 {.collective = test.collective,
                  .send = {send + at.send * element, elements(blocks.send_blocks), test.dtype},
                  .recv = {recv + at.recv * element, elements(blocks.recv_blocks), test.dtype},
                  .op = test.op,
                  .root = test.root,
                  .algorithm = test.algorithm});
}

std::string difference(const CollectiveCase& test, int rank, const CaseBuffers& buffers) {
  if (!receives(test.collective, rank, test.root)) return "";
  const int blocks = shape(test.collective, test.ranks).recv_blocks;
  const std::size_t elements = static_cast<std::size_t>(blocks) * test.count;
  const std::size_t first = in_place(test, rank).recv;
  for (std::size_t i = 0; i < elements; ++i) {
    const double value = value_of(buffers.recv, test.dtype, first + i);
    const double expected = test.expected(rank, i);
    if (value != expected) {
      return fmt::format("{}: rank {} element {} is {}, expected {}", test.describe(), rank, i,
                         value, expected);
    }
  }
  return "";
}

std::string run_case(Executor& executor, const CollectiveCase& test, const RunOptions& options) {
  return run_cases(executor, {test}, options);
}

std::string run_cases(Executor& executor, const std::vector<CollectiveCase>& calls,
                      const RunOptions& options) {
  const int ranks = calls.front().ranks;
  std::vector<std::vector<CaseBuffers>> buffers(static_cast<std::size_t>(ranks));
  const auto of_rank = [&](int rank) -> std::vector<CaseBuffers>& {
    return buffers[static_cast<std::size_t>(rank)];
  };
  for (int rank = 0; rank < ranks; ++rank) {
    for (const CollectiveCase& test : calls) of_rank(rank).push_back(make_buffers(test, rank));
  }
  return run_texts(
      executor, ranks,
      [&](Team& team) -> std::string {
        std::vector<CaseBuffers>& own = of_rank(team.rank());
        for (std::size_t i = 0; i < calls.size(); ++i) call(team, calls[i], own[i]);
        for (std::size_t i = 0; i < calls.size(); ++i) {
          const std::string text = difference(calls[i], team.rank(), own[i]);
          if (!text.empty()) return fmt::format("call {}: {}", i, text);
        }
        return "";
      },
      options);
}

std::string run_texts(Executor& executor, int ranks,
                      const std::function<std::string(Team&)>& program, const RunOptions& options) {
  constexpr std::size_t max_text = 256;
  const std::span<std::byte> texts = executor.share(static_cast<std::size_t>(ranks) * max_text);
  const auto text_of = [&](int rank) {
    return reinterpret_cast<char*>(texts.data()) + static_cast<std::size_t>(rank) * max_text;
  };
  executor.run(
      ranks,
      [&](Team& team) {
        const std::string text = program(team).substr(0, max_text - 1);
        std::memcpy(text_of(team.rank()), text.c_str(), text.size() + 1);
      },
      options);
  for (int rank = 0; rank < ranks; ++rank) {
    if (*text_of(rank) != '\0') return text_of(rank);
  }
  return "";
}

}  // namespace peal::tests
