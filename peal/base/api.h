// SPDX-License-Identifier: Apache-2.0
#pragma once

// Marks what libpeal.so exports; it is compiled with hidden visibility. Every installed header
// opens its namespace with it (`namespace PEAL_API peal {`), so that all that it declares is
// exported. A header without it is internal, and is not installed.
#define PEAL_API [[gnu::visibility("default")]]
