// SPDX-License-Identifier: Apache-2.0
// Linked into every kernel's shared object, which is compiled with -fsanitize=thread: it calls
// __tsan_* before each memory access. (1) tell() drops accesses that cannot matter: to the stack,
// the table, and statics that are being initialised. (2) It reports all others to the simulator,
// which checks the address and simulates what comes earlier. (3) The kernel makes the access. Of a
// kernel in Peal's verbs (PEAL_VERB_KERNEL), in the process's own memory, only stores to statics
// are reported. Wrappers replace memcpy() and the like, and functions that would end the process.

#include <cstddef>
#include <cstdint>

#include "peal/pto/include/peal_kernel.hpp"

extern "C" {
// Symbols of the linker: the start and end of this object in memory.
[[gnu::visibility("hidden")]] extern const char __ehdr_start[];
[[gnu::visibility("hidden")]] extern const char _end[];
// The dynamic initialisers, which peal_kernel.ld collects between these two symbols.
using Initialiser = void (*)();
[[gnu::visibility("hidden")]] extern const Initialiser peal_initialisers_begin[];
[[gnu::visibility("hidden")]] extern const Initialiser peal_initialisers_end[];
}

namespace {

// How many initialisers of statics are running: only they may store to statics. They can nest.
int initialising = 0;

inline bool is_in_object(const volatile void* address) {
  const auto offset =
      reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(__ehdr_start);
  return offset < static_cast<std::uintptr_t>(_end - __ehdr_start);
}

#ifdef PEAL_VERB_KERNEL
inline void tell(const volatile void* address, std::size_t size, bool writes, void* place) {
  if (!writes || !is_in_object(address) || initialising != 0) return;
  if (address == &initialising || address == &peal::kernel_side::host) return;
  peal::kernel_side::host->access(const_cast<const void*>(address), size, 1, place);
}
#else
constexpr std::ptrdiff_t own_stack = 128 * 1024;

// The rare part of tell(), apart from it so that the object compiles in half the time.
[[gnu::noinline]] void report(const volatile void* address, std::size_t size, bool writes,
                              void* place) {
  if (initialising != 0 && is_in_object(address)) return;
  // Every instruction reads `host` and the table: accesses of Peal's headers, not of the kernel.
  const peal::pto_abi::Host* const table = peal::kernel_side::host;
  const auto in_table =
      reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(table);
  if (address == &peal::kernel_side::host || in_table < sizeof(*table)) return;
  table->access(const_cast<const void*>(address), size, writes ? 1 : 0, place);
}

// An access within 128 KiB of the current frame is taken for one to the kernel's own stack.
inline void tell(const volatile void* address, std::size_t size, bool writes, void* place) {
  const auto distance = reinterpret_cast<std::intptr_t>(address) -
                        reinterpret_cast<std::intptr_t>(__builtin_frame_address(0));
  if (distance < -own_stack || distance > own_stack) report(address, size, writes, place);
}
#endif

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

// The libraries' functions: the linker redirects calls of them to __wrap_* (--wrap).
extern "C" {
int __real___cxa_guard_acquire(std::uint64_t* guard);
void __real___cxa_guard_release(std::uint64_t* guard);
void __real___cxa_guard_abort(std::uint64_t* guard);
void* __real_memcpy(void* to, const void* from, std::size_t size);
void* __real_memmove(void* to, const void* from, std::size_t size);
void* __real_memset(void* to, int value, std::size_t size);
int __real_memcmp(const void* a, const void* b, std::size_t size);
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

// A function's static is initialised at its first use, between acquire and release (or abort).
int __wrap___cxa_guard_acquire(std::uint64_t* guard) {
  const int is_first = __real___cxa_guard_acquire(guard);
  if (is_first != 0) ++initialising;
  return is_first;
}
void __wrap___cxa_guard_release(std::uint64_t* guard) {
  --initialising;
  __real___cxa_guard_release(guard);
}
void __wrap___cxa_guard_abort(std::uint64_t* guard) {
  --initialising;
  __real___cxa_guard_abort(guard);
}
// Registers nothing: destructors of statics never run; dlclose() discards the object as a whole.
int __wrap___cxa_atexit(void (*)(void*), void*, void*) { return 0; }
int __wrap___cxa_thread_atexit(void (*)(void*), void*, void*) { return 0; }
int __wrap_atexit(void (*)()) { return 0; }
int __wrap_at_quick_exit(void (*)()) { return 0; }

// A kernel must not end the process, and with it all ranks. ended() reports it and never returns.
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
[[noreturn]] void __wrap__Exit(int) {
  peal::kernel_side::host->ended("_Exit()", PEAL_HERE);
  __builtin_unreachable();
}
[[noreturn]] void __wrap_quick_exit(int) {
  peal::kernel_side::host->ended("quick_exit()", PEAL_HERE);
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
int __wrap_memcmp(const void* a, const void* b, std::size_t size) {
  if (size != 0) tell(a, size, false, PEAL_HERE);
  if (size != 0) tell(b, size, false, PEAL_HERE);
  return __real_memcmp(a, b, size);
}
}
#pragma GCC visibility pop

// Called once by LoadedObject, after peal_pto_bind(): initialisers already report their accesses.
extern "C" [[gnu::visibility("default")]] void peal_run_initialisers() {
  ++initialising;
  for (const Initialiser* each = peal_initialisers_begin; each != peal_initialisers_end; ++each) {
    (*each)();
  }
  --initialising;
}
