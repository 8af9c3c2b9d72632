// SPDX-License-Identifier: Apache-2.0
// The instructions by all their names and forms.
#include <gtest/gtest.h>

#include "tests/support/kernel_checks.h"

namespace peal {
namespace {

const std::vector<Check> tile_instructions = {
    {"TASSIGN",
     "RowTile t; TASSIGN(t, 0x40); uint64_t at = 64; RowTile u; TASSIGN(u, at); return t.data() == "
     "u.data();"},
    {"TASSIGN_address",
     "RowTile t, u; TASSIGN<0x40>(t); TASSIGN<64>(u); return t.data() == u.data();"},
    {"TASSIGN_tensor",
     "Row r; TASSIGN(r, k.b); Row s(k.a); TASSIGN(s, (uint64_t)k.b); return r.data() == k.b && "
     "s.data() == k.b;"},
    {"TASSIGN_pto", "RowTile t; pto::TASSIGN(t, 0); return true;"},
    {"TLOAD",
     "RowTile t; TASSIGN(t, 0); Row r(k.a); RecordEvent e = TLOAD(t, r); (void)e; return stored(t, "
     "k, 0, 1);"},
    {"TLOAD_events",
     "RowTile t; TASSIGN(t, 0); Row r(k.a); auto e = TLOAD(t, r); TLOAD(t, r, e); TLOAD(t, r, e, "
     "e); return stored(t, k, 0, 1);"},
    {"TLOAD_pto",
     "RowTile t; TASSIGN(t, 0); Row r(k.a); pto::TLOAD(t, r); return stored(t, k, 0, 1);"},
    {"TSTORE",
     "Loaded l(k); Row r(k.c); RecordEvent e = TSTORE(r, l.x); (void)e; return holds(k.c, 16, 0, "
     "1);"},
    {"TSTORE_events",
     "Loaded l(k); Row r(k.c); auto e = TSTORE(r, l.y); TSTORE(r, l.x, e); "
     "pipe_barrier(PIPE_MTE3); TSTORE(r, l.x, e, e); return holds(k.c, 16, 0, 1);"},
    {"TSTORE_atomic",
     "Loaded l(k); Row r(k.c); TSTORE<RowTile, Row, AtomicType::AtomicAdd>(r, l.x); return "
     "holds(k.c, 16, -1, 1);"},
    {"TSTORE_none",
     "Loaded l(k); Row r(k.c); TSTORE<RowTile, Row, AtomicType::AtomicNone>(r, l.x); return "
     "holds(k.c, 16, 0, 1);"},
    {"TSTORE_atomic_events",
     "Loaded l(k); Row r(k.c); RecordEvent e; TSTORE<RowTile, Row, AtomicType::AtomicAdd>(r, l.x, "
     "e); return holds(k.c, 16, -1, 1);"},
    {"TADD", "Loaded l(k); TADD(l.z, l.x, l.y); return stored(l.z, k, 2, 1);"},
    {"TADD_events",
     "Loaded l(k); auto e = TADD(l.z, l.x, l.y); TADD(l.z, l.x, l.y, e); TADD(l.z, l.x, l.y, e, "
     "e); return stored(l.z, k, 2, 1);"},
    {"TMUL", "Loaded l(k); TMUL(l.z, l.x, l.y); return stored(l.z, k, 0, 2);"},
    {"TMUL_events",
     "Loaded l(k); RecordEvent e; TMUL(l.z, l.x, l.y, e); return stored(l.z, k, 0, 2);"},
    {"TMAX", "Loaded l(k); TMAX(l.z, l.y, l.y); return stored(l.z, k, 2, 0);"},
    {"TMAX_events",
     "Loaded l(k); RecordEvent e; TMAX(l.z, l.x, l.x, e); return stored(l.z, k, 0, 1);"},
    {"TMIN", "Loaded l(k); TMIN(l.z, l.x, l.x); return stored(l.z, k, 0, 1);"},
    {"TMIN_events",
     "Loaded l(k); RecordEvent e; TMIN(l.z, l.y, l.y, e); return stored(l.z, k, 2, 0);"},
    {"TADDS", "Loaded l(k); TADDS(l.z, l.x, 3.0f); return stored(l.z, k, 3, 1);"},
    {"TADDS_events",
     "Loaded l(k); RecordEvent e; TADDS(l.z, l.x, 3, e); return stored(l.z, k, 3, 1);"},
    {"TADDS_scalars",
     "Loaded l(k); TADDS(l.z, l.x, (half)1); TADDS(l.z, l.z, (bfloat16_t)1); const float one = 1; "
     "TADDS(l.z, l.z, one); return stored(l.z, k, 3, 1);"},
    {"TMULS", "Loaded l(k); TMULS(l.z, l.x, 3.0f); return stored(l.z, k, 0, 3);"},
    {"TMULS_events",
     "Loaded l(k); RecordEvent e; TMULS(l.z, l.x, 3, e); return stored(l.z, k, 0, 3);"},
    {"TEXPANDS", "Loaded l(k); TEXPANDS(l.z, 5.0f); return stored(l.z, k, 5, 0);"},
    {"TEXPANDS_events",
     "Loaded l(k); RecordEvent e; TEXPANDS(l.z, 5, e); return stored(l.z, k, 5, 0);"},
    {"TCVT",
     "Loaded l(k); Tile<TileType::Vec, half, 1, 16> h; TASSIGN(h, 0x3000); TCVT(h, l.x, "
     "RoundMode::CAST_NONE); pipe_barrier(PIPE_V); TCVT(l.z, h, RoundMode::CAST_RINT); return "
     "stored(l.z, k, 0, 1);"},
    {"TCVT_events",
     "Loaded l(k); RecordEvent e; Tile<TileType::Vec, int32_t, 1, 16> n; TASSIGN(n, 0x3000); "
     "TADDS(l.x, l.x, 0.5f); TCVT(n, l.x, RoundMode::CAST_FLOOR, e); TCVT(l.z, n, "
     "RoundMode::CAST_TRUNC, e, e); return stored(l.z, k, 0, 1);"},
    {"TCVT_round",
     "Loaded l(k); Tile<TileType::Vec, int32_t, 1, 16> n; TASSIGN(n, 0x3000); TADDS(l.x, l.x, "
     "0.5f); TCVT(n, l.x, RoundMode::CAST_ROUND); TCVT(l.z, n, RoundMode::CAST_NONE); return "
     "stored(l.z, k, 1, 1);"},
    {"TROWSUM",
     "Tile<TileType::Vec, float, 2, 8> x, work; Tile<TileType::Vec, float, 2, 8, "
     "BLayout::RowMajor, 2, 1> s; TASSIGN(x, 0); TASSIGN(work, 0x400); TASSIGN(s, 0x800); for (int "
     "i = 0; i < 16; ++i) x.SetValue(i, i); pipe_sync(); TROWSUM(s, x, work); pipe_sync(); return "
     "s.GetValue(0) == 28 && s.GetValue(8) == 92;"},
    {"TROWSUM_events",
     "Loaded l(k); RecordEvent e; Tile<TileType::Vec, float, 1, 16, BLayout::RowMajor, 1, 1> s; "
     "TASSIGN(s, 0x3000); TROWSUM(s, l.y, l.z, e); pipe_sync(); return s.GetValue(0) == 32;"},
    {"TMOV", "Loaded l(k); TMOV(l.z, l.x); return stored(l.z, k, 0, 1);"},
    {"TMOV_events", "Loaded l(k); RecordEvent e; TMOV(l.z, l.x, e); return stored(l.z, k, 0, 1);"},
    {"const_tiles",
     "Loaded l(k); const RowTile &x = l.x; TADD(l.z, x, x); return stored(l.z, k, 0, 2);"},
};

const std::vector<Check> cube_instructions = {
    {"Tile_fractal",
     "Tile<TileType::Mat, half, 16, 16, BLayout::ColMajor, 16, 16, SLayout::RowMajor,"
     " 512> t; TASSIGN(t, 0); return t.GetValidRow() == 16;"},
    {"TLOAD_Mat",
     "Tile<TileType::Mat, float, 4, 16, BLayout::ColMajor, 4, 16, SLayout::RowMajor, 512> m; "
     "TASSIGN(m, 0x1000); GlobalTensor<float, Shape<1, 1, 1, 4, 16>, Stride<64, 64, 64, 16, 1>> "
     "g(k.a), to(k.c); auto e = TLOAD(m, g); set_flag(PIPE_MTE2, PIPE_MTE3, EVENT_ID0); "
     "wait_flag(PIPE_MTE2, PIPE_MTE3, EVENT_ID0); TSTORE(to, m); (void)e; return holds(k.c, 64, 0, "
     "1);"},
    {"TMATMUL",
     R"x(using G = GlobalTensor<float, Shape<1, 1, 1, 16, 16>, Stride<256, 256, 256, 16, 1>>;
      using Mat = Tile<TileType::Mat, float, 16, 16, BLayout::ColMajor, 16, 16,
                       SLayout::RowMajor, 512>;
      for (int i = 0; i < 256; ++i) st_dev(i % 17 == 0 ? 3.0f : 0.0f, k.b + i);
      pipe_sync();
      Mat a, b; TileLeft<float, 16, 16> l; TileRight<float, 16, 16> r; TileAcc<float, 16, 16> c;
      TASSIGN(a, 0); TASSIGN(b, 0x2000); TASSIGN(l, 0); TASSIGN(r, 0); TASSIGN(c, 0);
      G x(k.a), y(k.b), z(k.c);
      TLOAD(a, x); TLOAD(b, y);
      set_flag(PIPE_MTE2, PIPE_MTE1, EVENT_ID0); wait_flag(PIPE_MTE2, PIPE_MTE1, EVENT_ID0);
      auto e = TMOV(l, a); TMOV(r, b, e);
      set_flag(PIPE_MTE1, PIPE_M, EVENT_ID0); wait_flag(PIPE_MTE1, PIPE_M, EVENT_ID0);
      TMATMUL(c, l, r); TMATMUL(c, l, r, e);
      set_flag(PIPE_M, PIPE_FIX, EVENT_ID0); wait_flag(PIPE_M, PIPE_FIX, EVENT_ID0);
      TSTORE(z, c, e);
      return holds(k.c, 256, 0, 3);)x"},
};

const std::vector<Check> signal_instructions = {
    {"Signal",
     "comm::Signal s(k.cells); comm::Signal t = k.cells; return s.data() == k.cells && t.data() == "
     "k.cells;"},
    {"TNOTIFY",
     "comm::Signal s(k.cells); comm::TNOTIFY(s, 3, comm::NotifyOp::AtomicAdd); comm::TNOTIFY(s, 4, "
     "comm::NotifyOp::AtomicAdd); TWAIT(s, 7, comm::WaitCmp::EQ); return ld_dev(k.cells) == 7;"},
    {"TNOTIFY_Set",
     "comm::Signal s(k.cells + 3); TNOTIFY(s, -5, comm::NotifyOp::Set); TWAIT(s, -5, "
     "comm::WaitCmp::LE); return ld_dev(k.cells + 3) == -5;"},
    {"TNOTIFY_events",
     "comm::Signal s(k.cells); RecordEvent e; TNOTIFY(s, 1, comm::NotifyOp::Set, e); "
     "pto::comm::TNOTIFY(s, 1, comm::NotifyOp::AtomicAdd, e, e); TWAIT(s, 2, comm::WaitCmp::GE, "
     "e); return true;"},
    {"TWAIT",
     "comm::Signal s(k.cells); TNOTIFY(s, 1, comm::NotifyOp::Set); comm::TWAIT(s, 0, "
     "comm::WaitCmp::GT); comm::TWAIT(s, 0, comm::WaitCmp::NE); TWAIT(s, 2, comm::WaitCmp::LT); "
     "TWAIT(s, 1, comm::WaitCmp::LE, RecordEvent()); return true;"},
    {"TTEST",
     "comm::Signal s(k.cells); return comm::TTEST(s, 0, comm::WaitCmp::EQ) && !TTEST(s, 0, "
     "comm::WaitCmp::NE) && !TTEST(s, 0, comm::WaitCmp::GT) && TTEST(s, 0, comm::WaitCmp::GE) && "
     "!TTEST(s, 0, comm::WaitCmp::LT) && TTEST(s, 0, comm::WaitCmp::LE);"},
    {"TTEST_events",
     "comm::Signal s(k.cells); RecordEvent e; return TTEST(s, 0, comm::WaitCmp::EQ, e) && TTEST(s, "
     "0, comm::WaitCmp::EQ, e, e);"},
    {"Signal2D",
     "comm::Signal2D<2, 3> s(k.cells); for (int i = 0; i < 6; ++i) { if (TTEST(s, 1, "
     "comm::WaitCmp::GE)) return false; comm::Signal one(k.cells + i); TNOTIFY(one, 1, "
     "comm::NotifyOp::AtomicAdd); TWAIT(one, 1, comm::WaitCmp::EQ); } TWAIT(s, 1, "
     "comm::WaitCmp::EQ); return TTEST(s, 1, comm::WaitCmp::GE);"},
    {"Signal2D_stride",
     "comm::Signal2D<2, 2> s(k.cells, 16); for (int i : {0, 1, 16, 17}) st_dev(4, k.cells + i); "
     "RecordEvent e; TWAIT(s, 4, comm::WaitCmp::EQ, e); comm::Signal2D<2, 2> dense(k.cells); "
     "return TTEST(s, 4, comm::WaitCmp::EQ, e) && !TTEST(dense, 4, comm::WaitCmp::EQ);"},
    {"GlobalSignal",
     "comm::GlobalSignal<int32_t, Shape<1, 1, 1, 1, DYNAMIC>, Stride<1, 1, 1, 1, 1>> s(k.cells, "
     "Shape<1, 1, 1, 1, DYNAMIC>(3)); TWAIT(s, 0, comm::WaitCmp::EQ); return TTEST(s, 1, "
     "comm::WaitCmp::LT);"},
    {"NotifyOp", "using comm::NotifyOp; return NotifyOp::AtomicAdd != NotifyOp::Set;"},
    {"ReduceOp",
     "return comm::ReduceOp::Sum != comm::ReduceOp::Max && comm::ReduceOp::Min != "
     "comm::ReduceOp::Max;"},
};

const std::vector<Check> transfer_instructions = {
    {"TPUT",
     "RowTile t; TASSIGN(t, 0); Row a(k.a), c(k.c); RecordEvent e = comm::TPUT(c, a, t); (void)e; "
     "return holds(k.c, 16, 0, 1);"},
    {"TPUT_unqualified",
     "RowTile t; TASSIGN(t, 0); Row a(k.a), c(k.c); TPUT(c, a, t); return holds(k.c, 16, 0, 1);"},
    {"TPUT_events",
     "RowTile t; TASSIGN(t, 0); Row a(k.a), c(k.c); auto e = TPUT(c, a, t); comm::TPUT(c, a, t, "
     "e); TPUT(c, a, t, e, e); return holds(k.c, 16, 0, 1);"},
    {"TPUT_pong",
     "RowTile t, u; TASSIGN(t, 0); TASSIGN(u, 0x400); Row a(k.a), c(k.c); comm::TPUT(c, a, t, u); "
     "return holds(k.c, 16, 0, 1);"},
    {"TPUT_pong_events",
     "RowTile t, u; TASSIGN(t, 0); TASSIGN(u, 0x400); Row a(k.a), c(k.c); RecordEvent e; "
     "comm::TPUT(c, a, t, u, e); return holds(k.c, 16, 0, 1);"},
    {"TPUT_atomic",
     "RowTile t; TASSIGN(t, 0); Row a(k.a), c(k.c); comm::TPUT<AtomicType::AtomicAdd>(c, a, t); "
     "return holds(k.c, 16, -1, 1);"},
    {"TPUT_atomic_unqualified",
     "RowTile t, u; TASSIGN(t, 0); TASSIGN(u, 0x400); Row a(k.a), c(k.c); "
     "TPUT<AtomicType::AtomicAdd>(c, a, t, u); return holds(k.c, 16, -1, 1);"},
    {"TPUT_atomic_events",
     "RowTile t; TASSIGN(t, 0); Row a(k.a), c(k.c); RecordEvent e; "
     "comm::TPUT<AtomicType::AtomicAdd>(c, a, t, e); return holds(k.c, 16, -1, 1);"},
    {"TPUT_none",
     "RowTile t; TASSIGN(t, 0); Row a(k.a), c(k.c); comm::TPUT<AtomicType::AtomicNone>(c, a, t); "
     "return holds(k.c, 16, 0, 1);"},
    {"TPUT_argument",
     "RowTile t; TASSIGN(t, 0); Row a(k.a), c(k.c); AtomicType how = AtomicType::AtomicAdd; "
     "comm::TPUT(c, a, t, how); return holds(k.c, 16, -1, 1);"},
    {"TPUT_argument_events",
     "RowTile t; TASSIGN(t, 0); Row a(k.a), c(k.c); RecordEvent e; TPUT(c, a, t, "
     "AtomicType::AtomicNone, e); return holds(k.c, 16, 0, 1);"},
    {"TPUT_slides",
     "using G = GlobalTensor<float, Shape<2, 1, 2, 3, 20>, Stride<120, 120, 60, 20, 1>>; "
     "Tile<TileType::Vec, float, 2, 8, BLayout::RowMajor, -1, -1> t(2, 8), u(2, 8); TASSIGN(t, 0); "
     "TASSIGN(u, 0x400); G a(k.a), c(k.c); comm::TPUT(c, a, t, u); return holds(k.c, 240, 0, 1);"},
    {"TPUT_empty",
     "using G = GlobalTensor<float, Shape<1, 1, 1, 1, -1>, Stride<1, 1, 1, 1, 1>>; RowTile t; "
     "TASSIGN(t, 0); G a(k.a, Shape<1, 1, 1, 1, -1>(0)), c(k.c, Shape<1, 1, 1, 1, -1>(0)); "
     "comm::TPUT(c, a, t); return holds(k.c, 16, -1, 0);"},
    {"TPUT_fractal",
     "using G = GlobalTensor<float, Shape<1, 2, 2, 4, 8>, Stride<128, 64, 32, 8, 1>, Layout::NZ>; "
     "Tile<TileType::Vec, float, 16, 8> t; TASSIGN(t, 0); G a(k.a), c(k.c); comm::TPUT(c, a, t); "
     "return holds(k.c, 128, 0, 1);"},
    {"TGET",
     "RowTile t; TASSIGN(t, 0); Row a(k.a), c(k.c); RecordEvent e = comm::TGET(c, a, t); (void)e; "
     "return holds(k.c, 16, 0, 1);"},
    {"TGET_events",
     "RowTile t; TASSIGN(t, 0); Row a(k.a), c(k.c); auto e = TGET(c, a, t); comm::TGET(c, a, t, "
     "e); TGET(c, a, t, e, e); return holds(k.c, 16, 0, 1);"},
    {"TGET_pong",
     "RowTile t, u; TASSIGN(t, 0); TASSIGN(u, 0x400); Row a(k.a), c(k.c); RecordEvent e; "
     "comm::TGET(c, a, t, u); TGET(c, a, t, u, e); return holds(k.c, 16, 0, 1);"},
    {"const_tensors",
     "RowTile t; TASSIGN(t, 0); const Row a(k.a), c(k.c); comm::TGET(c, a, t); pipe_sync(); "
     "comm::TPUT(c, a, t); return holds(k.c, 16, 0, 1);"},
    {"DmaEngine",
     "using comm::DmaEngine; return DmaEngine::SDMA != DmaEngine::URMA && DmaEngine::RDMA != "
     "DmaEngine::URMA;"},
    {"BuildAsyncSession",
     "RowTile t; TASSIGN(t, 0); comm::AsyncSession s; auto *w = (__gm__ uint8_t "
     "*)k.context->workSpace; return comm::BuildAsyncSession<comm::DmaEngine::SDMA>(t, w, s) && "
     "comm::BuildAsyncSession(t, w, s) && comm::BuildAsyncSession<comm::DmaEngine::SDMA>(t, w, s, "
     "0) && comm::BuildAsyncSession<comm::DmaEngine::SDMA>(t, w, s, 0, "
     "comm::sdma::SdmaBaseConfig{1024, 0, 1}, 3) && "
     "comm::BuildAsyncSession<comm::DmaEngine::URMA>(w, 1u, s) && "
     "comm::BuildAsyncSession<comm::DmaEngine::RDMA>(t, w, 0u, 1u, s) && s.valid;"},
    {"TPUT_ASYNC",
     "RowTile t; TASSIGN(t, 0); comm::AsyncSession s; "
     "comm::BuildAsyncSession<comm::DmaEngine::SDMA>(t, (__gm__ uint8_t *)0, s); Row a(k.a), "
     "c(k.c); comm::AsyncEvent e = comm::TPUT_ASYNC<comm::DmaEngine::SDMA>(c, a, s); return "
     "e.valid() && e.Wait(s) && e.Test(s) && e.handle != 0 && e.engine == comm::DmaEngine::SDMA && "
     "holds(k.c, 16, 0, 1);"},
    {"TPUT_ASYNC_events",
     "comm::AsyncSession s; comm::BuildAsyncSession<comm::DmaEngine::URMA>((__gm__ uint8_t *)0, "
     "s); Row a(k.a), c(k.c); RecordEvent e; auto f = TPUT_ASYNC<comm::DmaEngine::URMA>(c, a, s, "
     "e); TPUT_ASYNC(c, a, s, 0u, e).Wait(s); return f.Test(s) && holds(k.c, 16, 0, 1);"},
    {"TGET_ASYNC",
     "comm::AsyncSession s; comm::BuildAsyncSession<comm::DmaEngine::RDMA>((__gm__ uint8_t *)0, "
     "s); const comm::AsyncSession &t = s; Row a(k.a), c(k.c); auto e = "
     "comm::TGET_ASYNC<comm::DmaEngine::RDMA>(c, a, t); TGET_ASYNC(c, a, t).Wait(t); return "
     "e.valid() && holds(k.c, 16, 0, 1);"},
    {"AsyncEvent",
     "comm::AsyncEvent e, f{0, comm::DmaEngine::URMA}; comm::AsyncSession s; return !e.valid() && "
     "!f.valid() && e.Wait(s) && e.Test(s);"},
};

// A group of one, whose root is this rank.
const std::vector<Check> group_instructions = {
    {"ParallelGroup",
     "Row all[2] = {Row(k.a), Row(k.b)}; comm::ParallelGroup<Row> g{all, 2, 0}; "
     "comm::ParallelGroup<Row> h(all, 2, 1); auto i = comm::ParallelGroup<Row>::Create(all, 2, 0); "
     "return g.GetSize() == 2 && h.GetRootIdx() == 1 && i[1].data() == k.b && i.nranks == 2 && "
     "g.rootIdx == 0 && g.tensors == all;"},
    {"TREDUCE",
     "Row all[2] = {Row(k.a), Row(k.b)}, c(k.c); auto g = comm::ParallelGroup<Row>::Create(all, 2, "
     "0); RowTile acc, recv; TASSIGN(acc, 0); TASSIGN(recv, 0x400); RecordEvent e = "
     "comm::TREDUCE(g, c, acc, recv, comm::ReduceOp::Sum); (void)e; return holds(k.c, 16, 2, 1);"},
    {"TREDUCE_Max",
     "Row all[2] = {Row(k.b), Row(k.c)}, c(k.c); auto g = comm::ParallelGroup<Row>::Create(all, 2, "
     "0); RowTile acc, recv; TASSIGN(acc, 0); TASSIGN(recv, 0x400); RecordEvent e; TREDUCE(g, c, "
     "acc, recv, comm::ReduceOp::Max, e); return holds(k.c, 16, 2, 0);"},
    {"TREDUCE_Min",
     "Row all[2] = {Row(k.b), Row(k.c)}, c(k.c); comm::ParallelGroup<Row> g{all, 2, 0}; RowTile "
     "acc, ping, pong; TASSIGN(acc, 0); TASSIGN(ping, 0x400); TASSIGN(pong, 0x800); "
     "comm::TREDUCE(g, c, acc, ping, pong, comm::ReduceOp::Min); return holds(k.c, 16, -1, 0);"},
    {"TREDUCE_pong_events",
     "Row all[2] = {Row(k.a), Row(k.b)}, c(k.c); comm::ParallelGroup<Row> g{all, 2, 0}; RowTile "
     "acc, ping, pong; TASSIGN(acc, 0); TASSIGN(ping, 0x400); TASSIGN(pong, 0x800); RecordEvent e; "
     "TREDUCE(g, c, acc, ping, pong, comm::ReduceOp::Sum, e, e); return holds(k.c, 16, 2, 1);"},
    {"TGATHER",
     "using Two = GlobalTensor<float, Shape<1, 1, 1, 2, 16>, Stride<32, 32, 32, 16, 1>>; Row "
     "all[2] = {Row(k.a), Row(k.b)}; Two c(k.c); comm::ParallelGroup<Row> g{all, 2, 0}; RowTile t, "
     "u; TASSIGN(t, 0); TASSIGN(u, 0x400); RecordEvent e = comm::TGATHER(g, c, t); TGATHER(g, c, "
     "t, u); TGATHER(g, c, t, e); TGATHER(g, c, t, u, e); return holds(k.c, 16, 0, 1) && holds(k.c "
     "+ 16, 16, 2, 0);"},
    {"TSCATTER",
     "using Two = GlobalTensor<float, Shape<1, 1, 1, 2, 16>, Stride<32, 32, 32, 16, 1>>; Row "
     "all[2] = {Row(k.c), Row(k.b)}; Two a(k.a); comm::ParallelGroup<Row> g{all, 2, 0}; RowTile t, "
     "u; TASSIGN(t, 0); TASSIGN(u, 0x400); RecordEvent e = comm::TSCATTER(g, a, t); TSCATTER(g, a, "
     "t, u); TSCATTER(g, a, t, e); TSCATTER(g, a, t, u, e); return holds(k.c, 16, 0, 1) && "
     "holds(k.b, 16, 16, 1);"},
    {"TBROADCAST",
     "Row all[2] = {Row(k.c), Row(k.b)}, a(k.a); comm::ParallelGroup<Row> g{all, 2, 0}; RowTile t, "
     "u; TASSIGN(t, 0); TASSIGN(u, 0x400); RecordEvent e = comm::TBROADCAST(g, a, t); "
     "TBROADCAST(g, a, t, u); TBROADCAST(g, a, t, e); TBROADCAST(g, a, t, u, e, e); return "
     "holds(k.c, 16, 0, 1) && holds(k.b, 16, 0, 1);"},
};

TEST(Names, OfTileInstructions) { EXPECT_EQ(failure(tile_instructions), ""); }
TEST(Names, OfCubeInstructions) { EXPECT_EQ(failure(cube_instructions, "aic"), ""); }
TEST(Names, OfSignalInstructions) { EXPECT_EQ(failure(signal_instructions), ""); }
TEST(Names, OfTransferInstructions) { EXPECT_EQ(failure(transfer_instructions), ""); }
TEST(Names, OfGroupInstructions) { EXPECT_EQ(failure(group_instructions), ""); }

}  // namespace
}  // namespace peal
