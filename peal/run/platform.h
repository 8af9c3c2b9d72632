// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "peal/base/api.h"
#include "peal/base/units.h"

namespace PEAL_API peal {

// The performance figures of a target machine, read from platforms/<name>.toml, which names the
// source of each. Durations are in picoseconds; `_ps_per_byte` is the inverse of a bandwidth.
struct Platform {
  std::string name;
  std::string description;

  struct Core {
    double cycle_ps = 0;
    std::int64_t unified_buffer_bytes = 0;
    std::int64_t issue_cycles = 1;  // scalar time to issue any instruction
    int queue_depth = 32;           // capacity of a pipe's queue; a full one blocks the scalar unit
  } core;

  struct Memory {                  // one core's own transfers
    double load_ps_per_byte = 0;   // global memory -> UB
    double store_ps_per_byte = 0;  // UB -> global memory
    Picoseconds startup_ps = 0;    // of each local load or store
  } memory;

  struct Vector {
    std::int64_t repeat_bytes = 256;
    std::int64_t startup_cycles = 0, per_repeat_milli_cycles = 0, floor_cycles = 0;
    std::int64_t convert_startup_cycles = 0, convert_per_repeat_milli_cycles = 0;
  } vector;

  struct Cube {  // transfers of a cube core
    std::int64_t l1_bytes = 0, l0a_bytes = 0, l0b_bytes = 0, l0c_bytes = 0;
    double load_ps_per_byte = 0;   // global memory -> L1
    double store_ps_per_byte = 0;  // L0C -> global memory
    double move_ps_per_byte = 0;   // L1 -> L0
  } cube;

  struct Link {  // one for each ordered pair of devices
    double ps_per_byte = 0;
    Picoseconds load_latency_ps = 0;   // of a remote load, until its first byte
    Picoseconds store_latency_ps = 0;  // from the departure of the last byte to visibility
  } link;

  struct Dma {  // one engine per core, which executes its transfers one after the other
    Picoseconds startup_ps = 0;
    double ps_per_byte = 0;
  } dma;

  struct Signals {
    Picoseconds latency_ps = 0;       // from notify to a peer's wait seeing it
    Picoseconds own_latency_ps = 0;   // the same on one's own cell
    Picoseconds notify_issue_ps = 0;  // scalar time of a notify
    Picoseconds poll_ps = 0;          // scalar time of reading a cell
  } signals;

  struct Tasks {                    // a device executes one after the other
    Picoseconds dispatch_ps = 0;    // from being started to the first instruction
    Picoseconds completion_ps = 0;  // from the last instruction to the report of the end
  } tasks;

  struct Verbs {
    std::int64_t tile_bytes = 0;  // size of each staging tile in the lowering of verbs
    // The maximum of scratch that one launch of a collective uses; longer calls run in pieces.
    std::int64_t piece_bytes = std::int64_t{16} << 20;
  } verbs;

  struct Switches {
    // A drained pipe's stores are visible: barriers, and flags of a storing pipe, wait for that. If
    // false, only dsb does.
    bool drained_is_visible = true;
    // Signals of one core take effect in the order of their notifies.
    bool signals_in_order = true;
    // An event flag is identified by the setting pipe and the id, without the waiting pipe. Two
    // fences with the same setting pipe and id that are in use at once share one flag.
    bool event_identity_without_waiter = false;
  } switches;

  [[nodiscard]] Picoseconds cycles(std::int64_t count) const {
    return static_cast<Picoseconds>(static_cast<double>(count) * core.cycle_ps + 0.5);
  }
};

// The switches at their weakest setting, which assumes the minimum of the hardware.
[[nodiscard]] constexpr Platform::Switches strict_switches(Platform::Switches switches) {
  switches.drained_is_visible = false;
  switches.signals_in_order = false;
  switches.event_identity_without_waiter = true;
  return switches;
}

// Reads a platform file. Throws Error with the file's name if it is missing, does not parse, lacks
// a figure, or has one outside its limits.
[[nodiscard]] Platform read_platform(const std::string& path);

}  // namespace peal
