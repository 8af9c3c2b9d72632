// SPDX-License-Identifier: Apache-2.0
#include "cli/output/bench_warnings.h"

#include <cstdlib>
#include <fstream>
#include <string>

#include "cli/output/say.h"
#include "peal/executors/shm/processors.h"

namespace peal {

void warn_of_useless_figures(int ranks) {
  const int processors = usable_processors();
  if (ranks > processors) {
    say("peal: note: {} ranks on {} processors take turns; times are those of the "
        "scheduler\n",
        ranks, processors);
  }
  double load = 0;
  if (::getloadavg(&load, 1) == 1 && load > 0.5 * processors) {
    say("peal: note: the load of the last minute is {:.1f}; other work disturbs the "
        "figures\n",
        load);
  }
  std::ifstream file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  std::string governor;
  if (file >> governor && governor != "performance") {
    say("peal: note: the governor of cpu0 is `{}`; `performance` gives steadier "
        "figures\n",
        governor);
  }
}

}  // namespace peal
