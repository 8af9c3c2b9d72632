// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/shm/worker/device_process.h"

#include <chrono>
#include <cstdio>
#include <exception>
#include <span>
#include <string>
#include <utility>

#include "peal/base/error.h"
#include "peal/executors/shm/rank_process.h"

namespace peal {

DeviceProcess::DeviceProcess(const ShmArena& arena, DevicesControl& control, int device,
                             const Platform& platform, const Programs& programs)
    : DeviceProcess(arena, control, device, platform, programs, arena.wait_policy()) {}

DeviceProcess::DeviceProcess(const ShmArena& arena, DevicesControl& control, int device,
                             const Platform& platform, const Programs& programs,
                             const WaitPolicy& policy)
    : ShmWatch(arena, device, policy),
      arena_(arena),
      control_(control),
      mailbox_(control.mailbox(device)),
      device_(device),
      platform_(platform),
      programs_(programs),
      policy_(policy) {}

// Step 2 of TaskMailbox, once for each task.
void DeviceProcess::work() {
  constexpr std::chrono::seconds most(10);
  for (;;) {
    while (!wait_briefly(mailbox_.posted.word(), number_ + 1, policy_, most)) {
    }
    ++number_;
    mailbox_.has_failed = false;
    carry_out(mailbox_.order);
    forget_processor();
    // Once `done` is stored, the process may be killed at any time.
    flush_output();
    mailbox_.done.store(number_);
    add_and_wake(control_.events.word(), 1);
  }
}

void DeviceProcess::carry_out(const TaskOrder& order) {
  std::string failure;
  bool has_failed = true;
  try {
    Member& member = member_of(order);
    set_team(member.membership);
    const std::span arguments(order.arguments, static_cast<std::size_t>(order.arguments_count));
    member.membership.set_arguments(arguments);
    member.team.begin_task();
    programs_[order.program]->run(member.team, arguments);
    member.device.show_calls();
    has_failed = false;
  } catch (const std::exception& error) {
    failure = error.what();
  } catch (...) {
    failure = "it throws what is no std::exception";
  }
  if (!has_failed) return;
  // The state of the team of this device alone may be inconsistent; the next task gets a new one.
  if (order.domain == nullptr) members_.erase(nullptr);
  mailbox_.has_failed = true;
  keep_text(mailbox_.failure, failure);
}

DeviceProcess::Member& DeviceProcess::member_of(const TaskOrder& order) {
  if (order.run != run_) members_.clear();
  run_ = order.run;
  std::unique_ptr<Member>& member = members_[order.domain];
  if (member != nullptr) return *member;
  if (order.domain != nullptr) {
    member = make_member(*order.domain, order.rank);
    return *member;
  }
  const std::size_t offset = arena_.take_symmetric("list of allocations", sizeof(AllocationChunk));
  member = std::make_unique<Member>(
      arena_,
      ShmMembership::Settings{
          .parts = {device_},
          .rank = 0,
          .allocations = *reinterpret_cast<AllocationChunk*>(arena_.part(device_) + offset),
          .watch = *this,
          .policy = policy_,
          .has_tasks = true},
      platform_);
  return *member;
}

std::unique_ptr<DeviceProcess::Member> DeviceProcess::make_member(DomainControl& domain, int rank) {
  auto member = std::make_unique<Member>(
      arena_,
      ShmMembership::Settings{.parts = {domain.devices(), domain.devices() + domain.size},
                              .rank = rank,
                              .allocations = domain.allocations,
                              .watch = *this,
                              .policy = policy_,
                              .has_tasks = true},
      platform_);
  if (domain.window_bytes != 0) {
    member->membership.add_window(domain.name, arena_.part(device_) + domain.window_offset,
                                  domain.window_bytes);
  }
  return member;
}

std::optional<std::string> DeviceProcess::failure() const {
  if (mailbox_.cancelled.load() != number_) return std::nullopt;
  return "another member of the task has failed";
}

void DeviceProcess::before_sleep(const WaitWord& word, std::uint32_t target, SourcePlace place) {
  if (const std::optional<std::string> why = failure()) throw RunError(*why);
  show_sleep(word, target, place);
}

}  // namespace peal
