// SPDX-License-Identifier: Apache-2.0
#include "cli/output/progress_bar.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "cli/output/say.h"

namespace peal {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 2s;
constexpr auto redraw_every = 100ms;
constexpr int width = 40;

}  // namespace

ProgressBar::ProgressBar(double total)
    : total_(std::max(total, 1.0)),
      terminal_(::isatty(STDERR_FILENO) == 1),
      next_draw_(Clock::now() + patience) {}

void ProgressBar::update(double done) {
  if (!terminal_) return;
  const Clock::time_point now = Clock::now();
  if (now < next_draw_) return;
  next_draw_ = now + redraw_every;
  drawn_ = true;
  // The total is an estimate, so the bar never claims to be done.
  const double share = std::clamp(done / total_, 0.0, 0.99);
  const int filled = static_cast<int>(share * width);
  say("\r[{:#<{}}{:<{}}] {:2.0f} %", "", filled, "", width - filled, share * 100);
  std::fflush(stderr);
}

void ProgressBar::finish() {
  if (drawn_) say("\r\x1b[K");
  drawn_ = false;
}

}  // namespace peal
