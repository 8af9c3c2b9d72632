// SPDX-License-Identifier: Apache-2.0
// Linked into every kernel's shared object: the callbacks that the compiler puts before each memory
// access of a kernel that is compiled with -fsanitize=thread. They tell the simulator, which checks
// the address and lets everything happen that comes before.

#include <cstddef>
#include <cstdint>

#include "peal/pto/include/peal_kernel.hpp"

namespace {

constexpr std::ptrdiff_t own_stack = 128 * 1024;

// What lies near the frame is the kernel's own stack; everything else is the simulator's business.
inline void tell(const volatile void* address, std::size_t size, bool writes, void* place) {
  const auto distance = reinterpret_cast<std::intptr_t>(address) -
                        reinterpret_cast<std::intptr_t>(__builtin_frame_address(0));
  if (distance > -own_stack && distance < own_stack) return;
  // Every instruction reads the table of functions, and where it is.
  const peal::pto_abi::Host* const table = peal::kernel_side::host;
  const auto in_table =
      reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(table);
  if (address == &peal::kernel_side::host || in_table < sizeof(*table)) return;
  table->access(const_cast<const void*>(address), size, writes ? 1 : 0, place);
}

}  // namespace

#define PEAL_HERE __builtin_return_address(0)
#define PEAL_ACCESS(size)                                                          \
  void __tsan_read##size(void* at) { tell(at, size, false, PEAL_HERE); }           \
  void __tsan_write##size(void* at) { tell(at, size, true, PEAL_HERE); }           \
  void __tsan_unaligned_read##size(void* at) { tell(at, size, false, PEAL_HERE); } \
  void __tsan_unaligned_write##size(void* at) { tell(at, size, true, PEAL_HERE); } \
  void __tsan_volatile_read##size(void* at) { tell(at, size, false, PEAL_HERE); }  \
  void __tsan_volatile_write##size(void* at) { tell(at, size, true, PEAL_HERE); }

#define PEAL_ATOMIC(bits, type)                                                                    \
  type __tsan_atomic##bits##_load(const volatile type* at, int) {                                  \
    tell(at, sizeof(type), false, PEAL_HERE);                                                      \
    return *at;                                                                                    \
  }                                                                                                \
  void __tsan_atomic##bits##_store(volatile type* at, type value, int) {                           \
    tell(at, sizeof(type), true, PEAL_HERE);                                                       \
    *at = value;                                                                                   \
  }                                                                                                \
  type __tsan_atomic##bits##_exchange(volatile type* at, type value, int) {                        \
    tell(at, sizeof(type), true, PEAL_HERE);                                                       \
    const type old = *at;                                                                          \
    *at = value;                                                                                   \
    return old;                                                                                    \
  }                                                                                                \
  type __tsan_atomic##bits##_fetch_add(volatile type* at, type value, int) {                       \
    tell(at, sizeof(type), true, PEAL_HERE);                                                       \
    const type old = *at;                                                                          \
    *at = static_cast<type>(old + value);                                                          \
    return old;                                                                                    \
  }                                                                                                \
  type __tsan_atomic##bits##_fetch_sub(volatile type* at, type value, int) {                       \
    tell(at, sizeof(type), true, PEAL_HERE);                                                       \
    const type old = *at;                                                                          \
    *at = static_cast<type>(old - value);                                                          \
    return old;                                                                                    \
  }                                                                                                \
  int __tsan_atomic##bits##_compare_exchange_strong(volatile type* at, type* expected, type value, \
                                                    int, int) {                                    \
    tell(at, sizeof(type), true, PEAL_HERE);                                                       \
    const type old = *at;                                                                          \
    if (old != *expected) {                                                                        \
      *expected = old;                                                                             \
      return 0;                                                                                    \
    }                                                                                              \
    *at = value;                                                                                   \
    return 1;                                                                                      \
  }

// The C library's own.
extern "C" {
void* __real_memcpy(void* to, const void* from, std::size_t size);
void* __real_memmove(void* to, const void* from, std::size_t size);
void* __real_memset(void* to, int value, std::size_t size);
}

#pragma GCC visibility push(hidden)
extern "C" {
PEAL_ACCESS(1)
PEAL_ACCESS(2)
PEAL_ACCESS(4)
PEAL_ACCESS(8)
PEAL_ACCESS(16)
PEAL_ATOMIC(8, std::uint8_t)
PEAL_ATOMIC(16, std::uint16_t)
PEAL_ATOMIC(32, std::uint32_t)
PEAL_ATOMIC(64, std::uint64_t)
void __tsan_read_range(void* at, std::size_t size) { tell(at, size, false, PEAL_HERE); }
void __tsan_write_range(void* at, std::size_t size) { tell(at, size, true, PEAL_HERE); }
void __tsan_vptr_read(void**) {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_init() {}
void __tsan_atomic_thread_fence(int) {}
void __tsan_atomic_signal_fence(int) {}

// A kernel has nothing to end but itself.
[[noreturn]] void __wrap_abort() {
  peal::kernel_side::host->ended("abort()", PEAL_HERE);
  __builtin_unreachable();
}
[[noreturn]] void __wrap_exit(int) {
  peal::kernel_side::host->ended("exit()", PEAL_HERE);
  __builtin_unreachable();
}
[[noreturn]] void __wrap__exit(int) {
  peal::kernel_side::host->ended("_exit()", PEAL_HERE);
  __builtin_unreachable();
}
[[noreturn]] void __wrap___assert_fail(const char*, const char*, unsigned, const char*) {
  peal::kernel_side::host->ended("a failed assert()", PEAL_HERE);
  __builtin_unreachable();
}
void* __wrap_memcpy(void* to, const void* from, std::size_t size) {
  if (size != 0) tell(from, size, false, PEAL_HERE);
  if (size != 0) tell(to, size, true, PEAL_HERE);
  return __real_memcpy(to, from, size);
}
void* __wrap_memmove(void* to, const void* from, std::size_t size) {
  if (size != 0) tell(from, size, false, PEAL_HERE);
  if (size != 0) tell(to, size, true, PEAL_HERE);
  return __real_memmove(to, from, size);
}
void* __wrap_memset(void* to, int value, std::size_t size) {
  if (size != 0) tell(to, size, true, PEAL_HERE);
  return __real_memset(to, value, size);
}
}
#pragma GCC visibility pop
