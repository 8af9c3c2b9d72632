// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "peal/chip/tile_operation.h"
#include "peal/pto/isa/abi.h"

namespace peal {

// The instruction's name in the ISA.
[[nodiscard]] const char* name(TileOpcode opcode);

// The tile as the core takes it.
[[nodiscard]] TileArea tile_area(const pto_abi::Tile& tile);

// These enforce the constraints on the ISA's page of each instruction, and refuse violations at the
// kernel's line. check_tile: the tile has an address, and its valid part lies within its size.
// `which` names the operand.
void check_tile(const TileArea& tile, const char* which, pto_abi::Place place);
// The rows and columns of one TLOAD (`loads`) or TSTORE are within the ISA's limits.
void check_transfer_size(const TileArea& tile, bool loads, pto_abi::Place place);
// The shapes, valid parts and element types of all tile operands match.
void check_operands(const TileOperation& operation, pto_abi::Place place);

}  // namespace peal
