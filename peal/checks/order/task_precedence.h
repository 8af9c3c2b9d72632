// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <vector>

namespace peal {

// The order that a graph of tasks gives. A core takes one task after another, and which one is a
// matter of luck, so that its program order orders no two tasks: one comes before another only if
// the other waits for it, at once or by way of others.
class TaskPrecedence {
 public:
  // A task that begins on the core next waits for that one.
  void after(std::uint32_t core, std::int64_t task) { list(pending_, core).push_back(task); }
  // A task begins on a core of a rank, with this number of the core's instructions.
  void begin(std::uint32_t core, int rank, std::int64_t task, std::uint32_t number);
  // What the core issues from this number on is of no task.
  void end(std::uint32_t core, std::uint32_t number);

  static constexpr std::int64_t none = -1;
  // The task that an instruction of a core is of.
  [[nodiscard]] std::int64_t task_of(std::uint32_t core, std::uint32_t number) const;
  // Whether one task has ended before the other begins, in every schedule.
  [[nodiscard]] bool precedes(std::int64_t earlier, std::int64_t later) const;
  // Whether a core has had more than one task so far: if not, there is nothing to be asked.
  [[nodiscard]] bool has_several() const { return has_several_; }

 private:
  struct Begin {
    std::uint32_t number = 0;
    std::int64_t task = none;
  };
  // The tasks before a task: all of its rank with an ordinal below `floor`, and those in `others`,
  // as bits from there on.
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

  std::vector<std::vector<std::int64_t>> pending_;  // of each core
  std::vector<std::vector<Begin>> begins_;          // of each core, in program order
  std::map<std::int64_t, Before> tasks_;
  std::map<int, std::size_t> counts_;  // tasks of each rank
  bool has_several_ = false;
};

}  // namespace peal
