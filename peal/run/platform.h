// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "peal/base/units.h"

namespace peal {

// The figures of a target machine, read from platforms/<name>.toml, where each figure has its
// source. Durations are picoseconds, `_ps_per_byte` the inverse of a bandwidth.
struct Platform {
  std::string name;
  std::string description;

  struct Core {
    double cycle_ps = 0;
    std::int64_t unified_buffer_bytes = 0;
    std::int64_t issue_cycles = 1;  // scalar time to issue any instruction
    int queue_depth = 32;           // instructions that wait on one pipe before the scalar does
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

  struct Link {  // each ordered pair of devices has one of its own
    double ps_per_byte = 0;
    Picoseconds load_latency_ps = 0;   // a remote load, before its first byte
    Picoseconds store_latency_ps = 0;  // from the last byte leaving to its being visible
  } link;

  struct Dma {  // each core has an engine of its own; transfers one after another
    Picoseconds startup_ps = 0;
    double ps_per_byte = 0;
  } dma;

  struct Signals {
    Picoseconds latency_ps = 0;       // from notify to a peer's wait seeing it
    Picoseconds own_latency_ps = 0;   // the same on one's own cell
    Picoseconds notify_issue_ps = 0;  // scalar time of a notify
    Picoseconds poll_ps = 0;          // scalar time of looking at a cell
  } signals;

  struct Tasks {                    // of a device that is given one after the other
    Picoseconds dispatch_ps = 0;    // from being ready to its first instruction
    Picoseconds completion_ps = 0;  // from its last instruction to those that wait for it knowing
  } tasks;

  struct Verbs {
    std::int64_t tile_bytes = 0;  // of each staging tile that the verbs are lowered to
    // The most that a launch of a collective takes of its scratch; what is longer goes in pieces.
    std::int64_t piece_bytes = std::int64_t{16} << 20;
  } verbs;

  struct Switches {
    bool drained_is_visible = true;
    // Signals of one core take effect in the order of their notifies.
    bool signals_in_order = true;
    // An event flag is known by the setting pipe and the id alone, whoever waits for it: two fences
    // of one pipe and id that are alive at once are one flag.
    bool event_identity_without_waiter = false;
  } switches;

  [[nodiscard]] Picoseconds cycles(std::int64_t count) const {
    return static_cast<Picoseconds>(static_cast<double>(count) * core.cycle_ps + 0.5);
  }
};

// The switches that assume the least of the hardware.
[[nodiscard]] constexpr Platform::Switches strict_switches(Platform::Switches switches) {
  switches.drained_is_visible = false;
  switches.signals_in_order = false;
  switches.event_identity_without_waiter = true;
  return switches;
}

// Reads a platform file. Throws Error with the file's name when it is missing, does not parse, or
// lacks a figure.
[[nodiscard]] Platform read_platform(const std::string& path);

}  // namespace peal
