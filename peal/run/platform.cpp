// SPDX-License-Identifier: Apache-2.0
#include "peal/run/platform.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>

#include "peal/base/error.h"
#include "peal/base/toml_file.h"

namespace peal {
namespace {

// Far beyond any machine, but small enough that the times of long runs fit 64 bits of picoseconds.
constexpr double max_nanoseconds = 1e9;
constexpr double min_bandwidth = 1e-3, max_bandwidth = 1e6;  // GB/s, GiB/s
constexpr std::int64_t max_cycles = 1'000'000;
constexpr double max_cycles_per_repeat = 1e4;
constexpr double min_mhz = 1, max_mhz = 1e6;
// A limit, because the simulator allocates the buffers of every core of every rank.
constexpr std::int64_t max_buffer_bytes = std::int64_t{1} << 26;
constexpr std::int64_t max_piece_bytes = std::int64_t{1} << 30;
constexpr std::int64_t max_queue_depth = 65536;

struct Limits {
  double lowest = 0, highest = 0;
};
struct WholeLimits {
  std::int64_t lowest = 0, highest = 0;
};

// The figures of one platform file, by dotted path. Its functions throw Error for a figure that is
// missing, of the wrong type, or outside its limits.
class Figures {
 public:
  Figures(const std::string& path, const toml::table& table) : path_(path), table_(table) {}

  [[nodiscard]] double number(const char* key, const Limits& limits) const {
    const auto value = table_.at_path(key).value<double>();
    // Written so that NaN is refused, too.
    if (!value || !(*value >= limits.lowest && *value <= limits.highest)) {
      refuse(key, fmt::format("a number from {} to {}", limits.lowest, limits.highest));
    }
    return *value;
  }
  [[nodiscard]] bool has(const char* key) const { return bool{table_.at_path(key)}; }
  [[nodiscard]] std::int64_t whole(const char* key, const WholeLimits& limits) const {
    const auto value = table_.at_path(key).value_exact<std::int64_t>();
    if (!value || *value < limits.lowest || *value > limits.highest) {
      refuse(key, fmt::format("a whole number from {} to {}", limits.lowest, limits.highest));
    }
    return *value;
  }
  [[nodiscard]] std::string text(const char* key) const {
    const auto value = table_.at_path(key).value<std::string>();
    if (!value) refuse(key, "a text");
    return *value;
  }
  [[nodiscard]] bool flag(const char* key) const {
    const auto value = table_.at_path(key).value<bool>();
    if (!value) refuse(key, "true or false");
    return *value;
  }
  [[nodiscard]] Picoseconds nanoseconds(const char* key) const {
    return static_cast<Picoseconds>(number(key, {0, max_nanoseconds}) * 1000 + 0.5);
  }
  [[nodiscard]] double inverse_gib_per_s(const char* key) const {
    return inverse(key, 1024.0 * 1024.0 * 1024.0);
  }
  [[nodiscard]] double inverse_gb_per_s(const char* key) const { return inverse(key, 1e9); }
  [[nodiscard]] std::int64_t milli(const char* key) const {
    return static_cast<std::int64_t>(number(key, {0, max_cycles_per_repeat}) * 1000 + 0.5);
  }

  [[noreturn]] void refuse(const char* key, const std::string& expected) const {
    throw UsageError(
        fmt::format("platform file `{}`: `{}` must be {}; see platforms/a2a3.toml for one", path_,
                    key, expected));
  }

 private:
  [[nodiscard]] double inverse(const char* key, double unit) const {
    return 1e12 / (number(key, {min_bandwidth, max_bandwidth}) * unit);
  }

  const std::string& path_;
  const toml::table& table_;
};

}  // namespace

Platform read_platform(const std::string& path) {
  const toml::table table = read_toml_file("platform file", path);
  const Figures figures(path, table);
  Platform platform;
  platform.name = figures.text("name");
  platform.description = figures.text("description");
  if (figures.text("link.topology") != "full") figures.refuse("link.topology", "\"full\"");

  platform.core.cycle_ps = 1e6 / figures.number("core.frequency_mhz", {min_mhz, max_mhz});
  platform.core.unified_buffer_bytes =
      figures.whole("core.unified_buffer_bytes", {4096, max_buffer_bytes});
  platform.core.issue_cycles = figures.whole("core.issue_cycles", {1, max_cycles});
  platform.core.queue_depth =
      static_cast<int>(figures.whole("core.queue_depth", {1, max_queue_depth}));

  platform.memory.load_ps_per_byte = figures.inverse_gib_per_s("memory.load_gib_per_s");
  platform.memory.store_ps_per_byte = figures.inverse_gib_per_s("memory.store_gib_per_s");
  platform.memory.startup_ps = figures.nanoseconds("memory.startup_ns");

  platform.vector.repeat_bytes = figures.whole("vector.repeat_bytes", {1, max_buffer_bytes});
  platform.vector.startup_cycles = figures.whole("vector.startup_cycles", {0, max_cycles});
  platform.vector.per_repeat_milli_cycles = figures.milli("vector.cycles_per_repeat");
  platform.vector.floor_cycles = figures.whole("vector.floor_cycles", {0, max_cycles});
  platform.vector.convert_startup_cycles =
      figures.whole("vector.convert_startup_cycles", {0, max_cycles});
  platform.vector.convert_per_repeat_milli_cycles =
      figures.milli("vector.convert_cycles_per_repeat");

  platform.cube.l1_bytes = figures.whole("cube.l1_bytes", {0, max_buffer_bytes});
  platform.cube.l0a_bytes = figures.whole("cube.l0a_bytes", {0, max_buffer_bytes});
  platform.cube.l0b_bytes = figures.whole("cube.l0b_bytes", {0, max_buffer_bytes});
  platform.cube.l0c_bytes = figures.whole("cube.l0c_bytes", {0, max_buffer_bytes});
  platform.cube.load_ps_per_byte = figures.inverse_gib_per_s("cube.load_gib_per_s");
  platform.cube.store_ps_per_byte = figures.inverse_gib_per_s("cube.store_gib_per_s");
  platform.cube.move_ps_per_byte = figures.inverse_gib_per_s("cube.move_gib_per_s");

  platform.link.ps_per_byte = figures.inverse_gb_per_s("link.gb_per_s");
  platform.link.load_latency_ps = figures.nanoseconds("link.load_latency_ns");
  platform.link.store_latency_ps = figures.nanoseconds("link.store_latency_ns");

  platform.dma.startup_ps = figures.nanoseconds("dma.startup_ns");
  platform.dma.ps_per_byte = figures.inverse_gb_per_s("dma.gb_per_s");

  platform.signals.latency_ps = figures.nanoseconds("signals.latency_ns");
  platform.signals.own_latency_ps = figures.nanoseconds("signals.own_latency_ns");
  platform.signals.notify_issue_ps = figures.nanoseconds("signals.notify_issue_ns");
  platform.signals.poll_ps = std::max<Picoseconds>(1, figures.nanoseconds("signals.poll_ns"));

  platform.tasks.dispatch_ps = figures.nanoseconds("tasks.dispatch_ns");
  platform.tasks.completion_ps = figures.nanoseconds("tasks.completion_ns");

  platform.verbs.tile_bytes = figures.whole("verbs.tile_bytes", {256, max_buffer_bytes});
  if (figures.has("verbs.piece_bytes")) {
    platform.verbs.piece_bytes = figures.whole("verbs.piece_bytes", {4096, max_piece_bytes});
  }
  const std::int64_t tiles = 8;  // upper bound of the tiles that the lowering of verbs uses
  if (platform.verbs.tile_bytes % 64 != 0 ||
      platform.verbs.tile_bytes * tiles > platform.core.unified_buffer_bytes) {
    figures.refuse("verbs.tile_bytes", "a multiple of 64, at most an eighth of the unified buffer");
  }
  platform.switches.drained_is_visible = figures.flag("switches.drained_is_visible");
  platform.switches.signals_in_order = figures.flag("switches.signals_in_order");
  platform.switches.event_identity_without_waiter =
      figures.flag("switches.event_identity_without_waiter");
  return platform;
}

}  // namespace peal
