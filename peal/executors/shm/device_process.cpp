// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/shm/device_process.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <span>
#include <string_view>
#include <utility>

#include "peal/base/error.h"

namespace peal {

DeviceProcess::DeviceProcess(const ShmArena& arena, DevicesControl& control, int device,
                             const Platform& platform, const Programs& programs)
    : arena_(arena),
      control_(control),
      mailbox_(control.mailbox(device)),
      device_(device),
      platform_(platform),
      programs_(programs),
      policy_(wait_policy(arena.ranks())) {}

void DeviceProcess::work() {
  constexpr std::chrono::seconds most(10);
  for (;;) {
    while (!wait_briefly(mailbox_.posted.word(), number_ + 1, policy_, most)) {
    }
    ++number_;
    mailbox_.has_failed = false;
    carry_out(mailbox_.order);
    // It may be killed at any time from now on.
    std::fflush(nullptr);
    mailbox_.done.store(number_);
    add_and_wake(control_.events.word(), 1);
  }
}

void DeviceProcess::carry_out(const TaskOrder& order) {
  std::string failure;
  bool has_failed = true;
  try {
    Member& member = member_of(order);
    membership_ = &member.membership;
    programs_[order.program]->run(
        member.team, std::span(order.arguments, static_cast<std::size_t>(order.arguments_count)));
    has_failed = false;
  } catch (const std::exception& error) {
    failure = error.what();
  } catch (...) {
    failure = "it throws what is no std::exception";
  }
  if (!has_failed) return;
  // What a team of one device keeps is in the midst of something.
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
          .has_same_places = false},
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
                              .has_same_places = false},
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
  if (mailbox_.sleeps.load() % 2 == 1) return;
  // A wait is for the arrivals of a signal, whose count is its first member.
  const auto& cell = reinterpret_cast<const SignalCell&>(word.value);
  SleepingWait& wait = mailbox_.wait;
  wait.word = &word.value;
  wait.target = target;
  wait.line = place.line;
  keep_text(wait.file, std::string_view(place.file));
  const auto held = static_cast<std::int32_t>(target - std::atomic_ref(word.value).load());
  keep_text(wait.what, fmt::format("waits for {} arrivals at {}, {} of them are missing",
                                   static_cast<std::int32_t>(target - cell.consumed),
                                   membership_->name_of(&cell), held));
  mailbox_.sleeps.fetch_add(1);
}

void DeviceProcess::after_sleeps() {
  if (mailbox_.sleeps.load() % 2 == 1) mailbox_.sleeps.fetch_add(1);
}

}  // namespace peal
