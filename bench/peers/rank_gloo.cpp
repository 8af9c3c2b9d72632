// SPDX-License-Identifier: Apache-2.0
// A rank of Gloo, over TCP, Gloo's only transport between processes of one host. Arguments: socket,
// set, rank, ranks, folder of Gloo's file store.
#include <gloo/allgather.h>
#include <gloo/allreduce.h>
#include <gloo/allreduce_halving_doubling.h>
#include <gloo/alltoall.h>
#include <gloo/broadcast.h>
#include <gloo/math.h>
#include <gloo/rendezvous/context.h>
#include <gloo/rendezvous/file_store.h>
#include <gloo/transport/tcp/device.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "bench/peers/gloo_variant.h"
#include "bench/peers/library.h"
#include "bench/peers/memory.h"

namespace peal::peers {
namespace {

class Gloo final : public Library {
 public:
  Gloo(int rank, int ranks, const char* folder) : context_(connect(rank, ranks, folder)) {}

  [[nodiscard]] int rank() const override { return context_->rank; }
  [[nodiscard]] int ranks() const override { return context_->size; }

  void prepare(const Setup& setup, int) override {
    for (Memory* memory : memories()) *memory = Memory(setup.max_floats, Pages::huge);
  }
  [[nodiscard]] Buffers buffers(std::uint32_t) override { return {send_.floats(), recv_.floats()}; }
  void release(std::uint32_t) override {
    for (Memory* memory : memories()) memory->release();
  }

  void bind(const Call& call) override {
    run_ = nullptr;  // destroys the old call before the new one reuses its buffers
    switch (call.operation) {
      case Operation::all_reduce:
        return bind_all_reduce(call);
      case Operation::all_gather:
        return bind_options<gloo::AllgatherOptions>(call, gloo::allgather);
      case Operation::all_to_all:
        return bind_options<gloo::AlltoallOptions>(call, gloo::alltoall);
      case Operation::reduce_scatter:
        break;  // never requested: see add_gloo()
      case Operation::broadcast:
        return bind_broadcast(call);
    }
  }

  void run() override { run_(); }

 private:
  static std::shared_ptr<gloo::Context> connect(int rank, int ranks, const char* folder) {
    gloo::transport::tcp::attr address("127.0.0.1");
    auto device = gloo::transport::tcp::CreateDevice(address);
    gloo::rendezvous::FileStore store(folder);
    auto context = std::make_shared<gloo::rendezvous::Context>(rank, ranks);
    context->connectFullMesh(store, device);
    return context;
  }

  std::array<Memory*, 4> memories() { return {&send_, &recv_, &work_[0], &work_[1]}; }

  void bind_all_reduce(const Call& call) {
    const auto variant = GlooVariant{call.variant};
    if (variant == GlooVariant::halving_doubling) return bind_halving_doubling(call);
    using Options = gloo::AllreduceOptions;
    auto options = std::make_shared<Options>(context_);
    options->setAlgorithm(variant == GlooVariant::ring ? Options::Algorithm::RING
                                                       : Options::Algorithm::BCUBE);
    options->setInput(call.send.data(), call.send.size());
    options->setOutput(call.recv.data(), call.recv.size());
    using Sum = void (*)(void*, const void*, const void*, std::size_t);
    options->setReduceFunction(static_cast<Sum>(&gloo::sum<float>));
    run_ = [options] { gloo::allreduce(*options); };
  }

  template <class Options>
  void bind_options(const Call& call, void (*function)(Options&)) {
    auto options = std::make_shared<Options>(context_);
    options->setInput(call.send.data(), call.send.size());
    options->setOutput(call.recv.data(), call.recv.size());
    run_ = [options, function] { function(*options); };
  }

  void bind_broadcast(const Call& call) {
    auto options = std::make_shared<gloo::BroadcastOptions>(context_);
    options->setOutput(call.recv.data(), call.recv.size());
    options->setRoot(broadcast_root);
    run_ = [options] { gloo::broadcast(*options); };
  }

  // This older algorithm works in place and overwrites its input, so the call includes a copy. When
  // the call returns, sends from the working buffer may be pending; they are complete when the next
  // call has returned. So two working buffers are used in turn.
  void bind_halving_doubling(const Call& call) {
    using Algorithm = gloo::AllreduceHalvingDoubling<float>;
    std::array<std::shared_ptr<Algorithm>, 2> algorithms;
    for (std::size_t i : {0u, 1u}) {
      algorithms[i] = std::make_shared<Algorithm>(context_, std::vector{work_[i].floats().data()},
                                                  static_cast<int>(call.count));
    }
    run_ = [this, send = call.send, recv = call.recv, algorithms, turn = 0u]() mutable {
      turn ^= 1u;
      const std::span<float> work = work_[turn].floats();
      std::copy(send.begin(), send.end(), work.begin());
      algorithms[turn]->run();
      std::copy_n(work.begin(), recv.size(), recv.begin());
    };
  }

  std::shared_ptr<gloo::Context> context_;
  Memory send_, recv_;
  std::array<Memory, 2> work_;
  std::function<void()> run_;
};

}  // namespace
}  // namespace peal::peers

int main(int argc, char** argv) {
  using namespace peal::peers;
  if (argc != 6) {
    std::fputs("rank of Gloo: bench_peers starts this program; run that instead\n", stderr);
    return 2;
  }
  try {
    Gloo gloo(std::atoi(argv[3]), std::atoi(argv[4]), argv[5]);
    return serve(gloo, argv[1], static_cast<std::uint32_t>(std::atoi(argv[2])));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "rank of Gloo: %s\n", error.what());
    return 1;
  }
}
