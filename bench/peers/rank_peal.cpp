// SPDX-License-Identifier: Apache-2.0
#include "bench/peers/rank_peal.h"

#include "bench/peers/library.h"
#include "bench/peers/memory.h"
#include "peal/collectives/collectives.h"
#include "peal/launch/process_team.h"

namespace peal::peers {
namespace {

class Peal final : public Library {
 public:
  [[nodiscard]] int rank() const override { return team_.rank(); }
  [[nodiscard]] int ranks() const override { return team_.size(); }

  void prepare(const Setup& setup, int) override {
    windows_.send = team_.allocate<float>(setup.max_floats);
    windows_.recv = team_.allocate<float>(setup.max_floats);
    send_ = Memory(setup.max_floats, Pages::huge);
    recv_ = Memory(setup.max_floats, Pages::huge);
  }
  [[nodiscard]] Buffers buffers(std::uint32_t variant) override {
    if (PealVariant{variant} == PealVariant::windows) return windows_;
    return {send_.floats(), recv_.floats()};
  }
  void release(std::uint32_t variant) override {
    if (PealVariant{variant} == PealVariant::windows) return;  // windows keep their pages
    send_.release();
    recv_.release();
  }

  void bind(const Call& call) override { call_ = call; }

  void run() override {
    switch (call_.operation) {
      case Operation::all_reduce:
        all_reduce(team_, {.send = call_.send, .recv = call_.recv});
        break;
      case Operation::all_gather:
        all_gather(team_, {.send = call_.send, .recv = call_.recv});
        break;
      case Operation::all_to_all:
        all_to_all(team_, {.send = call_.send, .recv = call_.recv});
        break;
      case Operation::reduce_scatter:
        reduce_scatter(team_, {.send = call_.send, .recv = call_.recv});
        break;
      case Operation::broadcast:
        broadcast(team_, {.send = call_.send, .recv = call_.recv, .root = broadcast_root});
        break;
    }
  }

 private:
  ProcessTeam team_ = team_from_environment();
  Buffers windows_;
  Memory send_, recv_;
  Call call_;
};

}  // namespace

int serve_peal(const std::string& socket_path, std::uint32_t set) {
  Peal library;
  return serve(library, socket_path, set);
}

}  // namespace peal::peers
