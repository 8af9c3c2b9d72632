// SPDX-License-Identifier: Apache-2.0
#include "peal/base/memory/mapped_memory.h"

#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

namespace peal {

bool is_memory(const void* address) {
  char byte = 0;
  const iovec here{.iov_base = &byte, .iov_len = 1};
  const iovec there{.iov_base = const_cast<void*>(address), .iov_len = 1};
  return ::process_vm_readv(::getpid(), &here, 1, &there, 1, 0) == 1 || errno != EFAULT;
}

}  // namespace peal
