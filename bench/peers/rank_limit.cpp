// SPDX-License-Identifier: Apache-2.0
#include "bench/peers/rank_limit.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "bench/peers/library.h"
#include "bench/peers/rendezvous.h"
#include "bench/peers/vector_loops.h"
#include "peal/base/alignment.h"
#include "peal/executors/shm/memory/pages.h"

namespace peal::peers {
namespace {

constexpr std::size_t line_floats = 16, huge_page_floats = huge_page_bytes / sizeof(float);

class Limit final : public Library {
 public:
  Limit(int rank, int ranks) : rank_(rank), ranks_(ranks) {}

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int ranks() const override { return ranks_; }

  void prepare(const Setup& setup, int file) override {
    limit_ = setup.max_floats;
    const std::size_t stride = round_up(limit_, huge_page_floats);
    const std::size_t bytes = 2 * static_cast<std::size_t>(ranks_) * stride * sizeof(float);
    // Idempotent: every rank sets the same size.
    static_assert(Rendezvous::size_bytes <= huge_page_bytes);
    if (::ftruncate(file, static_cast<off_t>(huge_page_bytes + bytes)) < 0) {
      throw std::runtime_error("limit: the shared file cannot grow");
    }
    std::byte* const memory = map_shared_file(file, huge_page_bytes + bytes);
    if (memory == nullptr) throw std::runtime_error("limit: the system has no more memory");
    auto* const floats = reinterpret_cast<float*>(memory + huge_page_bytes);
    for (std::size_t i = 0; i < static_cast<std::size_t>(ranks_); ++i) {
      sends_.push_back(floats + 2 * i * stride);
      recvs_.push_back(floats + (2 * i + 1) * stride);
    }
    // As with Peal's windows, the owner touches the pages first.
    for (const float* own_floats : {sends_[own()], recvs_[own()]}) {
      prefault(reinterpret_cast<const std::byte*>(own_floats), limit_ * sizeof(float));
    }
  }
  [[nodiscard]] Buffers buffers(std::uint32_t) override {
    return {{sends_[own()], limit_}, {recvs_[own()], limit_}};
  }
  void release(std::uint32_t) override {}
  [[nodiscard]] bool synchronises() const override { return false; }

  void bind(const Call& call) override { call_ = call; }

  void run() override {
    const auto variant = LimitVariant{call_.variant};
    const bool push = variant >= LimitVariant::push;
    const bool streams =
        variant == LimitVariant::pull_streaming || variant == LimitVariant::push_streaming;
    stores_ = streams ? Stores::streaming : Stores::plain;
    copies_ = variant == LimitVariant::push_copied;
    switch (call_.operation) {
      case Operation::all_reduce:
        return push ? add_share() : add_all();
      case Operation::reduce_scatter:
        return add_block();
      case Operation::all_gather:
        return push ? push_block() : pull_blocks();
      case Operation::all_to_all:
        return push ? push_blocks() : exchange();
      case Operation::broadcast:
        return push ? push_root() : pull_root();
    }
  }

 private:
  [[nodiscard]] std::size_t own() const { return static_cast<std::size_t>(rank_); }
  [[nodiscard]] std::size_t block(std::size_t rank) const { return rank * call_.count; }

  void copy(float* dst, const float* src) {
    if (copies_) {
      std::memcpy(dst, src, call_.count * sizeof(float));
      return;
    }
    const float* const srcs[] = {src};
    float* const dsts[] = {dst};
    add(dsts, srcs, 0, call_.count, stores_);
  }

  // Sums 1/P of all inputs into all outputs.
  void add_share() {
    const auto edge = [&](std::size_t rank) {
      const std::size_t even = call_.count * rank / sends_.size();
      return rank == sends_.size() ? call_.count : even / line_floats * line_floats;
    };
    const std::size_t begin = edge(own()), end = edge(own() + 1);
    if (!copies_) return add(recvs_, sources_of(0), begin, end - begin, stores_);
    // Piece by piece: sums into the own output, then copies from there to the other outputs.
    constexpr std::size_t piece = 4096;
    float* const dsts[] = {recvs_[own()]};
    for (std::size_t at = begin; at < end; at += piece) {
      const std::size_t length = std::min(piece, end - at);
      add(dsts, sources_of(0), at, length, stores_);
      for_all_ranks([&](std::size_t to) {
        if (to != own()) std::memcpy(recvs_[to] + at, recvs_[own()] + at, length * sizeof(float));
      });
    }
  }
  // Sums all inputs into the own output.
  void add_all() {
    float* const dsts[] = {call_.recv.data()};
    add(dsts, sources_of(0), 0, call_.count, stores_);
  }
  void add_block() {
    float* const dsts[] = {call_.recv.data()};
    add(dsts, sources_of(block(own())), 0, call_.count, stores_);
  }
  std::span<const float* const> sources_of(std::size_t at) {
    sources_.assign(sends_.begin(), sends_.end());
    for (const float*& source : sources_) source += at;
    return sources_;
  }

  // Begins with the own rank, so that not all ranks access the same memory at once.
  template <class Each>
  void for_all_ranks(Each each) const {
    for (std::size_t i = 0; i < sends_.size(); ++i) each((own() + i) % sends_.size());
  }

  void pull_blocks() {
    for_all_ranks([&](std::size_t from) { copy(call_.recv.data() + block(from), sends_[from]); });
  }
  void push_block() {
    for_all_ranks([&](std::size_t to) { copy(recvs_[to] + block(own()), call_.send.data()); });
  }
  void exchange() {
    for_all_ranks([&](std::size_t from) {
      copy(call_.recv.data() + block(from), sends_[from] + block(own()));
    });
  }
  void push_blocks() {
    for_all_ranks(
        [&](std::size_t to) { copy(recvs_[to] + block(own()), call_.send.data() + block(to)); });
  }
  void pull_root() {
    if (rank_ != broadcast_root) copy(call_.recv.data(), recvs_[broadcast_root]);
  }
  void push_root() {
    if (rank_ != broadcast_root) return;
    for_all_ranks([&](std::size_t to) {
      if (to != broadcast_root) copy(recvs_[to], call_.recv.data());
    });
  }

  int rank_, ranks_;
  bool copies_ = false;  // copy with memcpy instead of the loops here
  std::size_t limit_ = 0;
  std::vector<float*> sends_, recvs_;
  std::vector<const float*> sources_;
  Call call_;
  Stores stores_{};
};

}  // namespace

int serve_limit(const std::string& socket_path, std::uint32_t set, int rank, int ranks) {
  Limit library(rank, ranks);
  return serve(library, socket_path, set);
}

}  // namespace peal::peers
