// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <vector>

namespace peal {

// The order that a task graph gives. Which task a core takes next depends on the schedule, so that
// its program order does not order two tasks: a task precedes another only if the other waits for
// it, directly or through other tasks. Only tasks of one rank are related here.
class TaskPrecedence {
 public:
  // The next task to begin on the core waits for `task`.
  void after(std::uint32_t core, std::int64_t task) { list(pending_, core).push_back(task); }
  // A task, or another block of it, begins on a core of a rank. `number` is the event's number in
  // the program order of the core.
  void begin(std::uint32_t core, int rank, std::int64_t task, std::uint32_t number);
  // The task on the core ends: what the core issues after `number` belongs to no task.
  void end(std::uint32_t core, std::uint32_t number);

  static constexpr std::int64_t none = -1;
  // The task that instruction `number` of a core belongs to, or none.
  [[nodiscard]] std::int64_t task_of(std::uint32_t core, std::uint32_t number) const;
  // True if `earlier` ends before `later` begins in every schedule. Both must be of one rank.
  [[nodiscard]] bool precedes(std::int64_t earlier, std::int64_t later) const;
  // True if some rank has had more than one task so far; otherwise no two need to be compared.
  [[nodiscard]] bool has_several() const { return has_several_; }

 private:
  struct Begin {
    std::uint32_t number = 0;
    std::int64_t task = none;
  };
  // The set of a task's predecessors, which are of its rank: every ordinal below `floor`, and those
  // whose bit in `others` is set, which starts at ordinal `floor`. The bit set stays short where
  // all but a few of the earlier tasks are predecessors.
  struct Before {
    int rank = 0;
    std::size_t ordinal = 0;  // among the tasks of its rank, in the order of their beginning
    std::size_t floor = 0;
    std::vector<bool> others;

    [[nodiscard]] bool has(std::size_t of) const {
      return of < floor || (of - floor < others.size() && others[of - floor]);
    }
  };
  void add(Before& to, const Before& task);

  template <class T>
  static std::vector<T>& list(std::vector<std::vector<T>>& lists, std::uint32_t core) {
    if (lists.size() <= core) lists.resize(core + 1);
    return lists[core];
  }

  std::vector<std::vector<std::int64_t>> pending_;  // by core: what its next task waits for
  std::vector<std::vector<Begin>> begins_;          // by core, in program order
  std::map<std::int64_t, Before> tasks_;
  std::map<int, std::size_t> counts_;  // tasks of each rank
  bool has_several_ = false;
};

}  // namespace peal
