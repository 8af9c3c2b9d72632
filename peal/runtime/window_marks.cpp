// SPDX-License-Identifier: Apache-2.0
#include "peal/runtime/window_marks.h"

#include <algorithm>

namespace peal {
namespace {

// A no_dep array counts neither as read nor as written: its use is not declared.
bool has_direction(const TaskArgument& argument, TaskDirection one) {
  return argument.kind == TaskArgument::Kind::array &&
         (argument.direction == one || argument.direction == TaskDirection::inout);
}
bool is_read(const TaskArgument& argument) { return has_direction(argument, TaskDirection::input); }
bool is_written(const TaskArgument& argument) {
  return has_direction(argument, TaskDirection::output);
}

// Properties of all arrays that members read, or of all that they write.
struct Arrays {
  bool has_any = false;        // some member has such an array
  bool are_everybodys = true;  // every member has such an array
  bool are_in_windows = true;  // all such arrays lie in windows
};

Arrays arrays_of(const std::vector<TaskMember>& members, bool (*does)(const TaskArgument&)) {
  Arrays result;
  for (const TaskMember& member : members) {
    bool has_any = false;
    for (const TaskArgument& argument : member.arguments) {
      if (!does(argument)) continue;
      has_any = true;
      result.are_in_windows = result.are_in_windows && argument.in_window;
    }
    result.has_any = result.has_any || has_any;
    result.are_everybodys = result.are_everybodys && has_any;
  }
  return result;
}

// True if the member reads and writes the same memory.
bool is_in_place(const TaskMember& member) {
  const std::vector<TaskArgument>& all = member.arguments;
  return std::any_of(all.begin(), all.end(), [&](const TaskArgument& read) {
    return is_read(read) && std::any_of(all.begin(), all.end(), [&](const TaskArgument& written) {
             return is_written(written) && written.view.data == read.view.data;
           });
  });
}

bool are_alike(const std::vector<TaskMember>& members) {
  const bool in_place = is_in_place(members.front());
  return std::all_of(members.begin(), members.end(),
                     [&](const TaskMember& member) { return is_in_place(member) == in_place; });
}

}  // namespace

void mark_windows(std::vector<TaskMember>& members, std::size_t ranks) {
  const bool are_all = members.size() == ranks &&
                       std::all_of(members.begin(), members.end(), [&](const TaskMember& member) {
                         return member.domain == members.front().domain;
                       });
  if (!are_all) return;
  const Arrays read = arrays_of(members, is_read), written = arrays_of(members, is_written);
  const bool have_any =
      (read.has_any && read.are_in_windows) || (written.has_any && written.are_in_windows);
  if (!have_any) return;
  // Some algorithms need send and recv to be distinct, so all members must be in place, or none.
  if (read.are_everybodys && written.are_everybodys && !are_alike(members)) return;
  for (TaskMember& member : members) {
    for (TaskArgument& argument : member.arguments) {
      const bool reads = is_read(argument), writes = is_written(argument);
      argument.in_windows = argument.in_window && (reads || writes) &&
                            (!reads || read.are_in_windows) && (!writes || written.are_in_windows);
    }
  }
}

}  // namespace peal
