// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <set>

namespace peal {

// While it lives, processes whose parents have ended become children of this process, if they
// descend from it: so they can be found and ended.
class Subreaper {
 public:
  Subreaper();
  ~Subreaper();
  Subreaper(const Subreaper&) = delete;
  Subreaper& operator=(const Subreaper&) = delete;

 private:
  int before_ = 0;
};

// The processes whose parent this one is.
[[nodiscard]] std::set<pid_t> own_children();

// Kills the children of this process but for those that are spared, and whatever these leave
// behind where this process is a Subreaper, and waits for their ends. What this user may not kill
// is left alone.
void end_descendants(std::set<pid_t> spared);

}  // namespace peal
