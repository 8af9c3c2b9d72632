// SPDX-License-Identifier: Apache-2.0
// Every name and spelling of the PTO tile ISA that kernels use, one check each: a check that does
// not compile is told by its name in the compiler's message, one that is false by its name here.
#include <gtest/gtest.h>

#include "tests/support/kernel_checks.h"

namespace peal {
namespace {

const std::vector<Check> core_names = {
    {"PIPE_S",
     "set_flag(PIPE_S, PIPE_V, EVENT_ID0); wait_flag(PIPE_S, PIPE_V, EVENT_ID0);"
     " return PIPE_S == 0;"},
    {"PIPE_V",
     "set_flag(PIPE_V, PIPE_S, EVENT_ID1); wait_flag(PIPE_V, PIPE_S, EVENT_ID1);"
     " pipe_barrier(PIPE_V); return PIPE_V == 1;"},
    {"PIPE_MTE1", "pipe_barrier(PIPE_MTE1); return PIPE_MTE1 == 2;"},
    {"PIPE_MTE2",
     "set_flag(PIPE_MTE2, PIPE_V, (event_t)2); wait_flag(PIPE_MTE2, PIPE_V, (event_t)2);"
     " return PIPE_MTE2 == 3;"},
    {"PIPE_MTE3",
     "set_flag(PIPE_V, PIPE_MTE3, EVENT_ID3); wait_flag(PIPE_V, PIPE_MTE3, EVENT_ID3);"
     " pipe_barrier(PIPE_MTE3); return PIPE_MTE3 == 4;"},
    {"PIPE_M", "pipe_barrier(PIPE_M); return PIPE_M == 5;"},
    {"PIPE_ALL", "pipe_barrier(PIPE_ALL); return PIPE_ALL == 6;"},
    {"PIPE_FIX", "pipe_barrier(PIPE_FIX); return PIPE_FIX == 7;"},
    {"EVENT_ID",
     "return EVENT_ID0 == 0 && EVENT_ID1 == 1 && EVENT_ID2 == 2 && EVENT_ID3 == 3 &&"
     " EVENT_ID4 == 4 && EVENT_ID5 == 5 && EVENT_ID6 == 6 && EVENT_ID7 == 7;"},
    {"EVENT_ID_of_int",
     "for (int i = 0; i < 2; ++i) { set_flag(PIPE_MTE2, PIPE_MTE3, i);"
     " wait_flag(PIPE_MTE2, PIPE_MTE3, (event_t)i); } return true;"},
    {"C0_SIZE_BYTE", "constexpr auto n = C0_SIZE_BYTE / sizeof(float); return n == 8;"},
    {"dcci_single",
     "k.a[0] = 7; dcci(k.a, cache_line_t::SINGLE_CACHE_LINE);"
     " return ld_dev(k.a) == 7;"},
    {"dcci_single_out",
     "k.a[1] = 7; dcci((__gm__ void *)k.a, cache_line_t::SINGLE_CACHE_LINE,"
     " dcci_dst_t::CACHELINE_OUT); return ld_dev(k.a + 1) == 7;"},
    {"dcci_entire",
     "k.a[100] = 7; dcci((__gm__ int32_t *)k.a, cache_line_t::ENTIRE_DATA_CACHE);"
     " return ld_dev(k.a + 100) == 7;"},
    {"dcci_entire_out",
     "k.b[9] = 7; dcci((__gm__ uint8_t *)0, cache_line_t::ENTIRE_DATA_CACHE,"
     " dcci_dst_t::CACHELINE_OUT); return ld_dev(k.b + 9) == 7;"},
    {"dcci_bare",
     "k.a[0] = 7; dcci(k.a, SINGLE_CACHE_LINE); k.a[0] = 8;"
     " dcci(k.a, SINGLE_CACHE_LINE, CACHELINE_OUT); k.b[0] = 9;"
     " dcci(k.a, ENTIRE_DATA_CACHE); dcci(k.a, ENTIRE_DATA_CACHE, CACHELINE_OUT);"
     " return ld_dev(k.a) == 8 && ld_dev(k.b) == 9;"},
    {"dcci_volatile",
     "volatile __gm__ float *p = k.a; p[3] = 5; dcci(p, SINGLE_CACHE_LINE);"
     " return ld_dev(p + 3) == 5;"},
    {"dsb", "dsb(DSB_DDR); dsb(DSB_UB); dsb(DSB_ALL); dsb(mem_dsb_t::DSB_DDR); return true;"},
    {"st_dev",
     "st_dev(5.0f, k.a); st_dev(6.0f, k.a, 4); st_dev(7.0f, k.a + 2, 0);"
     " return ld_dev(k.a) == 5 && ld_dev(k.a, 4) == 6 && ld_dev(k.a + 2, 0) == 7;"},
    {"st_dev_int",
     "st_dev((int32_t)5, (__gm__ int32_t *)k.cells, 8);"
     " return ld_dev((__gm__ int32_t *)k.cells, 8) == 5 && ld_dev(k.cells + 2) == 5;"},
    {"ld_dev_const", "const __gm__ float *p = k.a; return ld_dev(p + 4, 0) == 4;"},
    {"st_dev_64",
     "st_dev(uint64_t(1) << 40, (__gm__ uint64_t *)k.a);"
     " return ld_dev((__gm__ uint64_t *)k.a) == uint64_t(1) << 40;"},
    {"get_block_idx", "return get_block_idx() == 0 && get_block_num() == 1;"},
    {"get_block_idx_args",
     "int32_t i = get_block_idx(k.args), n = get_block_num(k.args);"
     " return i == 0 && n == 1;"},
    {"args_48",
     "auto *local = reinterpret_cast<__gm__ void *>(k.args[48]);"
     " return local != nullptr && k.args[49] != 0;"},
    {"pipe_sync", "pipe_sync(); return true;"},
    {"from_u64",
     "return from_u64<float>(0x40000000u) == 2.0f && from_u64<int64_t>(~0ull) == -1 &&"
     " from_u64<int32_t>(7) == 7 && from_u64<double>(0) == 0;"},
    {"raw_access",
     "int sum = 0; __gm__ int32_t *n = k.cells; for (int i = 0; i < 4; ++i) n[i] = i;"
     " for (int i = 0; i < 4; ++i) sum += n[i]; return sum == 6;"},
};

const std::vector<Check> type_names = {
    {"half",
     "half x = 1.5f; half y = x + x; float f = y; half z = (half)2; return f == 3 &&"
     " x * z == y && sizeof(half) == 2 && y > x && (int)y == 3;"},
    {"bfloat16_t",
     "bfloat16_t x = 1.5f; bfloat16_t y = x + x; float f = y; bfloat16_t z(2);"
     " y = x * z; y = y + 1; x = 3; return f == 3 && float(y) == 4 && x == 3.0f &&"
     " sizeof(bfloat16_t) == 2 && static_cast<int>(y) == 4 && y > x && y - 1.0 == 3;"},
    {"bfloat16_t_compound",
     "bfloat16_t x = (bfloat16_t)1.0; x += 2.0f; x *= x; x -= 1.0f;"
     " x /= 2; return x == 4.0f && -x == -4.0f;"},
    {"Tensor",
     "__gm__ Tensor *t = reinterpret_cast<__gm__ Tensor *>(k.args[1]);"
     " return t->buffer.addr == (uint64_t)k.a && t->buffer.size == 4096 &&"
     " t->start_offset == 0 && t->shapes[0] == 1024 && t->strides[0] == 1 &&"
     " t->ndims == 1 && t->dtype == 0 && sizeof(Tensor) == 128;"},
    {"ChipTensor",
     "auto *t = (__gm__ ChipTensor *)k.args[1]; return t->buffer.size == 4096 &&"
     " sizeof(t->shapes) / sizeof(t->shapes[0]) == 5;"},
    {"CommContext",
     "auto *x = k.context; return x->rankId == 0 && x->rankNum == 1 &&"
     " x->winSize == 4096 && x->windowsIn[0] == (uint64_t)k.a &&"
     " sizeof(CommContext) == 1056 && x->workSpace == 0 && x->workSpaceSize == 0;"},
    {"peer_address",
     "auto *p = (__gm__ float *)(k.context->windowsIn[0] +"
     " ((uint64_t)k.b - k.context->windowsIn[k.context->rankId]));"
     " return p == k.b;"},
    {"Shape_static",
     "Shape<1, 2, 3, 4, 5> s; Stride<120, 60, 20, 5, 1> t;"
     " GlobalTensor<float, Shape<1, 2, 3, 4, 5>, Stride<120, 60, 20, 5, 1>> g(k.a, s, t);"
     " return g.GetShape(1) == 2 && g.GetStride(1) == 60;"},
    {"Shape_dynamic",
     "Shape<DYNAMIC, 1, -1, 1, pto::DYNAMIC> s(2, 3, 4);"
     " GlobalTensor<float, Shape<DYNAMIC, 1, -1, 1, pto::DYNAMIC>, Stride<1, 1, 1, 1, 1>>"
     " g(k.a, s); return g.GetShape(0) == 2 && g.GetShape(2) == 3 && g.GetShape(4) == 4;"},
    {"Shape_all",
     "Shape<-1, -1, -1, -1, -1> s(1, 1, 1, 2, 3); Stride<-1, -1, -1, -1, -1> t(6, 6, 6, 3, 1);"
     " GlobalTensor<float, Shape<-1, -1, -1, -1, -1>, Stride<-1, -1, -1, -1, -1>,"
     " Layout::ND> g(k.a, s, t); return g.GetShape(3) == 2 && g.GetStride(3) == 3;"},
    {"GlobalTensor",
     "Row r(k.a); return r.data() == k.a && sizeof(Row::RawDType) == 4 &&"
     " std::is_same_v<Row::DType, float> && r.GetShape(4) == 16;"},
    {"GlobalTensor_const",
     "const Row r(k.a); RowTile t; TASSIGN(t, 0); TLOAD(t, r);"
     " return stored(t, k, 0, 1);"},
    {"GlobalTensor_of_const",
     "using Const = GlobalTensor<const float, Shape<1, 1, 1, 1, 16>,"
     " Stride<1, 1, 1, 1, 1>>; const __gm__ float *p = k.a; Const r(p);"
     " RowTile t; TASSIGN(t, 0); TLOAD(t, r); return stored(t, k, 0, 1);"},
    {"Layout_ND", "return Row::tensor_layout == Layout::ND;"},
    {"Layout_DN",
     "using G = GlobalTensor<float, Shape<1, 1, 1, 8, 16>, Stride<128, 128, 128, 1, 8>,"
     " Layout::DN>; Tile<TileType::Vec, float, 8, 16> t; TASSIGN(t, 0); G g(k.a);"
     " TLOAD(t, g); pipe_sync(); return t.GetValue(1) == 8 && t.GetValue(16) == 1;"},
    {"Layout_NZ",
     "using G = GlobalTensor<float, Shape<1, 2, 2, 4, 8>, Stride<128, 64, 32, 8, 1>,"
     " Layout::NZ>; Tile<TileType::Vec, float, 8, 16> t; TASSIGN(t, 0); G g(k.a);"
     " TLOAD(t, g); pipe_sync(); if (t.GetValue(8) != 64 || t.GetValue(4 * 16) != 32 ||"
     " t.GetValue(5 * 16 + 9) != 105) return false; G to(k.c); TSTORE(to, t);"
     " return holds(k.c, 128, 0, 1);"},
    {"Tile",
     "Tile<TileType::Vec, float, 4, 16> t; TASSIGN(t, 0x100); t.SetValue(3, 2.5f);"
     " return t.GetValue(3) == 2.5f && t.GetValidRow() == 4 && t.GetValidCol() == 16 &&"
     " t.data() != nullptr && sizeof(decltype(t)::DType) == 4 && decltype(t)::Rows == 4 &&"
     " decltype(t)::Cols == 16;"},
    {"Tile_dynamic",
     "Tile<TileType::Vec, float, 4, 16, BLayout::RowMajor, -1, -1> t(2, 8);"
     " const bool first = t.GetValidRow() == 2 && t.GetValidCol() == 8;"
     " t.SetValidRow(3); t.SetValidCol(5);"
     " return first && t.GetValidRow() == 3 && t.GetValidCol() == 5;"},
    {"Tile_one_dynamic",
     "Tile<TileType::Vec, float, 4, 16, BLayout::RowMajor, 4, DYNAMIC> t(8);"
     " Tile<TileType::Vec, float, 4, 16, BLayout::RowMajor, DYNAMIC, 16> u(3);"
     " return t.GetValidCol() == 8 && t.GetValidRow() == 4 && u.GetValidRow() == 3;"},
    {"Tile_sizes",
     "size_t rows = 2; int64_t cols = 8;"
     " Tile<TileType::Vec, half, 4, 16, BLayout::RowMajor, -1, -1> t(rows, cols);"
     " return t.GetValidRow() == 2 && t.GetValidCol() == 8;"},
    {"Tile_ColMajor",
     "Tile<TileType::Vec, float, 8, 2, BLayout::ColMajor, 8, 2, SLayout::NoneBox> t;"
     " TASSIGN(t, 0); t.SetValue(9, 4); return t.GetValue(9) == 4;"},
    {"TileType",
     "return TileType::Vec != TileType::Mat && TileType::Left != TileType::Right &&"
     " TileType::Acc != TileType::Vec;"},
    {"TileLeft",
     "TileLeft<float, 16, 16> l; TileRight<float, 16, 16, 16, 8> r;"
     " TileAcc<float, 16, 16, 16, 16> c; TileLeft<half, 32, 16, 8, DYNAMIC> d(4);"
     " return l.GetValidRow() == 16 && r.GetValidCol() == 8 && d.GetValidCol() == 4 &&"
     " c.GetValidRow() == 16;"},
    {"SLayout",
     "return SLayout::NoneBox != SLayout::RowMajor && SLayout::ColMajor != SLayout::NoneBox;"},
    {"AtomicType", "return AtomicType::AtomicNone != AtomicType::AtomicAdd;"},
    {"RoundMode",
     "const RoundMode all[] = {RoundMode::CAST_NONE, RoundMode::CAST_RINT,"
     " RoundMode::CAST_ROUND, RoundMode::CAST_FLOOR, RoundMode::CAST_CEIL,"
     " RoundMode::CAST_TRUNC, RoundMode::CAST_ODD}; return all[6] != all[0];"},
    {"types_16_bit",
     "Tile<TileType::Vec, int16_t, 1, 16> s; Tile<TileType::Vec, uint16_t, 1, 16> u;"
     " TASSIGN(s, 0); TASSIGN(u, 64); s.SetValue(0, -1); u.SetValue(0, 65535);"
     " return s.GetValue(0) == -1 && u.GetValue(0) == 65535;"},
    {"types_8_and_64_bit",
     "Tile<TileType::Vec, int8_t, 1, 32> a; Tile<TileType::Vec, uint8_t, 1, 32> b;"
     " Tile<TileType::Vec, int64_t, 1, 4> c; Tile<TileType::Vec, uint32_t, 1, 8> d;"
     " TASSIGN(a, 0); TASSIGN(b, 32); TASSIGN(c, 64); TASSIGN(d, 96);"
     " a.SetValue(0, -1); c.SetValue(3, 5); return a.GetValue(0) == -1 &&"
     " c.GetValue(3) == 5;"},
};

TEST(Names, ACheckThatFailsIsNamed) {
  EXPECT_TRUE(
      failure({{"one", "return true;"}, {"two", "return false;"}}).starts_with("two is false"));
  EXPECT_NE(failure({{"one", "return true;"}, {"no_such_name", "return NO_SUCH_NAME(k);"}})
                .find("no_such_name:1:"),
            std::string::npos);
}

TEST(Names, OfTheCore) { EXPECT_EQ(failure(core_names), ""); }

TEST(Names, OfTypes) { EXPECT_EQ(failure(type_names), ""); }

}  // namespace
}  // namespace peal
