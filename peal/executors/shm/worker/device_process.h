// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "peal/executors/shm/membership.h"
#include "peal/executors/shm/rank_device.h"
#include "peal/executors/shm/worker/task_mailbox.h"
#include "peal/machine/team.h"
#include "peal/run/platform.h"
#include "peal/run/task.h"

namespace peal {

// A device of a worker, in its own process: runs the tasks that its mailbox delivers, one after the
// other. It is also the watch of its own waits, which end when the task is cancelled.
class DeviceProcess final : private ShmWatch {
 public:
  using Programs = std::vector<std::unique_ptr<const DeviceProgram>>;
  DeviceProcess(const ShmArena& arena, DevicesControl& control, int device,
                const Platform& platform, const Programs& programs);

  // Runs tasks until the process is killed.
  [[noreturn]] void work();

 private:
  DeviceProcess(const ShmArena& arena, DevicesControl& control, int device,
                const Platform& platform, const Programs& programs, const WaitPolicy& policy);

  // This device as a rank of one domain, with the team that its tasks there run on.
  struct Member {
    Member(const ShmArena& arena, ShmMembership::Settings settings, const Platform& platform)
        : membership(arena, std::move(settings)), device(membership, {}), team(device, platform) {}
    ShmMembership membership;
    ShmDevice device;
    Team team;
  };
  [[nodiscard]] Member& member_of(const TaskOrder& order);
  [[nodiscard]] std::unique_ptr<Member> make_member(DomainControl& domain, int rank);
  void carry_out(const TaskOrder& order);

  void before_sleep(const WaitWord& word, std::uint32_t target, SourcePlace place) override;
  [[nodiscard]] std::optional<std::string> failure() const override;

  const ShmArena& arena_;
  DevicesControl& control_;
  TaskMailbox& mailbox_;
  int device_;
  const Platform& platform_;
  const Programs& programs_;
  WaitPolicy policy_;
  std::uint32_t number_ = 0;  // the number of the current or last task
  std::uint64_t run_ = 0;
  std::map<const DomainControl*, std::unique_ptr<Member>> members_;
};

}  // namespace peal
