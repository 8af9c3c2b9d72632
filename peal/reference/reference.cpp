// SPDX-License-Identifier: Apache-2.0
#include "peal/reference/reference.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "peal/base/error.h"
#include "peal/reference/stretch.h"

namespace peal::reference {
namespace {

constexpr Tolerance exactly = {};

// Block `index` of a rank's buffer.
View block(const View& buffer, int index, std::size_t count) {
  return buffer.part(static_cast<std::size_t>(index) * count, count);
}

// Compares the results of a call with expectations. Each expect() states one: these holders hold
// the reduction of these sources.
class Comparer {
 public:
  Comparer(const Buffers& buffers, ReduceOp op, Tolerance tolerance)
      : buffers_(buffers),
        stretches_(make_stretch_comparer(dtype(buffers), op, tolerance)),
        result_{std::vector<RankDifference>(buffers.send.size()), 0} {}

  [[nodiscard]] int ranks() const { return static_cast<int>(buffers_.send.size()); }
  [[nodiscard]] View sent(int rank, int index) const {
    return block(buffers_.send[static_cast<std::size_t>(rank)], index, buffers_.count);
  }
  // Block `index` of every rank's send.
  [[nodiscard]] std::vector<View> sent_by_all(int index) const {
    std::vector<View> blocks;
    for (int rank = 0; rank < ranks(); ++rank) blocks.push_back(sent(rank, index));
    return blocks;
  }
  [[nodiscard]] Holder received(int rank, int index) const {
    const std::size_t first = static_cast<std::size_t>(index) * buffers_.count;
    return {rank, first,
            block(buffers_.recv[static_cast<std::size_t>(rank)], index, buffers_.count)};
  }
  [[nodiscard]] std::vector<Holder> received_by_all(int index) const {
    std::vector<Holder> holders;
    for (int rank = 0; rank < ranks(); ++rank) holders.push_back(received(rank, index));
    return holders;
  }

  void expect(std::span<const View> sources, std::span<const Holder> holders) {
    stretches_->compare({sources, holders}, result_);
  }
  void expect(const View& source, const Holder& holder) {
    expect(std::span(&source, 1), std::span(&holder, 1));
  }

  [[nodiscard]] Comparison result() { return std::move(result_); }

 private:
  static DType dtype(const Buffers& buffers) {
    return buffers.send.empty() ? DType::u8 : buffers.send.front().dtype;
  }

  const Buffers& buffers_;
  std::unique_ptr<StretchComparer> stretches_;
  Comparison result_;
};

}  // namespace

bool Comparison::equal() const {
  return std::none_of(ranks.begin(), ranks.end(),
                      [](const RankDifference& rank) { return rank.mismatch.has_value(); });
}

Tolerance reduction_tolerance(DType dtype, ReduceOp op, Inputs inputs) {
  const bool combines = op == ReduceOp::sum || op == ReduceOp::prod;
  if (!is_float(dtype) || !combines) return {};
  if (inputs == Inputs::any) return {.absolute = 0, .rounds = true};
  return {.absolute = dtype == DType::f32 ? 1e-3 : 0, .rounds = false};
}

double epsilon(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return 0x1p-24;
    case DType::f64:
      return 0x1p-53;
    case DType::f16:
      return 0x1p-11;
    case DType::bf16:
      return 0x1p-8;
    default:
      return 0;
  }
}

Comparison all_reduce(const Buffers& buffers, ReduceOp op, Tolerance tolerance) {
  Comparer comparer(buffers, op, tolerance);
  comparer.expect(comparer.sent_by_all(0), comparer.received_by_all(0));
  return comparer.result();
}

Comparison reduce(const Buffers& buffers, ReduceOp op, int root, Tolerance tolerance) {
  Comparer comparer(buffers, op, tolerance);
  const Holder holder = comparer.received(root, 0);
  comparer.expect(comparer.sent_by_all(0), std::span(&holder, 1));
  return comparer.result();
}

Comparison reduce_scatter(const Buffers& buffers, ReduceOp op, Tolerance tolerance) {
  Comparer comparer(buffers, op, tolerance);
  for (int rank = 0; rank < comparer.ranks(); ++rank) {
    const Holder holder = comparer.received(rank, 0);
    comparer.expect(comparer.sent_by_all(rank), std::span(&holder, 1));
  }
  return comparer.result();
}

Comparison all_gather(const Buffers& buffers) {
  Comparer comparer(buffers, ReduceOp::sum, exactly);
  for (int from = 0; from < comparer.ranks(); ++from) {
    const View source = comparer.sent(from, 0);
    comparer.expect(std::span(&source, 1), comparer.received_by_all(from));
  }
  return comparer.result();
}

Comparison gather(const Buffers& buffers, int root) {
  Comparer comparer(buffers, ReduceOp::sum, exactly);
  for (int from = 0; from < comparer.ranks(); ++from) {
    comparer.expect(comparer.sent(from, 0), comparer.received(root, from));
  }
  return comparer.result();
}

Comparison scatter(const Buffers& buffers, int root) {
  Comparer comparer(buffers, ReduceOp::sum, exactly);
  for (int to = 0; to < comparer.ranks(); ++to) {
    comparer.expect(comparer.sent(root, to), comparer.received(to, 0));
  }
  return comparer.result();
}

Comparison broadcast(const Buffers& buffers, int root) {
  Comparer comparer(buffers, ReduceOp::sum, exactly);
  const View source = comparer.sent(root, 0);
  comparer.expect(std::span(&source, 1), comparer.received_by_all(0));
  return comparer.result();
}

Comparison all_to_all(const Buffers& buffers) {
  Comparer comparer(buffers, ReduceOp::sum, exactly);
  for (int to = 0; to < comparer.ranks(); ++to) {
    for (int from = 0; from < comparer.ranks(); ++from) {
      comparer.expect(comparer.sent(from, to), comparer.received(to, from));
    }
  }
  return comparer.result();
}

Comparison compare(const Call& call, const Buffers& buffers) {
  switch (call.collective) {
    case Collective::all_reduce:
      return all_reduce(buffers, call.op, call.tolerance);
    case Collective::reduce:
      return reduce(buffers, call.op, call.root, call.tolerance);
    case Collective::reduce_scatter:
      return reduce_scatter(buffers, call.op, call.tolerance);
    case Collective::all_gather:
      return all_gather(buffers);
    case Collective::gather:
      return gather(buffers, call.root);
    case Collective::scatter:
      return scatter(buffers, call.root);
    case Collective::broadcast:
      return broadcast(buffers, call.root);
    case Collective::all_to_all:
      return all_to_all(buffers);
    case Collective::barrier:
      break;
  }
  PEAL_CHECK(call.collective != Collective::barrier);
  return {};
}

}  // namespace peal::reference
