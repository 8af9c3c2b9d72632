// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <set>

namespace peal {

// Makes this process a child subreaper while it lives: descendants whose parent has ended become
// its children, so that they can be found and killed.
class Subreaper {
 public:
  Subreaper();
  ~Subreaper();
  Subreaper(const Subreaper&) = delete;
  Subreaper& operator=(const Subreaper&) = delete;

 private:
  int before_ = 0;
};

// The child processes of this process, including those that have ended and were not waited for.
[[nodiscard]] std::set<pid_t> own_children();

// Kills the children of this process except `spared`, and waits for them. If this process is a
// Subreaper, their descendants become its children and are killed, too. Children that this user may
// not kill are left alone.
void end_descendants(std::set<pid_t> spared);

}  // namespace peal
