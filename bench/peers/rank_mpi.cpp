// SPDX-License-Identifier: Apache-2.0
// A rank of an MPI library; compiled once per library. Arguments: socket, set, `plain` or `huge`
// (pages).
#include <mpi.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

#include "bench/peers/library.h"
#include "bench/peers/memory.h"

namespace peal::peers {
namespace {

class Mpi final : public Library {
 public:
  explicit Mpi(Pages pages) : pages_(pages) {
    MPI_Init(nullptr, nullptr);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks_);
  }

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int ranks() const override { return ranks_; }

  void prepare(const Setup& setup, int) override {
    send_ = Memory(setup.max_floats, pages_);
    recv_ = Memory(setup.max_floats, pages_);
  }
  [[nodiscard]] Buffers buffers(std::uint32_t) override { return {send_.floats(), recv_.floats()}; }
  void release(std::uint32_t) override {
    send_.release();
    recv_.release();
  }

  void bind(const Call& call) override { call_ = call; }

  void run() override {
    const auto count = static_cast<int>(call_.count);
    const float* const send = call_.send.data();
    float* const recv = call_.recv.data();
    switch (call_.operation) {
      case Operation::all_reduce:
        MPI_Allreduce(send, recv, count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
        break;
      case Operation::all_gather:
        MPI_Allgather(send, count, MPI_FLOAT, recv, count, MPI_FLOAT, MPI_COMM_WORLD);
        break;
      case Operation::all_to_all:
        MPI_Alltoall(send, count, MPI_FLOAT, recv, count, MPI_FLOAT, MPI_COMM_WORLD);
        break;
      case Operation::reduce_scatter:
        MPI_Reduce_scatter_block(send, recv, count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
        break;
      case Operation::broadcast:
        MPI_Bcast(recv, count, MPI_FLOAT, broadcast_root, MPI_COMM_WORLD);
        break;
    }
  }

 private:
  Pages pages_;
  int rank_ = 0, ranks_ = 0;
  Memory send_, recv_;
  Call call_;
};

}  // namespace
}  // namespace peal::peers

int main(int argc, char** argv) {
  using namespace peal::peers;
  if (argc != 4) {
    std::fputs("rank of MPI: bench_peers starts this program; run that instead\n", stderr);
    return 2;
  }
  try {
    Mpi mpi(std::string_view(argv[3]) == "huge" ? Pages::huge : Pages::plain);
    const int code = serve(mpi, argv[1], static_cast<std::uint32_t>(std::atoi(argv[2])));
    MPI_Finalize();
    return code;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "rank of MPI: %s\n", error.what());
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
}
