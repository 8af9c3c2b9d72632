// SPDX-License-Identifier: Apache-2.0
#include "peal/pto/isa/tile_operands.h"

#include <fmt/format.h>

#include <string>

#include "peal/pto/isa/refusal.h"

namespace peal {

using pto_refusal::core;
using pto_refusal::refuse;

const char* name(TileOpcode opcode) {
  static constexpr const char* names[] = {"TLOAD", "TSTORE",  "TSTORE", "TADD",   "TMUL",
                                          "TMAX",  "TMIN",    "TADDS",  "TMULS",  "TEXPANDS",
                                          "TCVT",  "TROWSUM", "TMOV",   "TMATMUL"};
  return names[static_cast<std::size_t>(opcode)];
}

TileArea tile_area(const pto_abi::Tile& tile) {
  return {tile.data,       static_cast<DType>(tile.dtype), tile.rows, tile.cols, tile.valid_rows,
          tile.valid_cols, tile.column_major != 0};
}

void check_tile(const TileArea& tile, const char* which, pto_abi::Place place) {
  if (tile.data == nullptr) {
    refuse(place, fmt::format("{} has no address; place it with TASSIGN first", which));
  }
  if (tile.valid_rows < 0 || tile.valid_rows > tile.rows || tile.valid_cols < 0 ||
      tile.valid_cols > tile.cols) {
    refuse(place, fmt::format("{}'s valid part is {} x {} of {} x {}", which, tile.valid_rows,
                              tile.valid_cols, tile.rows, tile.cols));
  }
}

namespace {

// Limits of one transfer, from the PTO tile ISA. A single row is one burst of any length.
constexpr int max_load_rows = 4095, max_store_cols = 4095, max_store_rows = 8192;

}  // namespace

void check_transfer_size(const TileArea& tile, bool loads, pto_abi::Place place) {
  const auto check = [&](int given, int most, const char* what) {
    if (given <= most) return;
    refuse(place, fmt::format("{} of {} {}; one takes at most {}, so split it",
                              loads ? "TLOAD" : "TSTORE", given, what, most));
  };
  check(tile.valid_rows, loads ? max_load_rows : max_store_rows, "rows");
  if (!loads && tile.valid_rows > 1) check(tile.valid_cols, max_store_cols, "columns");
}

namespace {

std::string size_of(const TileArea& tile) { return fmt::format("{} x {}", tile.rows, tile.cols); }
std::string valid_size_of(const TileArea& tile) {
  return fmt::format("{} x {}", tile.valid_rows, tile.valid_cols);
}

// Checks a source of an element-wise instruction against the destination's valid part.
void check_source(const TileOperation& operation, const TileArea& source, const char* which,
                  pto_abi::Place place) {
  const TileArea& dst = operation.dst;
  if (operation.opcode != TileOpcode::cvt && source.dtype != dst.dtype) {
    refuse(place, fmt::format("{}: {} is of {}, and the destination of {}; make them of one type, "
                              "with TCVT for example",
                              name(operation.opcode), which, name(source.dtype), name(dst.dtype)));
  }
  const bool covers = source.valid_rows >= dst.valid_rows && source.valid_cols >= dst.valid_cols;
  // The ISA requires equal sizes; for TADD, TCVT and TMOV, compatible ones.
  const bool may_be_larger = operation.opcode == TileOpcode::add ||
                             operation.opcode == TileOpcode::cvt ||
                             operation.opcode == TileOpcode::move;
  const bool is_equal = source.valid_rows == dst.valid_rows && source.valid_cols == dst.valid_cols;
  if (may_be_larger ? covers : is_equal) return;
  refuse(place,
         fmt::format("{}: the valid part of {} is {}, and that of the destination {}; make them {}",
                     name(operation.opcode), which, valid_size_of(source), valid_size_of(dst),
                     may_be_larger ? "equal, or the source's larger" : "equal"));
}

void check_move(const TileOperation& operation, pto_abi::Place place) {
  const TileArea &dst = operation.dst, &a = operation.a;
  const bool in_unified = dst.data < core().on_chip(OnChip::l1);
  const bool may_differ = in_unified && core().fabric().platform().name.starts_with("a5");
  if (!may_differ && (dst.rows != a.rows || dst.cols != a.cols)) {
    refuse(place, fmt::format("TMOV of a tile of {} into one of {}; make them of one size",
                              size_of(a), size_of(dst)));
  }
  check_source(operation, a, "the source", place);
}

void check_row_sum(const TileOperation& operation, pto_abi::Place place) {
  const TileArea &dst = operation.dst, &a = operation.a;
  if (dst.dtype != a.dtype) {
    refuse(place, fmt::format("TROWSUM of {} into {}; make both of one type", name(a.dtype),
                              name(dst.dtype)));
  }
  if (a.valid_rows == dst.valid_rows && dst.valid_cols >= 1) return;
  refuse(place, fmt::format("TROWSUM of a tile whose valid part is {} into one of {}; give the "
                            "destination as many valid rows, and a column",
                            valid_size_of(a), valid_size_of(dst)));
}

constexpr int max_matrix_size = 4095;

void check_matmul(const TileOperation& operation, pto_abi::Place place) {
  const TileArea &c = operation.dst, &a = operation.a, &b = operation.b;
  if (a.rows != c.rows || a.cols != b.rows || b.cols != c.cols) {
    refuse(place, fmt::format("TMATMUL of tiles of {} and {} into one of {}; rows and columns must "
                              "be m x k, k x n and m x n",
                              size_of(a), size_of(b), size_of(c)));
  }
  for (const int size : {a.valid_rows, a.valid_cols, b.valid_cols}) {
    if (size >= 1 && size <= max_matrix_size) continue;
    refuse(place, fmt::format("TMATMUL of {} by {}; sizes of matrices are 1 to {}",
                              valid_size_of(a), valid_size_of(b), max_matrix_size));
  }
  if (b.valid_rows < a.valid_cols) {
    refuse(place, fmt::format("TMATMUL: the valid part of the left tile is {}, and that of the "
                              "right one {}; give it as many valid rows as the left has columns",
                              valid_size_of(a), valid_size_of(b)));
  }
  const bool is_float = c.dtype == DType::f32 && a.dtype == b.dtype &&
                        (a.dtype == DType::f16 || a.dtype == DType::bf16 || a.dtype == DType::f32);
  const bool is_integer = c.dtype == DType::i32 && a.dtype == DType::i8 && b.dtype == DType::i8;
  if (is_float || is_integer) return;
  refuse(place, fmt::format("TMATMUL of {} and {} into {}; it takes two of f16, bf16 or f32 into "
                            "f32, or two of i8 into i32",
                            name(a.dtype), name(b.dtype), name(c.dtype)));
}

}  // namespace

void check_operands(const TileOperation& operation, pto_abi::Place place) {
  switch (operation.opcode) {
    case TileOpcode::load:
    case TileOpcode::store:
    case TileOpcode::store_add:
    case TileOpcode::expands:
      return;
    case TileOpcode::add:
    case TileOpcode::mul:
    case TileOpcode::max:
    case TileOpcode::min:
      check_source(operation, operation.a, "the first source", place);
      return check_source(operation, operation.b, "the second source", place);
    case TileOpcode::adds:
    case TileOpcode::muls:
    case TileOpcode::cvt:
      return check_source(operation, operation.a, "the source", place);
    case TileOpcode::move:
      return check_move(operation, place);
    case TileOpcode::row_sum:
      return check_row_sum(operation, place);
    case TileOpcode::matmul:
      return check_matmul(operation, place);
  }
}

}  // namespace peal
