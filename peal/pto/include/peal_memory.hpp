// SPDX-License-Identifier: Apache-2.0
#pragma once

// Included before every kernel. g++ expands these built-in functions to instructions of its own
// where the size is a constant, and -fsanitize=thread does not see them. Kernels, and what they use
// of the standard library (std::copy, std::fill), so call the functions themselves, which
// peal_callbacks.cpp wraps. Calls by the plain names are left to -fno-builtin-memcpy and its like.
extern "C" {
void* peal_memcpy(void* to, const void* from, __SIZE_TYPE__ size) noexcept __asm__("memcpy");
void* peal_memmove(void* to, const void* from, __SIZE_TYPE__ size) noexcept __asm__("memmove");
void* peal_memset(void* to, int value, __SIZE_TYPE__ size) noexcept __asm__("memset");
int peal_memcmp(const void* a, const void* b, __SIZE_TYPE__ size) noexcept __asm__("memcmp");
}
#define __builtin_memcpy peal_memcpy
#define __builtin_memmove peal_memmove
#define __builtin_memset peal_memset
#define __builtin_memcmp peal_memcmp
