// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "peal/chip/tile_operation.h"
#include "peal/pto/isa/abi.h"

namespace peal {

// The instruction's name in the ISA.
[[nodiscard]] const char* name(TileOpcode opcode);

[[nodiscard]] TileArea tile_area(const pto_abi::Tile& tile);

// The next ones refuse, at the kernel's line, what the ISA's page of an instruction does not allow.
// A tile has an address, and its valid part lies in it.
void check_tile(const TileArea& tile, const char* which, pto_abi::Place place);
// A transfer of a tile is no larger than one may be.
void check_transfer_size(const TileArea& tile, bool loads, pto_abi::Place place);
// The shapes, valid parts and types of sources, destinations and accumulators fit each other.
void check_operands(const TileOperation& operation, pto_abi::Place place);

}  // namespace peal
