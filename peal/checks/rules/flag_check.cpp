// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/rules/flag_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <memory>
#include <tuple>

#include "peal/checks/rules/pipe_names.h"

namespace peal {
namespace {

std::string flag_name(int from, int to, int id) {
  return fmt::format("flag PIPE_{} -> PIPE_{} id {}", name(static_cast<Pipe>(from)),
                     name(static_cast<Pipe>(to)), id);
}

}  // namespace

FlagCheck::CoreFlags& FlagCheck::add_core(int number) {
  while (cores_.size() <= static_cast<std::size_t>(number)) {
    cores_.push_back(std::make_unique<CoreFlags>());
  }
  return *cores_[static_cast<std::size_t>(number)];
}

void FlagCheck::set(const Event& event, SourceId place) {
  const int from = static_cast<int>(event.pipe), to = event.flag_pipe;
  CoreFlags& flags = core(event.core);
  std::uint16_t& number = slot(flags, from, event.flag_id, to);
  if (number == 0) {
    number = static_cast<std::uint16_t>(flags.flags.size());
    flags.flags.push_back({.from = from, .to = to, .id = event.flag_id, .current = {}, .last = {}});
    flags.waiters[static_cast<std::size_t>(from * 8 + event.flag_id)] |=
        static_cast<std::uint16_t>(1u << to);
  }
  Flag& own = flags.flags[number];
  own.at_set = flags.order.set(event);
  const bool was_alive = own.alive > 0 || (own.last.wait != 0 && own.last.wait > event.number);
  if (was_alive) {
    report(FindingClass::flag_left_set, event, flag_name(from, to, event.flag_id),
           own.alive > 0 ? own.current.place : own.last.place, place, "sets it again",
           "a flag is one bit: it must be waited for before it is set again");
  } else if (!std::equal(own.at_wait.begin(), own.at_wait.end(), own.at_set.begin(),
                         std::less_equal<>())) {
    const std::string reason = fmt::format(
        "a flag is one bit, and nothing makes PIPE_{} wait until PIPE_{} has waited for it: use "
        "another id, or order the two",
        name(event.pipe), name(static_cast<Pipe>(to)));
    report(FindingClass::flag_left_set, event, flag_name(from, to, event.flag_id), own.last.place,
           place, "sets it again", reason.c_str());
  }
  if (own.alive++ == 0) own.current = {0, place};
  check_rivals(event, own);
}

// A fence is over when this one is set only where the setting pipe knows of an instruction behind
// its wait_flag, or if a barrier of all pipes came between; neither can be where that wait_flag
// comes later in program order. That the wait_flag could have passed is not enough here, as the
// second set_flag may follow the first at once.
void FlagCheck::check_rivals(const Event& event, const Flag& own) {
  CoreFlags& flags = core(event.core);
  const unsigned waiters = flags.waiters[static_cast<std::size_t>(own.from * 8 + own.id)];
  if (std::has_single_bit(waiters)) return;
  for (int other = 0; other < pipe_count; ++other) {
    if (other == own.to || (waiters >> other & 1) == 0) continue;
    const Flag& rival = flags.flags[slot(flags, own.from, own.id, other)];
    const auto pipe = static_cast<std::size_t>(other);
    const bool is_scalar = static_cast<Pipe>(other) == Pipe::scalar;
    const bool is_over =
        rival.last.wait == 0 || rival.barriers < flags.barriers ||
        (is_scalar ? rival.last.wait < event.number : rival.at_wait[pipe] < own.at_set[pipe]);
    if (rival.alive == 0 && is_over) continue;
    report(FindingClass::event_reused, event,
           flag_name(own.from, other, own.id) + " and " + flag_name(own.from, own.to, own.id),
           rival.alive > 0 ? rival.current.place : rival.last.place, own.current.place,
           "sets the other",
           "hardware may tell fences apart by the setting pipe and the id alone, and nothing makes "
           "that pipe wait until the first has been waited for; use another id");
  }
}

std::optional<SourceId> FlagCheck::wait(const Event& event) {
  const int from = event.flag_pipe, to = static_cast<int>(event.pipe);
  CoreFlags& flags = core(event.core);
  Flag& own = flags.flags[slot(flags, from, event.flag_id, to)];
  const FlagOrder::Counts reached = flags.order.wait(event, own.at_set);
  if (own.alive == 0) return std::nullopt;
  own.at_wait = reached;
  own.last = own.current;
  own.last.wait = event.number;
  own.barriers = flags.barriers;
  --own.alive;
  return own.last.place;
}

void FlagCheck::end(const Event& event) {
  std::vector<Flag*> left;
  for (Flag& flag : core(event.core).flags) {
    if (flag.alive != 0) left.push_back(&flag);
  }
  std::sort(left.begin(), left.end(), [](const Flag* a, const Flag* b) {
    return std::tie(a->from, a->id, a->to) < std::tie(b->from, b->id, b->to);
  });
  for (Flag* flag : left) {
    report(FindingClass::flag_left_set, event, flag_name(flag->from, flag->to, flag->id),
           flag->current.place, flag->current.place, "",
           "it is still set at the kernel's end; nothing waits for it");
    flag->alive = 0;
    flag->current = flag->last = {};
    flag->at_wait = {};
  }
}

void FlagCheck::report(FindingClass kind, const Event& event, const std::string& flag,
                       SourceId first, SourceId second, const char* second_does,
                       const char* reason) {
  findings_.add(kind, first, second, [&] {
    Finding finding{.kind = kind, .subject = flag, .sides = {}, .reason = reason};
    finding.is_mild = kind == FindingClass::event_reused && !identity_without_waiter_;
    finding.sides.push_back(
        {event.rank, event.core, "", "sets it", findings_.places().line(first)});
    if (*second_does != '\0') {
      finding.sides.push_back(
          {event.rank, event.core, "", second_does, findings_.places().line(second)});
    }
    return finding;
  });
}

}  // namespace peal
